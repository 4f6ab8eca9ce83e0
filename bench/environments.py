"""The environments of the rivals: each its own, made once, in the user's cache."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

COMMON = ("onnxruntime>=1.31,<1.32", "numpy>=2,<3", "uvloop", "httptools")
NEEDS = {
    "fastapi": ("fastapi", "uvicorn"),
    "litserve": ("litserve",),
    "bentoml": ("bentoml",),
    "mlserver": ("mlserver",),
    "mlflow": ("mlflow", "pandas"),
}


class LeftOutError(Exception):
    """A rival that cannot be had here, and why."""


def python_of(name: str) -> Path:
    """The interpreter of a rival's environment; raises :class:`LeftOutError` with the last words of the installer."""
    needs = (*NEEDS[name], *COMMON)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "serving-bench"
    folder = cache / f"{name}-{hashlib.sha256(' '.join((sys.version, *needs)).encode()).hexdigest()[:12]}"
    if not (folder / ".ready").exists():
        _run("uv", "venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
        _run("uv", "pip", "install", "--quiet", "--python", str(folder / "bin/python"), *needs)
        (folder / ".ready").touch()
    return folder / "bin/python"


def versions(name: str) -> str:
    """What was installed of a rival, as ``fastapi 0.165``."""
    code = f"from importlib.metadata import version; print({name!r}, version({name!r}))"
    return subprocess.run([str(python_of(name)), "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def _run(*command: str) -> None:
    try:
        subprocess.run(command, capture_output=True, text=True, check=True)
    except FileNotFoundError:
        raise LeftOutError("uv is not installed") from None
    except subprocess.CalledProcessError as error:
        words = [line.strip() for line in error.stderr.splitlines() if line.strip()]
        raise LeftOutError(words[-1][:200] if words else f"{command[0]} ended with {error.returncode}") from None
