"""The programs a rehearsal needs, gathered into one folder for PATH."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from .errors import RehearseError

BINARIES = ("uv", "uvx", "act", "gh")
OPTIONAL = frozenset({"uvx"})
SYSTEM = ("/usr/local/bin", "/usr/bin", "/bin")
STANDIN_BIN = Path(__file__).parent / "standins" / "bin"


def gather_tools(folder: Path) -> None:
    """Fill ``folder`` with links to the tools, a clean interpreter, and ``cml``.

    Single programs are linked, never a whole ``bin`` folder of a virtual
    environment: its packages must not reach the workflows. Raises
    ``RehearseError`` when a tool is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in BINARIES:
        found = _find(name)
        if found is not None:
            (folder / name).symlink_to(found)
        elif name not in OPTIONAL:
            raise RehearseError(f"{name} is neither beside {sys.executable} nor on PATH: install the project's dependencies")
    _link_interpreter(folder)
    _link_cml(folder)


def search_path(folder: Path) -> str:
    """PATH of a rehearsed process: ``folder``, where git and node live, the system."""
    parts = [str(folder)]
    for name in ("git", "node"):
        found = shutil.which(name)
        if found is None:
            raise RehearseError(f"{name} is not on PATH: a rehearsal runs real {name}, install it")
        parts.append(str(Path(found).parent))
    return os.pathsep.join(dict.fromkeys([*parts, *SYSTEM]))


def _find(name: str) -> str | None:
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.exists() else shutil.which(name)


def _link_interpreter(folder: Path) -> None:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    base = Path(sys.base_prefix) / "bin" / version
    if not base.exists():
        base = Path(getattr(sys, "_base_executable", sys.executable))
    for name in ("python", "python3", version):
        (folder / name).symlink_to(base)


def _link_cml(folder: Path) -> None:
    real = os.environ.get("REHEARSE_CML_JS")
    if real is not None and not Path(real).is_file():
        raise RehearseError(f"REHEARSE_CML_JS names {real}, which is not a file: point it at bin/cml.js of a CML installation")
    # A script and no link: an installed package does not keep the stand-in's executable bit everywhere.
    command = f'node "{real}"' if real else f'"{folder}/python3" -I "{STANDIN_BIN}/cml"'
    script = folder / "cml"
    script.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
    script.chmod(0o755)
