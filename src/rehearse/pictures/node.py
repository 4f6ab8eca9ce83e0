"""Runs the scripts of this folder with the packages that ``package-lock.json`` names."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from ..errors import RehearseError

HERE = Path(__file__).parent
_INSTALL = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")


def run_script(name: str, given: Any) -> Any:
    """Run a script with ``given`` as JSON on its standard input; returns the JSON that it prints.

    Raises ``RehearseError`` when Node.js is missing, the packages cannot be installed, or the script fails.
    """
    packages = _packages()
    with tempfile.TemporaryDirectory() as folder:  # Node looks for packages beside the script
        for script in HERE.glob("*.mjs"):
            shutil.copy(script, folder)
        Path(folder, "node_modules").symlink_to(packages)
        done = subprocess.run(["node", name], cwd=folder, input=json.dumps(given), capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise RehearseError(f"{name} failed: {done.stderr.strip()[-600:]}")
    return json.loads(done.stdout)


def _packages() -> Path:
    """The folder ``node_modules``, installed once for each state of the lock into the user's cache."""
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            raise RehearseError(f"needs {tool}, install Node.js 20 or newer")
    key = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rehearse"
    target = cache / f"pictures-{key}"
    if not target.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            _install(Path(folder, "new"))
            try:
                Path(folder, "new").rename(target)
            except OSError:  # another process was faster; its folder is as good
                if not target.exists():
                    raise
    return target / "node_modules"


def _install(folder: Path) -> None:
    folder.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder)
    done = subprocess.run(_INSTALL, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise RehearseError(f"needs the packages of {HERE.name}/package-lock.json, which npm cannot install: {done.stderr.strip()[-400:]}")
