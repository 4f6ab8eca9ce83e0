"""``python -m <package>.serving``: serves the model that a pointer in a git repository names, or a bundle in a folder."""

import argparse
import asyncio
import hashlib
import logging
import os
import re
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from .. import ProblemError, bundle, run
from . import Live, prepare
from .app import application
from .follow import Follower
from .remote import Remote, check_local, locate, without_credentials

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


log = logging.getLogger("serving")

_TRAINED = Path("models/bundle")


class SettingError(ProblemError):
    """An option of the command line has a value that cannot work."""


def main() -> None:
    """Serve until a signal."""
    options = _options()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s", datefmt="%H:%M:%S")
    live = Live()
    follower = None
    if options.model is not None and options.follow is None:
        live.model, live.problem = prepare(bundle.load(options.model), None), None
        log.info("serving %s from %s; no pointer is followed", live.model, options.model)
    else:
        follower = _follower(options, live)
    listener = listen(options.host, options.port)
    host, port = listener.getsockname()[:2]
    log.info("listening on http://%s:%d (an example record: GET /model)", f"[{host}]" if ":" in host else host, port)
    if follower:
        follower.start()
    if options.until_input_ends:
        threading.Thread(target=_stop_with_input, daemon=True).start()
    try:
        Server(application(live), live).run(sockets=[listener])
    finally:
        if follower:
            follower.stop()
    log.info("stopped")


def _stop_with_input() -> None:
    """Stop, as after SIGTERM, when whoever holds the other end of standard input is gone."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _follower(options: argparse.Namespace, live: Live) -> Follower:
    url = locate(options.follow)
    trained = _TRAINED if options.follow is None and (_TRAINED / bundle.MANIFEST).exists() else None
    remote = Remote(url, options.branch, options.environment, _cache(options, url))
    if not (remote.cache / "last.json").exists():
        check_local(url)
    log.info("following %s, every %g s", remote, options.poll)
    return Follower(remote, live, options.poll, options.model or trained)


def _cache(options: argparse.Namespace, url: str) -> Path:
    key = hashlib.sha256("\n".join((without_credentials(url), options.branch, options.environment)).encode()).hexdigest()[:16]
    package = (__package__ or "model").partition(".")[0]
    try:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = (options.cache or home / package / "serving").resolve() / key
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (OSError, RuntimeError) as error:
        raise SettingError(f"the cache folder cannot be made: {error}; name one that can be written with --cache") from None
    return folder


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"python -m {__package__}", description=__doc__.partition(": ")[2], allow_abbrev=False)
    add = parser.add_argument
    add("--follow", metavar="URL_OR_PATH", help="git repository whose pointer is followed (default: origin, or else this repository)")
    add("--branch", default="main", help="branch that holds the pointer (default: %(default)s)")
    add("--environment", default="production", help="follow models/<environment>.yaml (default: %(default)s)")
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--port", type=int, default=8000, help="port to listen on, 0 for any (default: %(default)s)")
    add("--poll", type=float, default=2.0, metavar="SECONDS", help="time between two looks at the pointer (default: %(default)s)")
    add("--cache", type=Path, metavar="DIR", help="where fetched bundles are kept (default: in the user's cache folder)")
    add("--model", type=Path, metavar="DIR", help="serve this bundle; with --follow only until there is a pointer")
    add("--until-input-ends", action="store_true", help="stop when standard input closes: for a server that belongs to another process")
    options = parser.parse_args()
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", options.environment):
        raise SettingError(f"--environment {options.environment!r} is not a name of lower-case letters, digits, - and _, as in production")
    if not re.fullmatch(r"(?!.*(\.\.|//|\.lock$))[A-Za-z0-9_][\w./+#-]*(?<![/.])", options.branch):
        raise SettingError(f"--branch {options.branch!r} is not the name of a branch, as in main")
    if not 0.1 <= options.poll <= 86_400:
        raise SettingError(f"--poll {options.poll:g} must lie between 0.1 and 86400 seconds")
    return options


if __name__ == "__main__":
    run(main)
