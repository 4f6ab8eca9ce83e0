"""Runs the application until a signal, and then loses no request that it has accepted."""

import asyncio
import logging
import socket
import time
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from ..errors import ProblemError
from .live import Live

log = logging.getLogger("serving")

_DRAIN = 1.0
_PATIENCE = 30


class AddressError(ProblemError):
    """The server cannot listen where it should."""


class Server(uvicorn.Server):
    """uvicorn, with an exit code of 0 after a signal and a drain before it closes connections.

    At the signal the server stops listening. Every answer from then on tells its client to close the connection, so that no client
    sends a request into a connection that is about to go; idle connections are closed after one second. Requests get 30 s to
    finish. A second signal ends the wait.
    """

    def __init__(self, app: Starlette, live: Live) -> None:
        config = uvicorn.Config(
            app,
            loop="auto",
            http="httptools",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=_PATIENCE,
        )
        super().__init__(config)
        self._live = live

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop; uvicorn's own handler would raise the signal again at the end and so spoil the exit code."""
        self.force_exit = self.should_exit
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain, then let uvicorn finish the requests that still run."""
        log.info("stopping: finishing the requests that are under way")
        self._live.draining = True
        for listener in self.servers:
            listener.close()
        end = time.monotonic() + _DRAIN
        while self.server_state.connections and time.monotonic() < end and not self.force_exit:
            await asyncio.sleep(0.02)
        await super().shutdown(sockets)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 lets the kernel choose. Raises :class:`AddressError` when the address cannot be had."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise AddressError(f"cannot listen on {host} port {port}: {reason}; stop what uses it, or choose another with --port") from None
