"""What a request may be: its size, time, encoding and token; and tables as bodies."""

import gzip
import json
import os
import socket
import time
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from serving_kit import ROW, Running, expected, make_bundle, server

TABLE = b"plan,fee,age\nbasic,20.5,40\n\nplus,,3\n"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("limits")
    make_bundle(folder / "bundle")
    with server(folder, "--model", folder / "bundle", "--body-seconds", "1") as found:
        yield found


def test_a_compressed_body_is_read_and_a_bomb_is_not(running: Running) -> None:
    body = json.dumps(ROW).encode()
    plain = running.ask("POST", "/predict", body)[1]["predictions"]
    for name, packed in {"gzip": gzip.compress(body), "deflate": zlib.compress(body)}.items():
        assert running.ask("POST", "/predict", packed, Content_Encoding=name)[1]["predictions"] == plain
        for wrong in (packed[:-5], packed + packed, b"x"):
            assert running.ask("POST", "/predict", wrong, Content_Encoding=name)[0] == 400
        bomb = gzip.compress(b" " * 50_000_000) if name == "gzip" else zlib.compress(b" " * 50_000_000)
        assert running.ask("POST", "/predict", bomb, Content_Encoding=name)[0] == 413
    assert running.ask("POST", "/predict", body, Content_Encoding="br")[0] == 415


def test_a_body_that_does_not_come_is_given_up(running: Running) -> None:
    with closing(socket.create_connection(("127.0.0.1", running.port), timeout=10)) as slow:
        slow.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        assert slow.recv(1000).startswith(b"HTTP/1.1 408 ")
    assert running.ask("POST", "/predict", ROW)[0] == 200


def test_a_csv_table_is_answered_row_by_row(running: Running) -> None:
    for body in (TABLE, b"\xef\xbb\xbf" + TABLE.replace(b"\n", b"\r\n")):
        status, content, _ = running.ask("POST", "/predict", body, Content_Type="text/csv; charset=utf-8")
        assert status == 200, content
        chances = [expected(row, 0.0) for row in ({"age": 40, "fee": 20.5, "plan": "basic"}, {"age": 3, "fee": None, "plan": "plus"})]
        assert [one["probability"] for one in content["predictions"]] == pytest.approx(chances, abs=1e-6)


def test_a_long_table_is_answered_and_a_longer_one_refused(running: Running) -> None:
    rows = 20_000
    body = b"age,fee,plan\n" + b"".join(b"%d,1.5,plus\n" % (n % 100) for n in range(rows))
    status, content, _ = running.ask("POST", "/predict", body, Content_Type="text/csv")
    chances = [expected({"age": n % 100, "fee": 1.5, "plan": "plus"}, 0.0) for n in range(rows)]
    assert (status, len(content["predictions"])) == (200, rows)
    assert [one["probability"] for one in content["predictions"]] == pytest.approx(chances, abs=1e-6)
    status, content, _ = running.ask("POST", "/predict", body.replace(b"\n77,", b"\n777,"), Content_Type="text/csv")
    assert (status, content["violations"][0]["row"], content["violations"][-1]["row"]) == (422, 77, 9977)
    assert running.ask("POST", "/predict", b"age,fee,plan\n" + b"1,1,plus\n" * 100_001, Content_Type="text/csv")[0] == 413
    assert running.ask("POST", "/predict", b"x" * (16 * 1024 * 1024 + 1), Content_Type="text/csv")[0] == 413


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"", 422, "this column is required"),
        (b"age,fee,plan\n", 422, "no rows"),
        (b"age,fee\n1,1\n", 422, "this column is required"),
        (b"age,fee,plan,more\n1,1,plus,1\n", 422, "not known"),
        (b"age,fee,plan,age\n1,1,plus,1\n", 422, "twice"),
        (b"age,fee,plan\n1,1\n", 400, "line 2 has 2 fields"),
        (b'age,fee,plan\n1,1,"plus\n', 400, "cannot be read"),
        (b"age,fee,plan\n1,1,caf\xe9\n", 400, "line 2 of the table is not UTF-8"),
        (b"age,fee,plan\n1.5,1,plus\n", 422, "whole number"),
        (b"age,fee,plan\n,1,plus\n", 422, "missing"),
        (b"age,fee,plan\n1,nan,plus\n", 422, "must be a number"),
        (b"age,fee,plan\n1,1e39,plus\n", 422, "finite"),
        (b"age,fee,plan\n1,1_0,plus\n", 422, "must be a number"),
        (b"age,fee,plan\n1,1,gold\n", 422, "one of"),
        (b"age,fee,plan\n1,1," + b"x" * 200_000 + b"\n", 400, "cannot be read"),
    ],
    ids=lambda value: repr(value[:30]) if isinstance(value, bytes) else None,
)
def test_a_wrong_table_is_refused_in_words(running: Running, body: bytes, status: int, says: str) -> None:
    found, content, _ = running.ask("POST", "/predict", body, Content_Type="text/csv")
    assert (found, says in json.dumps(content)) == (status, True), content


def test_arrow_and_parquet_are_read_where_pyarrow_is(running: Running) -> None:
    kinds = {"arrow.stream": _arrow, "arrow.file": _arrow, "parquet": _parquet}
    for name, write in kinds.items():
        kind = f"application/vnd.apache.{name}"
        try:
            body = write(name)
        except ModuleNotFoundError:
            status, content, _ = running.ask("POST", "/predict", b"x", Content_Type=kind)
            assert (status, "pyarrow" in content["error"]) == (415, True), content
            continue
        assert [one["prediction"] for one in running.ask("POST", "/predict", body, Content_Type=kind)[1]["predictions"]] == ["Yes", "Yes"]
        for wrong in (b"", b"x", body[:-20], body[:60] + b"\xff" * 40 + body[100:]):
            assert running.ask("POST", "/predict", wrong, Content_Type=kind)[0] in (400, 422)


def _table() -> Any:
    import pyarrow

    return pyarrow.table({"age": [40, 3], "fee": [20.5, None], "plan": ["basic", "plus"]})


def _arrow(name: str) -> bytes:
    import pyarrow
    from pyarrow import ipc

    sink, table = pyarrow.BufferOutputStream(), _table()
    with (ipc.new_file if name.endswith("file") else ipc.new_stream)(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _parquet(_: str) -> bytes:
    import pyarrow
    from pyarrow import parquet

    sink = pyarrow.BufferOutputStream()
    parquet.write_table(_table(), sink)
    return bytes(sink.getvalue())


def test_a_token_is_asked_for_everywhere_but_at_health(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_bundle(tmp_path / "bundle")
    monkeypatch.setitem(os.environ, "SERVING_TOKEN", "a-secret-token")
    with server(tmp_path / "s", "--model", tmp_path / "bundle") as running:
        for path in ("/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready"):
            assert running.ask("GET", path)[0] == 200
        for path in ("/", "/model", "/openapi.json", "/metrics", "/v2", "/v2/models/toy", "/nothing"):
            status, _, answer = running.ask("GET", path)
            assert (status, answer.headers["www-authenticate"]) == (401, "Bearer")
        for header in ("Bearer", "Bearer a-secret-toke", "Bearer a-secret-token2", "a-secret-token", "Basic a-secret-token"):
            assert running.ask("POST", "/predict", ROW, Authorization=header)[0] == 401
        assert running.ask("POST", "/predict", ROW, Authorization="Bearer a-secret-token")[0] == 200
        assert running.ask("GET", "/openapi.json", Authorization="Bearer a-secret-token")[1]["security"] == [{"token": []}]
        time.sleep(0.1)
        assert "a-secret" not in running.log
