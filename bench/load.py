"""A client that keeps some connections busy with one request each, and the CPU time that a server's processes take for it.

Plain sockets and epoll: a client that is slower than the server would leave the server idle and measure how it wakes up.
"""

import contextlib
import re
import select
import socket
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_PATIENCE = 60.0


@dataclass
class Result:
    """What one round gave.

    Answers, of those the good ones, CPU microseconds of the server per answer, answers per second, latencies in milliseconds.
    """

    answers: int
    good: int
    cpu: float
    rate: float
    latencies: list[float] = field(repr=False)

    def __str__(self) -> str:
        return f"{self.cpu:.1f} us, p50 {self.p50:.2f} ms, p99 {self.p99:.2f} ms, {self.answers} answers, {self.good} good"

    @property
    def p50(self) -> float:
        """The median latency."""
        return statistics.median(self.latencies)

    @property
    def p99(self) -> float:
        """The latency that one answer of a hundred exceeds."""
        return sorted(self.latencies)[int(len(self.latencies) * 0.99)]


class Client:
    """One connection: asks, reads the answer, asks again."""

    def __init__(self, port: int, content: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._content, self._buffer, self._whole = content, b"", 0
        self.good, self.latencies = 0, list[float]()

    def ask(self) -> None:
        """Send the request."""
        self._began = time.perf_counter()
        self.socket.sendall(self._content)

    def is_answered(self) -> bool:
        """Read what is there; whether the answer is whole, which is when its Content-Length has come."""
        data = self.socket.recv(262_144)
        if not data:
            raise ConnectionError("the server closed a connection")
        self._buffer = self._buffer + data if self._buffer else data
        if not self._whole and (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            found = _LENGTH.search(self._buffer, 0, end + 2)
            self._whole = end + 4 + (int(found[1]) if found else 0)
        if not self._whole or len(self._buffer) < self._whole:
            return False
        self.latencies.append((time.perf_counter() - self._began) * 1e3)
        self.good += self._buffer.startswith(b"HTTP/1.1 200 ")
        self._buffer, self._whole = b"", 0
        return True


def request(method: str, path: str, body: bytes = b"") -> bytes:
    """The bytes of a request."""
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def load(pid: int, port: int, content: bytes, connections: int, seconds: float) -> Result:
    """Keep a server busy for some seconds."""
    clients = [Client(port, content) for _ in range(connections)]
    before, began = cpu_seconds(pid), time.perf_counter()
    _drive(clients, seconds)
    rate = 1 / (time.perf_counter() - began)
    used = cpu_seconds(pid) - before
    latencies = [one for client in clients for one in client.latencies]
    return Result(len(latencies), sum(client.good for client in clients), used / len(latencies) * 1e6, len(latencies) * rate, latencies)


def _drive(clients: list[Client], seconds: float) -> None:
    waiting = {client.socket.fileno(): client for client in clients}
    with select.epoll() as ready:
        for number, client in waiting.items():
            ready.register(number, select.EPOLLIN)
            client.ask()
        end = time.perf_counter() + seconds
        while waiting:
            found = ready.poll(_PATIENCE)
            if not found:
                raise TimeoutError("the server gives no answer")
            for number, _ in found:
                if not waiting[number].is_answered():
                    continue
                if time.perf_counter() < end:
                    waiting[number].ask()
                else:
                    waiting.pop(number).socket.close()


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and everything below it, of the threads that run; to the nanosecond, as the scheduler counts it."""
    return sum(_threads_seconds(one) for one in _family(pid))


def _family(pid: int) -> set[int]:
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    family, before = {pid}, 0
    while len(family) != before:
        before = len(family)
        family |= {child for child, parent in parents.items() if parent in family}
    return family


def _threads_seconds(pid: int) -> float:
    total = 0
    for path in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with contextlib.suppress(OSError):
            total += int(path.read_text().split()[0])
    return total / 1e9
