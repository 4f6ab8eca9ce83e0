"""Our server and a real MLServer with the same model and the same tensors."""

import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..conftest import BakedProject
from ..serving import environments, free_ports, serving_kit

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def ours(default_bake: BakedProject, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a generated server that follows a repository with version 1 of the toy model."""
    folder = tmp_path_factory.mktemp("ours")
    python = environments(pytestconfig)(default_bake.root / "requirements/serve.txt") / "python"
    with serving_kit(default_bake) as kit:
        origin = kit.Origin(folder / "origin.git")
        digest = origin.promote(folder / "bundle", 0.0)
        with kit.server(folder / "server", "--follow", origin.folder, python=python) as running:
            assert running.serves(digest), running.log
            yield f"http://127.0.0.1:{running.port}"


@pytest.fixture(scope="session")
def theirs(pytestconfig: pytest.Config, ours: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of MLServer; its metadata of the model are what ours tells."""
    folder = tmp_path_factory.mktemp("theirs")
    shutil.copy(HERE / "runtime/toy_runtime.py", folder)
    told = _get(f"{ours}/v2/models/toy")
    tensors = {kind: told[kind] for kind in ("inputs", "outputs")}
    settings = {"name": "toy", "implementation": "toy_runtime.Toy", "platform": told["platform"], "versions": ["1"], **tensors}
    (folder / "model-settings.json").write_text(json.dumps(settings | {"parameters": {"version": "1"}}))
    http, grpc, metrics = free_ports(3)
    ports = {"http_port": http, "grpc_port": grpc, "metrics_port": metrics}
    (folder / "settings.json").write_text(json.dumps({"host": "127.0.0.1", "debug": False, "parallel_workers": 0, **ports}))
    program = environments(pytestconfig)(HERE / "mlserver.txt") / "mlserver"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "start", "."], cwd=folder, stdout=log, stderr=log, env=_clean())
    try:
        _wait(process, f"http://127.0.0.1:{http}/v2/models/toy/ready", folder / "log")
        yield f"http://127.0.0.1:{http}"
    finally:
        process.terminate()
        process.wait(20)


def _wait(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(log.read_text())


def _get(url: str) -> dict:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def _clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
