"""Several processes on one port: starts them, starts one again that died, and stops them all."""

import contextlib
import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import time

from .server import AddressError
from .siblings import Worker

log = logging.getLogger("serving")

_NAME = "SERVING_WORKER"
_LOOK = 0.05
_LIVED = 5.0
_LAST = 45.0


def this_worker() -> Worker | None:
    """Which worker this process is, if it is one."""
    if (told := os.environ.get(_NAME)) is None:
        return None
    number, count, secret = told.split("/")
    return Worker(int(number), int(count), secret)


class Workers:
    """The workers of one server. Each listens on the same port by itself, and the kernel deals connections out to them."""

    def __init__(self, arguments: list[str], count: int, host: str, port: int) -> None:
        """``arguments`` are those of the command line.

        Raises:
            AddressError: the address cannot be had, or this system does not let processes share a port.
        """
        self._reserved = _reserve(host, port)
        self._arguments = [*arguments, "--workers", "1", "--port", str(self._reserved.getsockname()[1]), "--until-input-ends"]
        self._count, self._secret = count, secrets.token_hex(16)
        self._running: dict[int, tuple[subprocess.Popen[bytes], float]] = {}
        self._again_at: dict[int, float] = {}
        self._stopping = False

    def run(self) -> int:
        """Keep the workers running until a signal, then let them finish; returns the exit code."""
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._stop)
        log.info("starting %d workers", self._count)
        for number in range(self._count):
            self._start(number)
        code = 0
        while self._running or (self._again_at and not self._stopping):
            code = self._look() or code
            time.sleep(_LOOK)
        self._reserved.close()
        return code

    def _start(self, number: int) -> None:
        environment = {**os.environ, _NAME: f"{number}/{self._count}/{self._secret}"}
        command = [sys.executable, "-m", str(__package__), *self._arguments]
        # A session of its own: Ctrl-C reaches this process alone, which tells the workers once. Its pipe closes when this process dies.
        process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, start_new_session=True)
        self._running[number] = process, time.monotonic()
        self._again_at.pop(number, None)
        if self._stopping:
            process.terminate()

    def _look(self) -> int:
        """Look at every worker once; a worker that ends in its first seconds with an error of its settings ends them all."""
        now, code = time.monotonic(), 0
        for number, (process, since) in list(self._running.items()):
            if process.poll() is None:
                if self._stopping and now > self._end:
                    process.kill()
                continue
            del self._running[number]
            if self._stopping:
                continue
            lived = now - since
            if process.returncode == 1 and lived < _LIVED:
                self._stop()
                code = 1
                continue
            log.warning("worker %d ended with %d; it is started again", number, process.returncode)
            self._again_at[number] = now + (0.0 if lived > _LIVED else 1.0)
        for number, due in list(self._again_at.items()):
            if now >= due and not self._stopping:
                self._start(number)
        return code

    def _stop(self, *_: object) -> None:
        self._stopping, self._end = True, time.monotonic() + _LAST
        for process, _since in self._running.values():
            with contextlib.suppress(ProcessLookupError):
                process.terminate()


def _reserve(host: str, port: int) -> socket.socket:
    """A socket that is bound and does not listen: the port stays this server's while workers come and go."""
    if sys.platform != "linux":
        raise AddressError("--workers needs Linux, which deals connections out to processes; start one server for each port instead")
    reserved = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        reserved.bind((host, port))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise AddressError(f"cannot listen on {host} port {port}: {reason}; stop what uses it, or choose another with --port") from None
    return reserved
