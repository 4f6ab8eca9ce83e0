"""Nobody's body brings the server down: hostile requests by its own OpenAPI document, and mutated bodies right at the parsers.

``FUZZ_SECONDS`` is how long each of the two looks for faults; ``make fuzz`` gives them ten minutes.
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ..conftest import BakedProject
from ..serving import environments, serving_kit

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
SECONDS = int(os.environ.get("FUZZ_SECONDS", "20"))
MORE_MB, MORE_PARSED_MB = 10.0, 5.0  # what the memory may grow by, once everything has been used: of a server, of the parsers alone
TRIES = 60_000  # so many that bodies of 300 bytes would add 12 MB if each were kept
OPTIONS = f"-max_total_time={SECONDS} -timeout=10 -rss_limit_mb=1024 -max_len=4096 -print_final_stats=1 -verbosity=1".split()
FAILED = re.compile(r'^serving_requests_total\{.*status="5\d\d"\} .*', re.MULTILINE)


@pytest.fixture
def show(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Print figures on the terminal."""

    def say(text: str) -> None:
        with capsys.disabled():
            print(f"\n{text}")

    return say


def memory(pid: int) -> float:
    """What a process occupies, in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def test_no_request_by_the_openapi_document_fails_the_server(
    default_bake: BakedProject, tmp_path: Path, pytestconfig: pytest.Config, show: Callable[[str], None]
) -> None:
    install = environments(pytestconfig)
    served, program = install(default_bake.root / "requirements/serve.txt"), install(HERE / "schemathesis.txt") / "schemathesis"
    for name in ("hooks.py", "schemathesis.toml"):
        shutil.copy(HERE / name, tmp_path)
    with serving_kit(default_bake) as kit:
        kit.make_bundle(tmp_path / "bundle")
        with kit.server(tmp_path / "server", "--model", tmp_path / "bundle", python=served / "python") as running:
            found, told, sizes = _schemathesis(program, tmp_path, running)
            metrics = _metrics(kit, running)
            assert running.ask("POST", "/predict", kit.ROW)[0] == 200
        log = running.log
    report = json.loads((tmp_path / "report.json").read_text())
    cases, seconds = report["test_cases"]["generated"], report["running_time"]
    rate = f"{cases} requests in {seconds:.0f} s ({cases / seconds:.0f} a second)"
    show(f"schemathesis: {rate}; memory {sizes[0]:.1f} MB, half-way {sizes[1]:.1f} MB, at the end {sizes[2]:.1f} MB")
    assert found == 0, told
    assert report["operations"]["tested"] == report["operations"]["total"] > 0
    assert FAILED.findall(metrics) == []
    assert "failed" not in log
    assert sizes[2] - sizes[1] < MORE_MB


def _schemathesis(program: Path, folder: Path, running: Any) -> tuple[int, str, tuple[float, float, float]]:
    """Its exit code, what it wrote, and the server's memory before, half-way and after."""
    pid, url = running.process.pid, f"http://127.0.0.1:{running.port}/openapi.json"
    command = [program, "--no-color", "fuzz", url, "--max-time", str(SECONDS), "--generation-database", "none"]
    before, half = memory(pid), time.monotonic() + SECONDS / 2
    with (folder / "told").open("w+") as told:
        process = subprocess.Popen([*command, "--report-json-path", folder / "report.json"], cwd=folder, stdout=told, stderr=told)
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, half - time.monotonic()))
            middle = memory(pid)
            found = process.wait(SECONDS + 60)
        finally:
            process.kill()
    return found, (folder / "told").read_text()[-6000:], (before, middle, memory(pid))


def _metrics(kit: ModuleType, running: Any) -> str:
    connection = running.connect()
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return text


def test_no_body_fails_the_parsers(
    default_bake: BakedProject, tmp_path: Path, pytestconfig: pytest.Config, show: Callable[[str], None]
) -> None:
    python = environments(pytestconfig)(HERE / "atheris.txt", default_bake.root / "requirements/serve.txt") / "python"
    env = {**os.environ, "PYTHONPATH": str(default_bake.root / "src")}
    (corpus := tmp_path / "corpus").mkdir()
    script = [python, HERE / "bodies.py"]
    more = [f"-dict={HERE / 'bodies.dict'}", f"-artifact_prefix={tmp_path}/", *OPTIONS]
    done = subprocess.run([*script, "fuzz", corpus, *more], env=env, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, f"{done.stdout}{done.stderr[-6000:]}\n{_culprits(tmp_path)}"
    told = dict(re.findall(r"^stat::(\w+): +(\d+)$", done.stderr, re.MULTILINE))
    again = subprocess.run([*script, "replay", corpus, str(TRIES)], env=env, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    start, (early, late) = float(done.stdout), map(float, again.stdout.split())
    count, runs = len(list(corpus.iterdir())), int(told["number_of_executed_units"])
    rate = f"{runs} bodies in {SECONDS} s ({told['average_exec_per_sec']} a second, {count} kept)"
    kept = f"the kept ones again and again: {early:.1f} MB, after {TRIES} tries {late:.1f} MB"
    show(f"atheris: {rate}; memory {start:.1f} MB, at the most {told['peak_rss_mb']} MB; {kept}")
    assert runs > count > 20
    assert late - early < MORE_PARSED_MB


def _culprits(folder: Path) -> str:
    """The inputs that libFuzzer left because of what they did, to be tried again."""
    found = [path for kind in ("crash-*", "timeout-*", "oom-*") for path in folder.glob(kind)]
    return "\n".join(f"{path.name}: {path.read_bytes()!r}" for path in found)
