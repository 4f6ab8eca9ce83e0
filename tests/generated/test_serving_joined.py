"""An answer goes out in one piece, and nothing that a client waits for is held back."""

import json
import re
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from churn.serving.joined import Joined
from serving_kit import ROW, Running, make_bundle, server

HEAD, BODY = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n", b"{}"


class Transport:
    """Remembers what is done with it."""

    def __init__(self) -> None:
        self.done: list[bytes | str] = []

    def write(self, data: bytes) -> None:
        self.done.append(data)

    def close(self) -> None:
        self.done.append("closed")

    def is_closing(self) -> bool:
        return "closed" in self.done


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("joined")
    make_bundle(folder / "bundle")
    with server(folder, "--model", folder / "bundle") as found:
        yield found


def test_head_and_body_are_one_piece() -> None:
    below = Transport()
    joined = Joined(below)
    for _ in range(2):
        joined.write(HEAD)
        joined.write(BODY)
    assert below.done == [HEAD + BODY, HEAD + BODY]


def test_a_long_body_is_not_copied_and_comes_after_its_head() -> None:
    below, body = Transport(), b"x" * 100_000
    joined = Joined(below)
    joined.write(HEAD)
    joined.write(body)
    assert below.done[0] == HEAD
    assert below.done[1] is body


def test_a_head_alone_goes_out_at_the_end_of_its_answer_or_connection() -> None:
    below = Transport()
    joined = Joined(below)
    joined.write(HEAD)
    joined.flush()
    joined.flush()
    joined.write(HEAD)
    joined.close()
    assert below.done == [HEAD, HEAD, "closed"]
    assert joined.is_closing()


def test_a_client_that_asks_whether_to_go_on_is_told_at_once(running: Running) -> None:
    body = json.dumps(ROW).encode()
    with closing(socket.create_connection(("127.0.0.1", running.port), timeout=10)) as client:
        head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
        client.sendall(head % len(body))
        assert client.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(body)
        assert client.recv(10_000).endswith(b"}]}"), "one read finds the whole answer"


def test_answers_without_a_body_and_those_of_one_connection_keep_their_order(running: Running) -> None:
    with closing(socket.create_connection(("127.0.0.1", running.port), timeout=10)) as client:
        ask = b"%s /health/live HTTP/1.1\r\nHost: x\r\n%s\r\n"
        client.sendall(ask % (b"HEAD", b"") + ask % (b"GET", b"") + ask % (b"HEAD", b"") + ask % (b"GET", b"Connection: close\r\n"))
        told = b"".join(iter(lambda: client.recv(10_000), b""))
    assert re.findall(rb"HTTP/1.1 (\d+)|(\{.*?\})", told) == [
        (b"200", b""), (b"200", b""), (b"", b'{"live":true}'), (b"200", b""), (b"200", b""), (b"", b'{"live":true}')
    ]  # fmt: skip
