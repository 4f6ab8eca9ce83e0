"""Reads the body of a request, within limits of size and time."""

import asyncio
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

from .refused import RefusedError, too_large

LARGEST_BODY = 1024 * 1024
_SWEEP = 1.0
_PLAIN = b"identity"
_WINDOW = {b"gzip": 31, b"deflate": 15}

Headers = dict[bytes, bytes]
Receive = Callable[[], Awaitable[Any]]


class GoneError(Exception):
    """The client has left before its request was whole; nobody waits for an answer."""


class Bodies:
    """Reads bodies; one that is not whole after ``patience`` seconds is refused with 408.

    A timer for each request would cost more than the reading of a small body: one sweep a second looks at all that are slow.
    """

    def __init__(self, patience: float = 10.0) -> None:
        self._patience = patience
        self._since: dict[asyncio.Task[Any], float] = {}
        self._late: set[asyncio.Task[Any]] = set()
        self._sweeping = False

    async def read(self, headers: Headers, receive: Receive, limit: int = LARGEST_BODY) -> bytes:
        """The body, of at most ``limit`` bytes, also after decompression.

        A larger one is refused by its Content-Length, or as soon as that much has arrived. Raises :class:`RefusedError`, and
        :class:`GoneError` when the client has disconnected.
        """
        encoding = headers[b"content-encoding"].lower() if b"content-encoding" in headers else _PLAIN
        if encoding != _PLAIN and encoding not in _WINDOW:
            raise RefusedError(415, "this content-encoding is not read; send the body plain, or as gzip or deflate", kind="media_type")
        declared = headers.get(b"content-length", b"")
        if declared.isdigit() and int(declared[:20]) > limit:
            raise too_large(limit)
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None  # noqa: S101 - ASGI runs each request as a task
        self._since[task] = loop.time()
        if not self._sweeping:
            self._sweeping = True
            loop.call_later(_SWEEP, self._sweep)
        try:
            message = await receive()
            body = message.get("body", b"")
            if message["type"] != "http.request" or message.get("more_body"):
                body = await _whole(message, receive, limit)
            elif len(body) > limit:
                raise too_large(limit)
        except asyncio.CancelledError:
            if task not in self._late:
                raise
            task.uncancel()
            raise RefusedError(408, f"the body was not whole after {self._patience:g} s; send it again", kind="slow") from None
        finally:
            del self._since[task]
            self._late.discard(task)
        return body if encoding == _PLAIN else _inflated(body, _WINDOW[encoding], limit)

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        for task, since in self._since.items():
            if loop.time() - since > self._patience and task not in self._late:
                self._late.add(task)
                task.cancel()
        self._sweeping = bool(self._since)
        if self._sweeping:
            loop.call_later(_SWEEP, self._sweep)


async def _whole(message: Any, receive: Receive, limit: int) -> bytes:
    """A body in several parts, of which ``message`` is the first."""
    parts = bytearray()
    while message["type"] == "http.request":
        parts += message.get("body", b"")
        if len(parts) > limit:
            raise too_large(limit)
        if not message.get("more_body"):
            return bytes(parts)
        message = await receive()
    raise GoneError


def _inflated(body: bytes, window: int, limit: int) -> bytes:
    engine = zlib.decompressobj(window)
    try:
        plain = engine.decompress(body, limit + 1)
    except zlib.error:
        raise RefusedError(400, "the body is not what its content-encoding says; send it plain") from None
    if len(plain) > limit:
        raise too_large(limit)
    if not engine.eof or engine.unused_data:
        raise RefusedError(400, "the compressed body is cut off, or holds more than one part; send it whole")
    return plain
