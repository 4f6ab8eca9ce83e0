"""uvicorn as this server needs it: how it listens, and how it stops."""

import asyncio
import logging
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Any

import uvicorn

from .. import ProblemError
from . import Live
from .app import Application
from .joined import Protocol

log = logging.getLogger("serving")

_LOOP = "asyncio:SelectorEventLoop" if sys.platform == "win32" else "auto"  # the usual one of Windows cannot watch a socket
_DRAIN = 1.0
_PAUSE = 0.5
_PATIENCE = 30
_IDLE = 75  # longer than proxies keep theirs (60 s is usual): one that sends into a connection which is being closed loses its request


class AddressError(ProblemError):
    """The server cannot listen where it should."""


class Server(uvicorn.Server):
    """uvicorn, with an exit code of 0 after a signal and a drain before it closes connections.

    At the signal the server stops listening. Every answer from then on tells its client to close the connection, so that no client
    sends a request into a connection that is about to go; idle connections are closed after one second. Requests get 30 s to
    finish. A second signal ends the wait.
    """

    def __init__(self, app: Application, live: Live, beside: Callable[[], Awaitable[None]] | None = None) -> None:
        """``beside`` is run once in the server's event loop, before the first request."""
        config = uvicorn.Config(
            app,
            loop=_LOOP,
            http=Protocol,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            log_level="warning",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_PATIENCE,
            timeout_keep_alive=_IDLE,
        )
        super().__init__(config)
        self._live, self._beside = live, beside
        self._doors: list[_Door] = []

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop; uvicorn's own handler would raise the signal again at the end and so spoil the exit code."""
        self.force_exit = self.should_exit
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        if self._beside is not None:
            await self._beside()
        await super().startup([])
        self._doors = [_Door(listener, self._protocol) for listener in sockets or ()]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain, then let uvicorn finish the requests that still run."""
        log.info("stopping: finishing the requests that are under way")
        self._live.draining = True
        for door in self._doors:
            door.close()
        end = time.monotonic() + _DRAIN
        while self.server_state.connections and time.monotonic() < end and not self.force_exit:
            await asyncio.sleep(0.02)
        await super().shutdown()

    def _protocol(self) -> asyncio.Protocol:
        kind: Any = self.config.http_protocol_class
        made: asyncio.Protocol = kind(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)
        return made


class _Door:
    """Lets every connection in that waits.

    uvloop lets in one for each turn of its loop: under load a new client would wait for seconds before anybody could refuse it, and those
    that still wait when the server stops would be lost.
    """

    def __init__(self, listener: socket.socket, protocol: Callable[[], asyncio.Protocol]) -> None:
        self._listener, self._protocol = listener, protocol
        self._loop = asyncio.get_running_loop()
        self._coming: set[asyncio.Task[Any]] = set()
        listener.setblocking(False)
        self._open()

    def close(self) -> None:
        """Let in who waits, and nobody else."""
        if self._listener.fileno() < 0:
            return
        self._let_in()
        self._loop.remove_reader(self._listener)
        self._listener.close()

    def _open(self) -> None:
        if self._listener.fileno() >= 0:
            self._loop.add_reader(self._listener, self._let_in)

    def _let_in(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except (BlockingIOError, ConnectionError):
                return
            except OSError as error:  # no file descriptor is free: it is still readable, and would be so without a pause
                log.error("no connection can be accepted: %s", error.strerror)
                self._loop.remove_reader(self._listener)
                self._loop.call_later(_PAUSE, self._open)
                return
            coming = self._loop.create_task(self._loop.connect_accepted_socket(self._protocol, connection))
            self._coming.add(coming)
            coming.add_done_callback(self._coming.discard)


def listen(host: str, port: int, shared: bool = False) -> socket.socket:
    """A listening socket; port 0 lets the kernel choose. With ``shared`` other processes may listen there too.

    Raises :class:`AddressError` when the address cannot be had.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=2048, reuse_port=shared)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # connections inherit it
        return listener
    except (OSError, OverflowError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).partition(" (")[0]  # Python puts the address behind it
        raise AddressError(f"cannot listen on {host} port {port}: {reason}; stop what uses it, or choose another with --port") from None


def address(listener: socket.socket) -> str:
    """The URL of a socket that is bound."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
