"""Requests never stop while the model is swapped again and again: none is lost, and each answer is its own digest's."""

import http.client
import importlib
import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ..conftest import ROOT, BakedProject

REQUESTS = 20_000
SWAPS = 20
CONNECTIONS = 8


@pytest.fixture
def project(default_bake: BakedProject, tmp_path: Path) -> BakedProject:
    return default_bake.copy(tmp_path / "project")


@pytest.fixture
def kit(project: BakedProject, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The test kit of the generated server: toy models, a repository that promotes them, a server process."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(project.root / "src")
    monkeypatch.syspath_prepend(ROOT / "tests/generated")
    yield importlib.import_module("serving_kit")
    for name in set(sys.modules) - before:
        if name == "serving_kit" or name.partition(".")[0] == project.package.name:
            del sys.modules[name]


class Load:
    """Clients with one keep-alive connection each, asking without a pause and looking at every answer."""

    def __init__(self, kit: ModuleType, port: int, biases: dict[str, float]) -> None:
        self.kit, self.port, self.biases = kit, port, biases
        self.order = list(biases)
        self.answered = [0] * CONNECTIONS
        self.seen: set[str] = set()
        self.wrong: list[str] = []
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self._client, args=(number,)) for number in range(CONNECTIONS)]

    def __enter__(self) -> "Load":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join(30)

    def _client(self, number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        body, newest = json.dumps(self.kit.ROW), 0
        try:
            connection.connect()
            first = connection.sock
            while not self.stop.is_set():
                connection.request("POST", "/predict", body)
                answer = connection.getresponse()
                content = json.loads(answer.read())
                newest = self._judge(answer, content, newest)
                assert connection.sock is first, "the server closed a connection"
                self.answered[number] += 1
        except (OSError, http.client.HTTPException, AssertionError, KeyError, ValueError) as error:
            self.wrong.append(f"connection {number}, request {self.answered[number]}: {error!r}")

    def _judge(self, answer: http.client.HTTPResponse, content: dict[str, Any], newest: int) -> int:
        assert answer.status == 200, content
        digest = content["digest"]
        assert answer.headers["x-model-digest"] == digest
        wanted = self.kit.expected(self.kit.ROW, self.biases[digest])
        assert abs(content["predictions"][0]["probability"] - wanted) < 1e-6, "another model than the named one answered"
        position = self.order.index(digest)
        assert position >= newest, "an older model answered after a newer one"
        self.seen.add(digest)
        return position


def test_no_request_is_dropped_while_models_are_swapped(
    project: BakedProject, kit: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project.run("make", "setup-serve")
    origin = kit.Origin(tmp_path / "origin.git")
    biases = {kit.make_bundle(tmp_path / f"{n}", n / 10): n / 10 for n in range(SWAPS + 1)}
    for number, digest in enumerate(biases):
        origin.store(tmp_path / f"{number}", digest)
    first, *others = biases
    origin.point(first)
    python = project.root / ".venv-serve/bin/python"
    with kit.server(tmp_path / "server", "--follow", origin.folder, python=python) as running:
        assert running.serves(first), running.log
        with Load(kit, running.port, biases) as load:
            for number, digest in enumerate(others, start=1):
                kit.until(lambda due=number: load.wrong or sum(load.answered) >= due * REQUESTS / SWAPS, 60)
                origin.point(digest)
                assert running.serves(digest), running.log
            kit.until(lambda: load.wrong or (load.seen == set(biases) and sum(load.answered) >= REQUESTS), 60)
        assert load.wrong == []
        assert load.seen == set(biases)
        assert sum(load.answered) >= REQUESTS
        assert "degraded" not in running.log
    with capsys.disabled():
        print(f"\n{sum(load.answered)} requests over {SWAPS} swaps on {CONNECTIONS} connections, 0 dropped")
