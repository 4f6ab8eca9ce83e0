"""buildah and podman with a store of their own, which is thrown away."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

from ..errors import RehearseError
from .base import Base
from .programs import program

_LIMIT = 300
_SEARCHED = ("/usr/sbin", "/usr/libexec/podman")


class Engine:
    """Programs that are run with :attr:`env` or :attr:`build_env` work in ``folder`` alone; :meth:`close` removes all of it.

    Containers use the host's network and runc, under which podman works without systemd. ``base`` is the base image by digest;
    builds install the wheels of ``lock`` without a network.
    """

    def __init__(self, folder: Path, lock: Path) -> None:
        """``lock`` is a requirements file with hashes. Raises ``RehearseError`` when the base image cannot be made."""
        self.folder = folder
        self._insecure: list[str] = []
        kept = Base.kept(lock)
        self.base = kept.name
        self.home = folder / "home"  # of a user who trusts the same registries, for skopeo: it reads no variable
        for name in ("graph", "run", "libpod", "home/.config/containers"):
            (folder / name).mkdir(parents=True)
        self._write("storage.conf", _STORAGE.format(folder=folder, shared=kept.store))
        settings = _CONTAINERS.format(folder=folder, runc=program("runc"))
        self._write("run.conf", settings)
        self._write("build.conf", settings.replace("[containers]\n", f"[containers]\nvolumes = {kept.volumes}\n", 1))
        self._write("registries.conf", "")

    @property
    def env(self) -> dict[str, str]:
        """The environment in which buildah, podman and skopeo use this engine."""
        return self._env("run.conf")

    @property
    def build_env(self) -> dict[str, str]:
        """The same for builds, which find the wheels of the lock and need no network."""
        return self._env("build.conf")

    def trust(self, registry: str) -> None:
        """Speak plain HTTP with ``registry``, a loopback address with a port."""
        self._insecure.append(f'[[registry]]\nlocation = "{registry}"\ninsecure = true\n')
        for name in ("registries.conf", "home/.config/containers/registries.conf"):
            self._write(name, "\n".join(self._insecure))

    def podman(self, *arguments: str, check: bool = True) -> str:
        """Run podman and return its standard output; raises ``RehearseError`` with its last words when it fails."""
        return self.run("podman", *arguments, check=check)

    def run(self, name: str, *arguments: str, check: bool = True) -> str:
        """Run a container program in this engine."""
        command = [program(name), *arguments]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, errors="replace", timeout=_LIMIT)
        if check and done.returncode:
            raise RehearseError(f"{name} {' '.join(arguments[:2])} failed: {done.stderr.strip()[-400:]}")
        return done.stdout.strip()

    def close(self) -> None:
        """Stop every container of this engine and remove its folder."""
        for words in (["pod", "rm", "--all", "--force", "--time", "1"], ["rm", "--all", "--force", "--time", "1"]):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.podman(*words, check=False)
        with open("/proc/self/mounts", encoding="utf-8") as mounts:  # noqa: PTH123 - no file on a disk
            below = [line.split()[1] for line in mounts if line.split()[1].startswith(f"{self.folder}/")]
        for mount in reversed(below):
            subprocess.run(["umount", "--lazy", mount], capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _env(self, settings: str) -> dict[str, str]:
        files = {"STORAGE_CONF": "storage.conf", "CONF": settings, "REGISTRIES_CONF": "registries.conf"}
        own = {f"CONTAINERS_{name}": str(self.folder / file) for name, file in files.items()}
        path = os.pathsep.join([os.environ.get("PATH", os.defpath), *_SEARCHED])
        return os.environ | own | {"BUILDAH_ISOLATION": "chroot", "PATH": path}

    def _write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")


_STORAGE = """[storage]
driver = "overlay"
graphroot = "{folder}/graph"
runroot = "{folder}/run"
[storage.options]
additionalimagestores = ["{shared}"]
"""
# A limit above the machine's own cannot be set by everybody; podman asks for such limits unless it is told others.
_CONTAINERS = """[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
netns = "host"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "{folder}/libpod"
[engine.runtimes]
runc = ["{runc}"]
"""
