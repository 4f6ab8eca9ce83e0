"""The hooks before a commit: what ``pre-commit`` refuses, that it needs no network, and how it lives with the hook of ``make setup``."""

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ..conftest import BakedProject

CONFIG = ".pre-commit-config.yaml"
REFUSED = "error: dvc.lock: only promotion commits these; drop them from this commit with `make drop-promoted`"


@dataclass(frozen=True)
class Hooks:
    """A project, and where ``pre-commit`` keeps what it installed."""

    project: BakedProject
    home: Path

    def install(self, *options: str) -> None:
        self.project.run(sys.executable, "-m", "pre_commit", "install", *options, PRE_COMMIT_HOME=str(self.home))

    def setup(self) -> None:
        """``make setup``, as if it had nothing to install."""
        self.project.run("make", "setup", "environment=")

    def commit(self, name: str, text: str) -> subprocess.CompletedProcess[str]:
        """Write one file and commit everything, where no package can be fetched."""
        (self.project.root / name).write_text(text, encoding="utf-8")
        self.project.run("git", "add", "--all")
        offline = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": "/nowhere", "PRE_COMMIT_HOME": str(self.home)}
        return self.project.run("git", "commit", "--message", "Try", check=False, **offline)


@pytest.fixture(scope="module")
def installed(default_repository: BakedProject, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where ``pre-commit`` has made the environments of the hooks."""
    hooks = Hooks(default_repository.copy(tmp_path_factory.mktemp("hooks") / "project"), tmp_path_factory.mktemp("home"))
    hooks.install("--install-hooks")
    return hooks.home


@pytest.fixture
def hooks(installed: Path, new_repository: Callable[[str], BakedProject]) -> Hooks:
    return Hooks(new_repository("project"), installed)


def test_what_is_as_it_should_be_is_committed(hooks: Hooks) -> None:
    hooks.install("--overwrite")
    done = hooks.commit("tests/test_more.py", '"""More."""\n')

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr.count("Passed") == 3, done.stderr


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("tests/test_more.py", "import os\n", "F401"),
        ("tests/test_more.py", '"""More."""\nx =  1\n', "1 file reformatted"),
        ("dvc.lock", "schema: '2.0'\n", REFUSED),
    ],
)
def test_what_is_not_is_refused(hooks: Hooks, name: str, text: str, words: str) -> None:
    hooks.install("--overwrite")
    done = hooks.commit(name, text)

    assert done.returncode != 0
    assert words in done.stderr
    assert hooks.project.run("git", "rev-list", "--count", "HEAD").stdout == "1\n"


def test_all_that_is_generated_passes(hooks: Hooks) -> None:
    hooks.project.run(sys.executable, "-m", "pre_commit", "run", "--all-files", PRE_COMMIT_HOME=str(hooks.home))


@pytest.mark.parametrize("order", [["setup", "install"], ["install", "setup"]], ids=" then ".join)
def test_it_lives_with_the_hook_of_setup(hooks: Hooks, order: list[str]) -> None:
    for name in order:
        getattr(hooks, name)()
    for done in (hooks.commit("dvc.lock", "schema: '2.0'\n"), hooks.commit("tests/test_more.py", "import os\n")):
        assert done.returncode != 0
        assert REFUSED in done.stdout + done.stderr
    assert "F401" in done.stdout + done.stderr


def test_it_checks_with_the_locked_ruff(default_bake: BakedProject) -> None:
    pins = [re.findall(r"\bruff==[\d.]+", default_bake.text(name)) for name in (CONFIG, "requirements/train.txt")]

    assert pins[0] == pins[1] and len(pins[0]) == 1
