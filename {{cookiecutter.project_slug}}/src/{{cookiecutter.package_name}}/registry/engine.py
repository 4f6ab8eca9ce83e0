"""Runs the programs that build images and move them: buildah and skopeo."""

import subprocess
from pathlib import Path

from .. import ProblemError


class ImageError(ProblemError):
    """An image cannot be built, pushed or pinned."""


def call(program: str, *options: str | Path) -> str:
    """Run a container program; returns its standard output.

    Raises:
        ImageError: it is not installed, or failed; with its last words.
    """
    try:
        done = subprocess.run([program, *options], capture_output=True, text=True, encoding="utf-8", errors="replace")
    except FileNotFoundError:
        raise ImageError(f"{program} is not installed or not on PATH; install it (Debian, Ubuntu: apt-get install {program})") from None
    if done.returncode:
        lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()] or [f"exit code {done.returncode}"]
        raise ImageError(f"{program} {options[0]} failed: {' '.join(lines[-1].split())[:500]}")
    return done.stdout
