"""Presses a server with requests, as a process of its own: at a rate that does not wait for answers, or as fast as some connections can.

``python press.py PORT BODY`` posts the file BODY to /predict until ``--count`` requests were sent, ``--seconds`` are over, or the server
stops listening. The last line of its output is one JSON object: how many were sent and how each was answered.
"""

import argparse
import asyncio
import json
import time
from collections import Counter, deque
from pathlib import Path
from typing import Any, cast

import uvloop

_TICK = 0.001
_LAST = 30.0  # seconds for the answers that are still due at the end


class Press:
    """Sends requests over as many connections as it needs, and keeps the books."""

    def __init__(self, chosen: argparse.Namespace) -> None:
        self.port, self.count = chosen.port, chosen.count
        body = chosen.body.read_bytes()
        head = f"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.request = head.encode() + body
        self.order: dict[str, float] = json.loads(chosen.answers.read_text()) if chosen.answers else {}
        self.places = {digest: place for place, digest in enumerate(self.order)}
        self.sent = self.lost = self.gone = 0
        self.statuses: Counter[int] = Counter()
        self.seconds: dict[int, list[float]] = {}
        self.seen: dict[str, None] = {}
        self.wrong: list[str] = []
        self.free: deque[Connection] = deque()
        self.open: set[Connection] = set()
        self.stopped, self.took = False, 0.0

    async def at_rate(self, rate: float, most: int) -> None:
        """Send so many a second whatever becomes of them, over at most so many connections; when all are busy, the rate is lower."""
        began = time.perf_counter()
        while not self.stopped:
            due = int((time.perf_counter() - began) * rate)
            for _ in range(min(due, self.count) - self.sent):
                connection = self.free.pop() if self.free else await self.connect() if len(self.open) < most else None
                if connection is None:
                    break
                connection.ask()
            self.stopped = self.stopped or self.sent >= self.count
            await asyncio.sleep(_TICK)

    async def flat_out(self, connections: int) -> None:
        """Keep some connections busy, each with one request at a time."""

        async def one() -> None:
            while not self.stopped and (connection := await self.connect()):
                while not self.stopped and self.sent < self.count and not connection.closed:
                    connection.ask()
                    await connection.answered.wait()
                if self.sent >= self.count:
                    self.stopped = True

        await asyncio.gather(*(one() for _ in range(connections)))

    async def connect(self) -> "Connection | None":
        """A new connection; None, and the end, when the server does not listen any more: that loses no request."""
        try:
            _, made = await asyncio.get_running_loop().create_connection(lambda: Connection(self), "127.0.0.1", self.port)
        except OSError:
            self.gone, self.stopped = self.gone + 1, True
            return None
        return made

    async def finish(self) -> None:
        """Wait for the answers that are due; what then has none is lost."""
        end = asyncio.get_running_loop().time() + _LAST
        while any(one.due for one in self.open) and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.01)
        for connection in list(self.open):
            self.lost += connection.due
            connection.due = False
            connection.transport.close()

    def told(self) -> dict[str, Any]:
        """The books, times in milliseconds."""
        times = {status: sorted(found) for status, found in self.seconds.items()}
        return {
            "sent": self.sent,
            "rate": round(self.sent / self.took, 1),
            "answered": {str(status): number for status, number in sorted(self.statuses.items())},
            "lost": self.lost,
            "gone": self.gone,
            "wrong": self.wrong[:10],
            "seen": list(self.seen),
            "p50_ms": {str(status): round(found[len(found) // 2] * 1e3, 2) for status, found in times.items()},
            "p99_ms": {str(status): round(found[int(len(found) * 0.99)] * 1e3, 2) for status, found in times.items()},
        }


class Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request under way."""

    def __init__(self, press: Press) -> None:
        self.press, self.buffer = press, b""
        self.due = self.closed = False
        self.place = 0
        self.answered = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready to ask."""
        self.transport = cast(asyncio.Transport, transport)
        self.press.open.add(self)

    def ask(self) -> None:
        """Send the request."""
        self.press.sent += 1
        self.due, self.buffer = True, b""
        self.answered.clear()
        self.began = time.perf_counter()  # uvloop's own clock counts milliseconds
        self.transport.write(self.press.request)

    def data_received(self, data: bytes) -> None:
        """Read; an answer is whole when its Content-Length is there."""
        self.buffer += data
        head, found, body = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        first, *lines = head.decode("latin-1").lower().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        if len(body) < int(headers["content-length"]):
            return
        self._note(int(first.split()[1]), headers, body)
        if headers.get("connection") == "close":
            self.closed = self.press.stopped = True  # the server is stopping: what is sent from now on could come too late
            self.transport.close()
        elif not self.press.stopped:
            self.press.free.append(self)
        self.due = False
        self.answered.set()

    def connection_lost(self, error: Exception | None) -> None:
        """A request without an answer is lost."""
        self.press.lost += self.due
        self.due, self.closed = False, True
        self.press.open.discard(self)
        if self in self.press.free:
            self.press.free.remove(self)
        self.answered.set()

    def _note(self, status: int, headers: dict[str, str], body: bytes) -> None:
        press = self.press
        press.statuses[status] += 1
        press.seconds.setdefault(status, []).append(time.perf_counter() - self.began)
        if status == 503 and not headers.get("retry-after", "").isdigit():
            press.wrong.append("a 503 without Retry-After")
        if status == 200 and press.order:
            content = json.loads(body)
            digest = content["digest"]
            press.seen.setdefault(digest)
            if abs(content["predictions"][0]["probability"] - press.order[digest]) > 1e-6 or headers["x-model-digest"] != digest:
                press.wrong.append(f"another model than {digest} answered in its name")
            if press.places[digest] < self.place:
                press.wrong.append(f"{digest} answered after a newer one")
            self.place = press.places[digest]


async def _run(chosen: argparse.Namespace) -> dict[str, Any]:
    press = Press(chosen)
    began = time.perf_counter()
    work = press.at_rate(chosen.rate, chosen.connections) if chosen.rate else press.flat_out(chosen.connections)
    try:
        await asyncio.wait_for(work, chosen.seconds)
    except TimeoutError:
        press.stopped = True
    press.took = time.perf_counter() - began
    await press.finish()
    return press.told()


def main() -> None:
    """Press, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("port", type=int)
    parser.add_argument("body", type=Path)
    parser.add_argument("--rate", type=float, help="requests a second; without it, as fast as the connections can")
    parser.add_argument("--connections", type=int, default=4, help="the most connections (default: %(default)s)")
    parser.add_argument("--count", type=int, default=10**9, help="requests to send")
    parser.add_argument("--seconds", type=float, default=600.0, help="time to send for (default: %(default)s)")
    parser.add_argument("--answers", type=Path, help="JSON: the probability that each digest gives the first row, in order of promotion")
    print(json.dumps(uvloop.run(_run(parser.parse_args()))))


if __name__ == "__main__":
    main()
