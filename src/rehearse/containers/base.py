"""A base image for images of Python programs, made of Debian's own packages: nothing is pulled from a registry.

It has what the official ``python:3.11-slim-bookworm`` has: Debian 12, Python 3.11 as ``python``, pip, certificates.
"""

from __future__ import annotations

import inspect
import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ..environments import alone
from ..errors import RehearseError
from .programs import cache, program, tool

NAME = "localhost/python-base"
_RECIPE = ("mmdebstrap", "--quiet", "--variant=minbase", "--include=ca-certificates,python3")
_LEFT_OUT = ("doc", "man", "locale", "info")
_PIP = Path("usr/local/lib/python3.11/dist-packages")


@dataclass(frozen=True)
class Base:
    """The base image in a store that engines share for reading: its name by digest, the store, what a build mounts."""

    name: str
    store: Path
    volumes: str

    @classmethod
    def kept(cls, lock: Path) -> Base:
        """From the user's cache; made there once, which takes a minute or two."""
        key = sha256("\n".join((*_RECIPE, *_LEFT_OUT, inspect.getsource(_make))).encode()).hexdigest()[:16]
        folder = cache() / f"base-{key}"
        with alone(cache() / "base.lock"):
            if not (folder / "name").exists():
                shutil.rmtree(folder, ignore_errors=True)
                _make(folder)
            wheels = _wheels(lock)
        mounts = [f"{wheels}:/wheels:ro", f"{wheels.parent / 'pip.conf'}:/etc/pip.conf:ro"]
        return cls((folder / "name").read_text(), folder / "store", json.dumps(mounts))


def _make(folder: Path) -> None:
    store = folder / "store"
    store.mkdir(parents=True)
    (folder / "storage.conf").write_text(f'[storage]\ndriver = "overlay"\ngraphroot = "{store}"\nrunroot = "{folder}/run"\n')
    env = os.environ | {"CONTAINERS_STORAGE_CONF": str(folder / "storage.conf")}
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        archive = Path(scratch, "base.tar")
        options = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in _LEFT_OUT]
        _run([*_RECIPE, *options, "bookworm", str(archive), *_sources()], env)
        made = _run(["buildah", "from", "scratch"], env)
        _run(["buildah", "add", "--quiet", made, str(archive), "/"], env)
    root = Path(_run(["buildah", "mount", made], env))
    packages = Path(tool("python")).parent.parent / "lib"
    (source,) = packages.glob("python*/site-packages/pip")
    shutil.copytree(source, root / _PIP / "pip", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "usr/local/bin/python").symlink_to("/usr/bin/python3")
    _run(["buildah", "commit", "--quiet", "--rm", "--format", "docker", "--timestamp", "0", made, f"{NAME}:local"], env)
    digest = _run(["buildah", "images", "--format", "{{.Digest}}", f"{NAME}:local"], env)
    (folder / "name").write_text(f"{NAME}@{digest}")


def _sources() -> list[str]:
    """This machine's own sources of Debian 12, if it has them: they may name a mirror."""
    found = Path("/etc/apt/sources.list.d/debian.sources")
    return [str(found)] if found.exists() and "bookworm" in found.read_text(encoding="utf-8") else []


def _wheels(lock: Path) -> Path:
    """The wheels of a lock for the base's Python, downloaded once; with the pip.conf that makes pip look there and nowhere else."""
    folder = cache() / f"wheels-{sha256(lock.read_bytes()).hexdigest()[:16]}"
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=cache()) as scratch:
            options = ["--quiet", "--no-deps", "--only-binary", ":all:", "--python-version", "3.11", "--require-hashes"]
            _run([tool("python"), "-m", "pip", "download", *options, "--requirement", str(lock), "--dest", f"{scratch}/wheels"])
            Path(scratch, "wheels").rename(folder)
    (cache() / "pip.conf").write_text("[global]\nno_index = true\nfind_links = /wheels\n")
    return folder


def _run(command: list[str], env: dict[str, str] | None = None) -> str:
    command = [command[0] if "/" in command[0] else program(command[0]), *command[1:]]
    done = subprocess.run(command, env=env, capture_output=True, text=True, errors="replace")
    if done.returncode:
        raise RehearseError(f"{Path(command[0]).name} failed: {done.stderr.strip()[-400:]}")
    return done.stdout.strip()
