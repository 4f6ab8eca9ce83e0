"""The only door to the outside: a CONNECT proxy that knows four host names."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .hosts import ROUTED

if TYPE_CHECKING:
    from .core import Core

HEAD_LIMIT = 64 * 1024
REFUSAL = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Proxy:
    """Routes the hosts of GitHub to the local server and refuses every other."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> asyncio.Server:
        """Listen on the world's proxy port."""
        return await asyncio.start_server(self._accept, "127.0.0.1", self.core.world.ports["proxy"], limit=HEAD_LIMIT)

    def drop(self) -> None:
        """Cut the connections that are still open."""
        for task in self._tasks:
            task.cancel()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._connection(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass
        except asyncio.CancelledError:
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
        connect = method == "CONNECT"
        host = (target.rsplit(":", 1)[0] if connect else urlsplit(target).hostname or "").strip("[]").lower()
        if host not in ROUTED:
            with self.core.lock:
                self.core.refused.append(host)
            self.core.log_request(method=method, host=host, path=target, status=403, proxy=True)
            writer.write(REFUSAL)
            await writer.drain()
            return
        port = self.core.world.ports["https" if connect else "http"]
        inner_reader, inner = await asyncio.open_connection("127.0.0.1", port)
        if connect:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            inner.write(_to_origin_form(head))
        try:
            await asyncio.gather(_pump(reader, inner), _pump(inner_reader, writer))
        finally:
            inner.close()


def _to_origin_form(head: bytes) -> bytes:
    first, rest = head.split(b"\r\n", 1)
    method, target, version = first.split(b" ", 2)
    parts = urlsplit(target.decode("latin-1"))
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return b" ".join((method, path.encode("latin-1"), version)) + b"\r\n" + rest


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()
    except OSError:
        sink.close()
