"""Finds the programs that containers need, or installs them where that is allowed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from ..environments import environment
from ..errors import RehearseError

# Which Debian or Ubuntu package holds a program.
PACKAGES = {
    "buildah": "buildah",
    "podman": "podman",
    "skopeo": "skopeo",
    "runc": "runc",
    "catatonit": "catatonit",
    "mmdebstrap": "mmdebstrap",
    "docker-registry": "docker-registry",
}
_MORE = ("uidmap", "debian-archive-keyring")
_ELSEWHERE = ("/usr/sbin", "/usr/libexec/podman", "/usr/libexec/catatonit")
_TOOLS = Path(__file__).with_name("tools.txt")


def ready(install: bool = True, packages: Mapping[str, str] = PACKAGES) -> None:
    """Return when every program is here; where this user may (root, or sudo without a password), apt-get installs what is missing.

    ``packages`` says which package holds each program.

    Raises ``RehearseError`` that names what is missing and how to install it.
    """
    if sys.platform != "linux":
        raise RehearseError("needs Linux: containers share its kernel")
    if (missing := _missing(packages)) and install and shutil.which("apt-get") and (root := _as_root()) is not None:
        _install(root, [*_names(packages, missing), *(_MORE if packages is PACKAGES else ())])
        missing = _missing(packages)
    if missing:
        raise RehearseError(f"needs {', '.join(missing)}, install with apt-get install {' '.join(_names(packages, missing))}")


def program(name: str) -> str:
    """The path of a program that ``ready`` found."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *_ELSEWHERE])
    if (found := shutil.which(name, path=path)) is None:
        raise RehearseError(f"needs {name}, install with apt-get install {PACKAGES.get(name, name)}")
    return found


def tool(name: str) -> str:
    """The path of a program out of ``tools.txt`` (hadolint, kubectl, kubernetes-validate, python with pip); installed once a lock."""
    return str(environment(_TOOLS) / name)


def cache() -> Path:
    """The folder for what is worth keeping between runs: the base image, wheels, packages."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rehearse" / "containers"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _names(packages: Mapping[str, str], missing: list[str]) -> list[str]:
    return list(dict.fromkeys(packages[name] for name in missing))


def _missing(packages: Mapping[str, str]) -> list[str]:
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *_ELSEWHERE])
    return [name for name in packages if shutil.which(name, path=path) is None]


def _install(root: list[str], packages: list[str]) -> None:
    archives = cache() / "apt"
    (archives / "partial").mkdir(parents=True, exist_ok=True)
    options = ["-y", "-qq", "--no-install-recommends", "-o", f"Dir::Cache::Archives={archives}"]
    command = [*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", *options, *packages]
    if subprocess.run(command, capture_output=True).returncode:  # the lists of packages may be old, or not there at all
        subprocess.run([*root, "apt-get", "update", "-qq"], capture_output=True)
        subprocess.run(command, capture_output=True)


def _as_root() -> list[str] | None:
    """What to put before a command so that root runs it; None where this user may not."""
    if os.geteuid() == 0:
        return []
    allowed = shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0
    return ["sudo", "-n"] if allowed else None
