"""Python environments for programs that must not share ours: made from locks with hashes, kept in the user's cache by the locks' hash."""

from __future__ import annotations

import fcntl
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from uv import find_uv_bin

from .errors import RehearseError


def environment(*locks: Path) -> Path:
    """The ``bin`` folder of the environment that these locks describe together; installed once, which standard error tells.

    Raises ``RehearseError`` when the packages cannot be installed.
    """
    key = sha256("\n".join((*map(_content, locks), platform.python_version(), platform.machine())).encode()).hexdigest()[:16]
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rehearse" / "environments"
    home.mkdir(parents=True, exist_ok=True)
    target = home / f"{locks[0].stem}-{key}"
    with alone(home / f"{target.name}.lock"):
        if not (target / ".ready").exists():
            names = " and ".join(lock.name for lock in locks)
            count = sum(_content(lock).count("==") for lock in locks)
            print(f"Setting up the environment of {names} with uv (once; {count} packages) ...", file=sys.stderr, flush=True)
            _uv(names, "venv", "--quiet", "--clear", "--python", sys.executable, str(target))
            _uv(names, "pip", "sync", "--quiet", "--require-hashes", "--python", str(target / "bin" / "python"), *map(str, locks))
            (target / ".ready").touch()
    return target / "bin"


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Inside the block no other process is that names the same file."""
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _content(lock: Path) -> str:
    return lock.read_text(encoding="utf-8")


def _uv(names: str, *arguments: str) -> None:
    with tempfile.TemporaryDirectory() as folder:  # away from any project's own settings
        done = subprocess.run([find_uv_bin(), *arguments], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise RehearseError(f"needs the packages of {names}, which uv cannot install: {done.stderr.strip()[-400:]}")
