"""The server under load, in the small environment that it has in production: what is accepted is answered, and nothing is lost."""

import contextlib
import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ..conftest import ROOT, BakedProject
from ..serving import serving_kit

REQUESTS = 20_000
SWAPS = 20
RATE = 1500
TIMES = 5


@pytest.fixture
def project(default_bake: BakedProject, tmp_path: Path) -> BakedProject:
    return default_bake.copy(tmp_path / "project")


@pytest.fixture
def kit(project: BakedProject) -> Iterator[ModuleType]:
    """The test kit of the generated server: toy models, a repository that promotes them, a server process."""
    with serving_kit(project) as found:
        yield found


@contextlib.contextmanager
def pressed(project: BakedProject, port: int, body: Path, *options: object) -> Iterator[Callable[[], dict[str, Any]]]:
    """Requests without a pause, from a process of their own; what is yielded waits for its end and tells how each was answered."""
    command = [project.root / ".venv-serve/bin/python", ROOT / "bench/press.py", port, body, *options]
    with subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True) as process:
        try:
            yield lambda: json.loads(process.communicate(timeout=120)[0].splitlines()[-1])
        finally:
            process.kill()


def press(*arguments: Any) -> dict[str, Any]:
    with pressed(*arguments) as found:
        return found()


def test_five_times_the_capacity_is_answered_or_refused_and_none_is_lost(
    project: BakedProject, kit: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project.run("make", "setup-serve")
    kit.make_bundle(tmp_path / "bundle")
    body = tmp_path / "body"
    body.write_text(json.dumps([kit.ROW] * 1000))
    python = project.root / ".venv-serve/bin/python"
    with kit.server(tmp_path / "server", "--model", tmp_path / "bundle", python=python) as running:
        capacity = press(project, running.port, body, "--connections", 2, "--seconds", 1)["answered"]["200"]
        unloaded = press(project, running.port, body, "--rate", capacity / TIMES, "--connections", 256, "--seconds", 1)
        found = press(project, running.port, body, "--rate", TIMES * capacity, "--connections", 256, "--count", REQUESTS)
        assert (found["sent"], sum(found["answered"].values()), found["lost"]) == (REQUESTS, REQUESTS, 0)
        assert set(found["answered"]) == {"200", "503"}
        assert found["wrong"] == []
        assert running.ask("POST", "/predict", kit.ROW)[0] == 200
        assert figure(running, 'serving_errors_total{kind="overload"}') >= found["answered"]["503"]
        assert figure(running, "serving_queue_rows") == 0
    assert "Traceback" not in running.log
    with capsys.disabled():
        p99 = {name: one["p99_ms"]["200"] for name, one in (("unloaded", unloaded), ("accepted", found))}
        print(f"\n{found['rate']:.0f} requests a second where {capacity} can be answered: {found['answered']}, p99 in ms: {p99}")


def test_no_request_is_dropped_by_swaps_bad_bundles_and_the_end(
    project: BakedProject, kit: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project.run("make", "setup-serve")
    origin = kit.Origin(tmp_path / "origin.git")
    digests = [kit.make_bundle(tmp_path / f"{n}", n / 10) for n in range(SWAPS + 1)]
    for number, digest in enumerate(digests):
        origin.store(tmp_path / f"{number}", digest)
    origin.point(digests[0])
    body, answers = tmp_path / "body", tmp_path / "answers"
    body.write_text(json.dumps(kit.ROW))
    answers.write_text(json.dumps({digest: kit.expected(kit.ROW, n / 10) for n, digest in enumerate(digests)}))
    spoiled = bad_promotions(kit, origin, tmp_path)
    python = project.root / ".venv-serve/bin/python"
    with kit.server(tmp_path / "server", "--follow", origin.folder, python=python) as running:
        assert running.serves(digests[0]), running.log
        with pressed(project, running.port, body, "--rate", RATE, "--connections", 64, "--answers", answers) as ended:
            for number, digest in enumerate(digests[1:], start=1):
                origin.point(digest)
                assert running.serves(digest), running.log
                if number % 4 == 0:
                    outlives(running, digest, *spoiled.pop())
            assert not spoiled
            kit.until(lambda: figure(running, 'serving_requests_total{route="/predict",status="200"}') >= REQUESTS, 60)
            running.process.send_signal(signal.SIGTERM)
            found = ended()
        assert running.process.wait(20) == 0
    assert found["wrong"] == []
    assert found["answered"] == {"200": found["sent"]}
    assert found["sent"] >= REQUESTS
    assert (found["lost"], found["seen"]) == (0, digests)
    assert "Traceback" not in running.log
    with capsys.disabled():
        print(f"\n{found['sent']} requests over {SWAPS} swaps, 5 bad promotions and SIGTERM, 0 dropped")


def bad_promotions(kit: ModuleType, origin: Any, folder: Path) -> list[tuple[str, Callable[[], None], Callable[[], None]]]:
    """What a promotion can do wrong: the words in which it is told, how it comes about, and how it is put right."""
    cut = kit.make_bundle(folder / "cut", 7.0)
    origin.store(folder / "cut", cut, model=(folder / "cut/model.onnx").read_bytes()[:-40])
    swapped = "sha256:" + "e" * 64
    origin.store(folder / "1", swapped)
    wrong = kit.make_bundle(folder / "wrong", 8.0, golden_bias=0.0)
    origin.store(folder / "wrong", wrong)
    away = folder / "away.git"
    garbage = {"models/production.yaml": b"model: [\xff"}
    return [
        ("model.onnx", lambda: origin.point(cut), lambda: None),
        ("digest", lambda: origin.point(swapped), lambda: None),
        ("golden", lambda: origin.point(wrong), lambda: None),
        ("not a pointer file", lambda: origin.commit("refs/heads/main", garbage), lambda: None),
        ("origin.git", lambda: origin.folder.rename(away) and None, lambda: away.rename(origin.folder) and None),
    ]


def outlives(running: Any, digest: str, words: str, spoil: Callable[[], None], mend: Callable[[], None]) -> None:
    """A bad promotion is told, and costs nothing: the model before it goes on, until things are put right."""
    spoil()
    state = running.state(ready=True, digest=digest, degraded=...)
    assert words in state["degraded"]
    assert figure(running, "serving_degraded") == figure(running, "serving_ready") == 1
    mend()


def figure(running: Any, name: str) -> float:
    """One figure of /metrics, 0 where it is not there."""
    connection = running.connect()
    connection.request("GET", "/metrics")
    lines = connection.getresponse().read().decode().splitlines()
    connection.close()
    return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} ")), 0.0)
