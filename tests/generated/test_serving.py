"""The server, as a process of its own: what it answers, what it refuses, and what it follows."""

import http.client
import json
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from churn import ProblemError, bundle
from churn.serving.__main__ import main
from serving_kit import (
    CONTRACT,
    PACKAGE,
    ROW,
    Origin,
    Running,
    command,
    environment,
    expected,
    make_bundle,
    server,
    until,
)

OTHER_ROW = {"age": 3, "fee": None, "plan": "plus"}


@pytest.fixture(scope="module")
def fixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, str]]:
    """A server of one bundle in a folder, and its digest."""
    folder = tmp_path_factory.mktemp("fixed")
    digest = make_bundle(folder / "bundle", bias=-1.0)
    with server(folder, "--model", folder / "bundle") as running:
        yield running, digest


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin(tmp_path / "origin.git")


@pytest.mark.parametrize("body", [ROW, [ROW], {"records": [ROW]}, b"\xef\xbb\xbf" + json.dumps(ROW).encode()], ids=repr)
def test_one_record_is_answered_in_every_accepted_form(fixed: tuple[Running, str], body: Any) -> None:
    status, content, answer = fixed[0].ask("POST", "/predict", body)
    assert status == 200
    assert content == {"model": "toy", "version": None, "digest": fixed[1], "predictions": content["predictions"]}
    assert content["predictions"] == [{"prediction": "No", "probability": pytest.approx(expected(ROW, -1.0), abs=1e-6)}]
    assert answer.headers["x-model-digest"] == fixed[1]


def test_records_are_answered_in_their_order_up_to_a_thousand(fixed: tuple[Running, str]) -> None:
    rows = [{"age": n % 100, "fee": None if n % 3 else float(n), "plan": ("basic", "plus")[n % 2]} for n in range(1000)]
    status, content, _ = fixed[0].ask("POST", "/predict", rows)
    assert status == 200
    chances = [expected(row, -1.0) for row in rows]
    assert [one["probability"] for one in content["predictions"]] == pytest.approx(chances, abs=1e-6)
    assert [one["prediction"] for one in content["predictions"]] == ["Yes" if p >= 0.5 else "No" for p in chances]
    assert fixed[0].ask("POST", "/predict", [ROW] * 1001)[0] == 413


@pytest.mark.parametrize(
    ("body", "field", "rule"),
    [
        ({"age": "4", "fee": 1, "plan": "basic"}, "age", "whole number"),
        ({"age": True, "fee": 1, "plan": "basic"}, "age", "whole number"),
        ({"age": 4.5, "fee": 1, "plan": "basic"}, "age", "whole number"),
        ({"age": 121, "fee": 1, "plan": "basic"}, "age", "at most 120"),
        ({"age": None, "fee": 1, "plan": "basic"}, "age", "missing"),
        ({"age": 4, "fee": 1e39, "plan": "basic"}, "fee", "finite"),
        ({"age": 4, "fee": 10**400, "plan": "basic"}, "fee", "finite"),
        ({"age": 4, "fee": [1], "plan": "basic"}, "fee", "number"),
        ({"age": 4, "fee": 1, "plan": "gold"}, "plan", "'basic', 'plus'"),
        ({"age": 4, "fee": 1, "plan": 1}, "plan", "text"),
        ({"age": 4, "fee": 1, "plan": "None"}, "plan", "one of"),
        ({"age": 4, "fee": 1}, "plan", "required"),
        ({**ROW, "ages": 4}, "ages", "not known"),
        ({}, "age", "required"),
        ([ROW, 7], None, "JSON object"),
        ([None], None, "JSON object"),
    ],
    ids=repr,
)
def test_a_row_that_breaks_the_contract_is_named(fixed: tuple[Running, str], body: Any, field: str | None, rule: str) -> None:
    status, content, answer = fixed[0].ask("POST", "/predict", body)
    assert (status, content["violations"][0]["field"]) == (422, field)
    assert rule in content["violations"][0]["rule"]
    assert content["violations"][0]["row"] == (1 if isinstance(body, list) and len(body) == 2 else 0)
    assert answer.headers["x-model-digest"] == fixed[1]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"null", 400),
        (b'"text"', 400),
        (b"NaN", 400),
        (b'{"age": NaN, "fee": 1, "plan": "basic"}', 400),
        (b'{"age": 4, "fee": Infinity, "plan": "basic"}', 400),
        (b'{"age": 4, "fee": 1e400, "plan": "basic"}', 400),
        (b'{"age": 4, "fee": 1, "plan": "\\ud800"}', 400),
        (b'{"age": 4, "fee": 1, "plan": "caf\xe9"}', 400),
        (b"[" * 100_000, 400),
        (b'[{"age": ' + b"[" * 900 + b"]" * 900 + b"}]", 422),
        (b'{"age": ' + b"9" * 5000 + b"}", 400),
        (b"\x00\x01", 400),
        (b"a,b\n1,2\n", 400),
        (b"[]", 422),
        (b'{"records": []}', 422),
        (b'{"records": 1}', 422),
        (b'{"records": [], "more": 1}', 400),
        (b'{"age": 4, "fee": 3.4e38, "plan": "basic"}', 200),
        (b'[{"age":4,"fee":1,"plan":"x"}' + b',{"age":4,"fee":1,"plan":"x"}' * 999 + b"]", 422),
    ],
    ids=lambda value: repr(value[:40]) if isinstance(value, bytes) else None,
)
def test_no_body_is_a_server_error(fixed: tuple[Running, str], body: bytes, status: int) -> None:
    found, content, _ = fixed[0].ask("POST", "/predict", body)
    assert found == status, content
    assert found == 200 or content["error"]
    assert len(json.dumps(content)) < 20_000


def test_a_body_above_the_limit_is_refused_by_its_length_and_by_counting(fixed: tuple[Running, str]) -> None:
    with closing(fixed[0].connect()) as connection:
        connection.putrequest("POST", "/predict")
        connection.putheader("Content-Length", str(50_000_000))
        connection.endheaders()
        with connection.getresponse() as answer:  # before a byte of the body was sent
            assert answer.status == 413
    with closing(fixed[0].connect()) as connection:
        connection.request("POST", "/predict", iter([b" " * 65_536] * 20), {"Transfer-Encoding": "chunked"}, encode_chunked=True)
        with connection.getresponse() as answer:
            assert answer.status == 413
    assert fixed[0].ask("POST", "/predict", ROW)[0] == 200


def test_every_other_route_answers_in_json(fixed: tuple[Running, str]) -> None:
    running, digest = fixed
    assert running.ask("GET", "/")[1]["digest"] == digest
    status, model, _ = running.ask("GET", "/model")
    assert (status, model["digest"], model["threshold"]) == (200, digest, 0.5)
    assert [column["name"] for column in model["contract"]["columns"]] == ["age", "fee", "plan"]
    assert CONTRACT.check([model["example"]]) == []
    assert running.ask("POST", "/predict", model["example"])[0] == 200
    assert running.ask("GET", "/health/live")[0] == 200
    assert running.ask("GET", "/health/ready")[1] == {"ready": True, "degraded": None, "model": "toy", "version": None, "digest": digest}
    assert running.ask("GET", "/predict")[0] == 405
    assert running.ask("GET", "/nothing")[0] == 404


def test_rows_do_not_reach_the_log(fixed: tuple[Running, str]) -> None:
    fixed[0].ask("POST", "/predict", {**ROW, "plan": "very-private"})
    fixed[0].ask("POST", "/predict", b'{"plan": "very-private", ')
    assert "very-private" not in fixed[0].log


def test_a_promotion_and_a_rollback_are_followed(tmp_path: Path, origin: Origin) -> None:
    with server(tmp_path / "s", "--follow", origin.folder) as running:
        assert running.ask("GET", "/health/live")[0] == 200
        assert running.state(ready=False, reason=...)["reason"]
        assert running.ask("GET", "/model")[0] == running.ask("POST", "/predict", ROW)[0] == 503
        first = origin.promote(tmp_path / "1", bias=0.0)
        assert running.state(ready=True, version=1, digest=first, degraded=None)
        second = origin.promote(tmp_path / "2", bias=1.0)
        assert running.serves(second)
        content = running.ask("POST", "/predict", ROW)[1]
        assert (content["digest"], content["version"]) == (second, 2)
        assert content["predictions"][0]["probability"] == pytest.approx(expected(ROW, 1.0), abs=1e-6)
        origin.point(first)
        assert running.state(ready=True, version=3, digest=first, degraded=None)
        kept = {path.name for path in tmp_path.glob("s/cache/*/bundles/*")}
        assert kept == {first.removeprefix("sha256:"), second.removeprefix("sha256:")}


def test_nothing_bad_replaces_a_good_model(tmp_path: Path, origin: Origin) -> None:
    good = origin.promote(tmp_path / "good", bias=0.0)
    with server(tmp_path / "s", "--follow", origin.folder) as running:
        assert running.serves(good)
        for name, spoil in _spoiled(tmp_path, origin).items():
            spoil()
            problem = running.state(ready=True, digest=good, degraded=...)["degraded"]
            assert "\n" not in problem, name
            assert running.ask("POST", "/predict", ROW)[1]["digest"] == good
            assert until(lambda problem=problem: problem in running.log)
            time.sleep(0.5 if name == "not stored" else 0)  # time for several tries
            assert running.log.count(problem) == 1, f"{name}: the same reason is logged once"
            origin.point(good)
            running.state(ready=True, digest=good, degraded=None)
        better = origin.promote(tmp_path / "better", bias=2.0)
        assert running.serves(better)


def _spoiled(tmp_path: Path, origin: Origin) -> dict[str, Callable[[], None]]:
    good, swapped, missing = bundle.digest_of(tmp_path / "good"), "sha256:" + "e" * 64, "sha256:" + "f" * 64
    changed = make_bundle(tmp_path / "changed", bias=7.0)
    origin.store(tmp_path / "changed", changed, model=b"not the model")
    origin.store(tmp_path / "good", swapped)
    other = make_bundle(tmp_path / "other", bias=9.0, name="other")
    origin.store(tmp_path / "other", other)
    wrong = make_bundle(tmp_path / "wrong", bias=8.0, golden_bias=0.0)
    origin.store(tmp_path / "wrong", wrong)

    def pointer(content: bytes) -> Callable[[], None]:
        return lambda: origin.commit("refs/heads/main", {"models/production.yaml": content})

    return {
        "changed model": lambda: origin.point(changed),
        "another bundle than the digest says": lambda: origin.point(swapped),
        "another model than the pointer says": lambda: origin.point(other),
        "wrong golden rows": lambda: origin.point(wrong),
        "not stored": lambda: origin.point(missing),
        "not YAML": pointer(b"\xff\x00: ["),
        "deep YAML": pointer(b"[" * 5000),
        "huge pointer": lambda: origin.point(good, padding=100_000),
    }


def test_a_disk_that_takes_no_more_costs_no_answer_and_heals(tmp_path: Path, origin: Origin) -> None:
    good = origin.promote(tmp_path / "good", bias=0.0)
    with server(tmp_path / "s", "--follow", origin.folder) as running:
        assert running.serves(good)
        unlimited = resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (500, unlimited[1]))  # git and the server inherit it
        better = origin.promote(tmp_path / "better", bias=1.0)
        assert running.state(ready=True, digest=good, degraded=...)["degraded"]
        assert running.ask("POST", "/predict", ROW)[1]["digest"] == good
        assert not list(tmp_path.glob(f"s/cache/*/bundles/{better.removeprefix('sha256:')}")), "nothing half-written is left"
        resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, unlimited)
        assert running.serves(better)
        assert running.state(ready=True, degraded=None)


def test_a_start_without_the_remote_serves_the_last_verified_model(tmp_path: Path, origin: Origin) -> None:
    digest = origin.promote(tmp_path / "1", bias=0.0)
    with server(tmp_path / "s", "--follow", origin.folder) as running:
        assert running.serves(digest)
    origin.folder.rename(tmp_path / "away")
    with server(tmp_path / "s", "--follow", origin.folder) as running:
        assert running.state(ready=True, version=1, digest=digest, degraded=...)
    model = next(tmp_path.glob("s/cache/*/bundles/*/model.onnx"))
    model.write_bytes(model.read_bytes() + b"x")
    with server(tmp_path / "s", "--follow", origin.folder) as running:
        assert running.state(ready=False, reason=...)
    (tmp_path / "away").rename(origin.folder)
    with server(tmp_path / "s", "--follow", origin.folder) as running:
        assert running.state(ready=True, version=1, digest=digest, degraded=None)


def test_a_remote_that_is_down_is_named_without_its_password(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with server(tmp_path / "s", "--follow", f"http://mona:secret@127.0.0.1:{port}/churn.git") as running:
        reason = until(lambda: "127.0.0.1" in running.ask("GET", "/health/ready")[1]["reason"]) and running.state(ready=False, reason=...)
        assert f"127.0.0.1:{port}/churn.git" in reason["reason"]
        assert running.ask("GET", "/health/live")[0] == 200
        assert "secret" not in running.log + reason["reason"]
        assert "mona" not in running.log


def test_a_trained_bundle_is_served_until_the_first_promotion(tmp_path: Path, origin: Origin) -> None:
    work = tmp_path / "work"
    subprocess.run(["git", "clone", "-q", str(origin.folder), str(work)], check=True, capture_output=True)
    trained = make_bundle(work / "models/bundle", bias=0.5)
    with server(tmp_path / "s", cwd=work) as running:
        assert running.state(ready=True, version=None, digest=trained, degraded=None)
        assert until(lambda: "models/bundle" in running.log)
        promoted = origin.promote(tmp_path / "1", bias=0.0)
        assert running.state(ready=True, version=1, digest=promoted, degraded=None)
        assert running.log.count("models/bundle") == 1


def test_a_stop_under_load_loses_no_request(tmp_path: Path) -> None:
    make_bundle(tmp_path / "bundle")
    lost: list[str] = []
    answered = [0] * 8
    with server(tmp_path / "s", "--model", tmp_path / "bundle") as running:
        threads = [threading.Thread(target=_load, args=(running, n, answered, lost)) for n in range(8)]
        for thread in threads:
            thread.start()
        body = json.dumps(ROW).encode()
        with closing(running.connect()) as slow:
            slow.putrequest("POST", "/predict")
            slow.putheader("Content-Length", str(len(body)))
            slow.endheaders(body[:5])
            until(lambda: min(answered) > 20)
            running.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            slow.send(body[5:])
            with slow.getresponse() as answer:
                assert answer.status == 200
        for thread in threads:
            thread.join(20)
        assert running.process.wait(timeout=20) == 0
    assert not lost
    assert "Traceback" not in running.log


def _load(running: Running, number: int, answered: list[int], lost: list[str]) -> None:
    connection = running.connect()
    while True:
        try:
            connection.connect()
        except OSError:
            return  # refused: the server has stopped listening and says so before any request is sent
        try:
            while connection.sock:  # None once an answer has said that the connection closes
                connection.request("POST", "/predict", json.dumps(ROW))
                answer = connection.getresponse()
                answer.read()
                assert answer.status == 200
                answered[number] += 1
        except (OSError, http.client.HTTPException, AssertionError) as error:
            lost.append(repr(error))
            return
        finally:
            connection.close()


def test_serving_needs_none_of_the_training_libraries() -> None:
    block = "import sys; sys.modules.update(dict.fromkeys(('sklearn','pandas','dvc','pandera','skl2onnx','onnx','scipy','joblib'))); "
    done = subprocess.run([sys.executable, "-c", f"{block}import {PACKAGE}.serving.__main__"], env=environment(), capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--follow", "upstream"], "neither a URL, nor a folder, nor a git remote"),
        (["--follow", "folder"], "not a git repository"),
        (["--model", "folder"], "manifest.json: no such file"),
        (["--follow", ".", "--environment", "../x"], "--environment '../x'"),
        (["--follow", ".", "--branch", "a..b"], "--branch 'a..b'"),
        (["--follow", ".", "--poll", "0"], "--poll 0"),
        (["--follow", ".", "--port", "70000"], "--port 70000 must lie between 0 and 65535"),
        (["--folow", "."], "unrecognized arguments: --folow .; --help lists the options"),
        (["--port", "eighty"], "argument --port: invalid int value: 'eighty'"),
        (["--follow", ".", "--drift-rows", "5"], "--drift-rows 5 must lie in 300"),
        (["--model", "folder", "--workers", "2"], "manifest.json: no such file"),
    ],
    ids=" ".join,
)
def test_a_start_that_cannot_work_says_what_to_correct(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], says: str
) -> None:
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["serving", "--cache", str(tmp_path / "cache"), *options])
    with pytest.raises(ProblemError, match=re.escape(says)):
        main()


def test_a_busy_port_and_a_folder_without_git_end_with_one_line(tmp_path: Path) -> None:
    make_bundle(tmp_path / "bundle")
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = str(busy.getsockname()[1])
        for options, says in {("--model", "bundle", "--port", port): f"port {port}", (): "is not a git repository"}.items():
            done = subprocess.run([*command(tmp_path), *options], env=environment(), cwd=tmp_path, capture_output=True, timeout=30)
            lines = [line for line in done.stderr.decode().splitlines() if " INFO " not in line]
            assert (done.returncode, len(lines)) == (1, 1), lines
            assert lines[0].startswith("error: ")
            assert says in lines[0]
