"""Finds Chromium, or installs it where that is allowed."""

from __future__ import annotations

import os
import shutil
import subprocess

from ..errors import RehearseError

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGES = ("chromium", "fonts-noto-color-emoji", "fonts-liberation", "fonts-noto-core")


def find_chromium(install: bool = True) -> str:
    """The path of Chromium; where it is missing and this user may (root, or sudo without a password), apt-get installs it.

    Raises ``RehearseError`` when there is none.
    """
    found = _on_path()
    if found is None and install and shutil.which("apt-get") and (root := _as_root()) is not None:
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *PACKAGES]):
            subprocess.run([*root, "apt-get", *command], env=environment, capture_output=True)
        found = _on_path()
    if found is None:
        raise RehearseError(f"needs chromium, install with apt-get install {' '.join(PACKAGES)}")
    return found


def _on_path() -> str | None:
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


def _as_root() -> list[str] | None:
    """What to put before a command so that root runs it; None where this user may not."""
    if os.geteuid() == 0:
        return []
    allowed = shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0
    return ["sudo", "-n"] if allowed else None
