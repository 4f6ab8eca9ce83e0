"""Runs a serving image as production would, and asks it what its bundle promises. Needs podman on Linux."""

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from ..bundle import Bundle
from .smoke import SmokeError, ask

_LOCKED = ("--read-only", "--read-only-tmpfs=false", "--cap-drop", "all", "--security-opt", "no-new-privileges", "--pids-limit", "64")
_PATIENCE = 60.0
_NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def smoke(image: str, expected: Bundle) -> None:
    """Start the image locked down, ask it the golden rows, and stop it.

    Raises:
        SmokeError: it does not start, serves another digest, answers differently, or does not stop cleanly.
    """
    with started(image) as address:
        ask(address, expected)


@contextmanager
def started(image: str) -> Iterator[str]:
    """The address of the server of an image, which runs inside the block: without rights, on a read-only file system.

    Raises:
        SmokeError: it was not ready in a minute, or did not end with code 0 after SIGTERM.
    """
    port = _free_port()
    arguments = ("--host", "127.0.0.1", "--port", str(port), "--model", "/app/bundle")
    container = _podman("run", "--detach", "--network", "host", *_LOCKED, image, *arguments)
    try:
        address = f"http://127.0.0.1:{port}"
        _wait(address, container)
        yield address
        _podman("stop", "--time", "35", container)
        if code := int(_podman("inspect", "--format", "{{.State.ExitCode}}", container)):
            raise SmokeError(f"{image}: the server ended with code {code} after SIGTERM and not 0; its log ends with: {_logs(container)}")
    finally:
        _podman("rm", "--force", "--time", "1", container)


def _wait(address: str, container: str) -> None:
    end = time.monotonic() + _PATIENCE
    while (problem := _unready(address)) is not None:
        if _podman("inspect", "--format", "{{.State.Status}}", container) in ("exited", "stopped") or time.monotonic() > end:
            raise SmokeError(f"the image's server is not ready ({problem}); its log ends with: {_logs(container)}")
        time.sleep(0.1)


def _unready(address: str) -> str | None:
    """Why the server is not ready, or None when it is."""
    try:
        with _NO_PROXY.open(f"{address}/health/ready", timeout=10):
            return None
    except urllib.error.HTTPError as error:
        with error:
            return str(json.load(error).get("reason"))
    except OSError as error:
        return str(error)


def _logs(container: str) -> str:
    done = subprocess.run(["podman", "logs", container], capture_output=True, encoding="utf-8", errors="replace")
    return " ".join(" ".join((done.stdout + done.stderr).splitlines()[-3:]).split())


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _podman(*arguments: str) -> str:
    try:
        done = subprocess.run(["podman", *arguments], capture_output=True, text=True, encoding="utf-8", errors="replace")
    except FileNotFoundError:
        raise SmokeError("podman is not installed or not on PATH; install it (Debian, Ubuntu: apt-get install podman)") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise SmokeError(f"podman {arguments[0]} failed: {lines[-1]}")
    return done.stdout.strip()
