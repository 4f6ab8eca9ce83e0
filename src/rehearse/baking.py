"""Bakes a project."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from .errors import RehearseError

ROOT = Path(__file__).resolve().parents[2]


def bake(folder: Path, **answers: str) -> Path:
    """A project, the default one where no answer differs, baked into a new folder below ``folder``, without the hook's advice.

    Raises ``RehearseError`` when that fails.
    """
    command = [sys.executable, "-m", "cookiecutter", str(ROOT), "--no-input", "--default-config", "--output-dir", str(folder)]
    command += [f"{question}={answer}" for question, answer in answers.items()]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RehearseError(f"the project cannot be baked: {(done.stdout + done.stderr).strip()[:400]}")
    return next(path.parent for path in folder.glob("*/params.yaml"))


def package(project: Path) -> Path:
    """The folder of a baked project's package."""
    return next(path for path in (project / "src").iterdir() if path.is_dir())
