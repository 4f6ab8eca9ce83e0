"""What a bundle must show on a real server before it is promoted, beside the champion's."""

import http.server
import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from churn import bundle
from churn.registry import latency, smoke
from churn.registry.smoke import SmokeError
from serving_kit import environment, make_bundle, until


def _made(folder: Path, bias: float = 0.0) -> bundle.Bundle:
    make_bundle(folder, bias)
    return bundle.load(folder)


def test_a_good_bundle_is_timed_beside_the_champion(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    one, two = _made(tmp_path / "one"), _made(tmp_path / "two", 1.0)
    smoke.check(two.folder, two.digest, one.folder, most=5.0)
    assert re.search(r"one answer over HTTP takes [\d.]+ ms \(p99 [\d.]+ ms\), the champion's [\d.]+ ms \(p99", capfd.readouterr().out)


@contextmanager
def between(address: str, change: dict[str, Any], wait: float = 0.0) -> Iterator[str]:
    """A server that asks another one, answers what that says, slower by ``wait`` seconds, with the bodies of some paths changed."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._pass(None)

        def do_POST(self) -> None:
            self._pass(json.loads(self.rfile.read(int(self.headers["content-length"]))))

        def _pass(self, body: Any) -> None:
            found = smoke._call(f"{address}{self.path}", body)
            time.sleep(wait)
            wanted = change.get(self.path, {})
            status, content = (wanted, {}) if isinstance(wanted, int) else (found.status, found.body | wanted)
            data = json.dumps(content).encode()
            self.send_response(status)
            for name, value in {"content-length": len(data), "x-model-digest": found.digest or ""}.items():
                self.send_header(name, str(value))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{made.server_port}"
        made.shutdown()


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "not alive": ({"/health/live": 500}, "/health/live answers 500 and not 200"),
    "not ready": ({"/health/ready": 503}, "/health/ready answers 503"),
    "ready with another": ({"/health/ready": {"digest": "sha256:other"}}, "for sha256:other: it is not ready with sha256:"),
    "another threshold": ({"/model": {"threshold": 0.25}}, "/model describes another model: its threshold is not the one of"),
    "another contract": ({"/model": {"contract": {}}}, "/model describes another model: its contract is not the one of"),
    "no list of routes": ({"/": {"routes": {}}}, "does not list /health/live, /health/ready, /model, /predict among"),
    "no predictions": ({"/predict": {"predictions": []}}, "gives 0 answers to 2 golden rows"),
}


@pytest.mark.parametrize(("change", "words"), WRONG.values(), ids=list(WRONG))
def test_a_server_that_breaks_the_protocol_is_refused(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    made = _made(tmp_path / "bundle")
    with smoke._served(made.folder) as address:
        smoke.ask(address, made)
        with between(address, change) as wrong, pytest.raises(SmokeError) as caught:
            smoke.ask(wrong, made)
    assert words in str(caught.value)


def test_a_server_that_is_slower_than_the_gate_allows_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = _made(tmp_path / "one"), _made(tmp_path / "two", 1.0)
    for name, value in {"CALLS": 10, "ROUNDS": 2, "MOST_ROUNDS": 3}.items():
        monkeypatch.setattr(latency, name, value)
    with smoke._served(two.folder) as address, between(address, {}, wait=0.03) as slow:
        with pytest.raises(SmokeError, match=r"times the champion's, the gate latency_p99 in params.yaml allows 3$"):
            smoke._timed(slow, two, one, 3.0)
        smoke._timed(slow, two, one, None)  # without a gate it is said, and stops nothing


def test_out_of_a_champion_that_does_not_work_there_is_a_way(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    made = _made(tmp_path / "made")
    make_bundle(tmp_path / "broken", golden_bias=1.0)
    smoke.check(made.folder, made.digest, tmp_path / "broken", most=5.0)
    assert re.search("::warning::not timed beside the champion sha256:.*golden row 0 should give", capfd.readouterr().out)


def test_a_model_that_dies_while_it_is_timed_is_refused(tmp_path: Path) -> None:
    one, two = _made(tmp_path / "one"), _made(tmp_path / "two", 1.0)
    with (
        smoke._served(two.folder) as address,
        between(address, {"/predict": 500}) as broken,
        pytest.raises(SmokeError, match="answers 500"),
    ):
        smoke._timed(broken, two, one, 3.0)


KILLED = """
import sys, time
from pathlib import Path
from churn.registry import smoke
with smoke._served(Path(sys.argv[1])) as address:
    print(address, flush=True)
    time.sleep(60)
"""


def test_a_server_does_not_outlive_the_process_that_asks_it(tmp_path: Path) -> None:
    make_bundle(tmp_path / "bundle")
    command = [sys.executable, "-c", KILLED, str(tmp_path / "bundle")]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) as asking:
        assert asking.stdout
        address = asking.stdout.readline().strip()
        assert smoke._call(f"{address}/health/live").status == 200
        asking.send_signal(signal.SIGKILL)

    def gone() -> bool:
        try:
            return smoke._call(f"{address}/health/live").status != 200
        except SmokeError:
            return True

    assert until(gone), "the server still answers"
