"""The starter, and the program in it as a person runs it."""

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from starter.make import make

from ..conftest import BakedProject


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> BakedProject:
    """The starter, made once: to read, not to write to."""
    return BakedProject(make(tmp_path_factory.mktemp("starter") / "made"))


@pytest.fixture
def starter(made: BakedProject, tmp_path: Path) -> BakedProject:
    """A copy of the starter that a test may change."""
    return made.copy(tmp_path / "starter")


def contents(project: BakedProject) -> dict[str, tuple[int, bytes]]:
    """Mode and bytes of every file."""
    return {path.relative_to(project.root).as_posix(): (path.stat().st_mode, path.read_bytes()) for path in project.files()}


def run_init(project: BakedProject, answers: dict[str, str], before: str = "") -> subprocess.CompletedProcess[str]:
    """Run init.py without a terminal; ``before`` is Python that runs first in the same process."""
    script = ["-c", f"{before}\nimport runpy\nrunpy.run_path('init.py', run_name='__main__')"] if before else ["init.py"]
    options = [f"--{name.replace('_', '-')}={value}" for name, value in answers.items()]
    command = [sys.executable, "-I", *script, *options]
    return subprocess.run(command, cwd=project.root, stdin=subprocess.DEVNULL, capture_output=True, text=True, encoding="utf-8")


@pytest.fixture
def init(starter: BakedProject) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs init.py in the copy."""
    return partial(run_init, starter)
