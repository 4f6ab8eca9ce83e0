"""Tests of the generated package, run by the environment of a baked project (see tests/template/test_generated.py)."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from churn.serving.watch import Model

Git = Callable[..., str]


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    """An empty repository with main checked out, in which the test stands."""
    folder = tmp_path / "repository"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.delenv("GH_TOKEN", raising=False)

    def run(*args: str) -> str:
        return subprocess.run(["git", *args], check=True, capture_output=True, text=True).stdout.strip()

    run("init", "-q", "-b", "main")
    run("config", "user.name", "Mona")
    run("config", "user.email", "mona@localhost")
    return run


@pytest.fixture
def commit(git: Git) -> Callable[..., str]:
    """Write files and commit them; returns the commit."""

    def make(message: str = "change", **files: str) -> str:
        for name, text in files.items():
            path = Path(name.replace("__", "/").replace("_dot_", "."))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        git("add", "-A")
        git("commit", "-q", "-m", message, "--allow-empty", "--no-verify")
        return git("rev-parse", "HEAD")

    return make


@pytest.fixture
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Watchers look every 10 ms at what they saw."""
    from churn.serving import watch  # only where there is a server: scoring has an environment of its own

    monkeypatch.setattr(watch, "_PAUSE", 0.01)


@pytest.fixture
def live(tmp_path: Path) -> "Model":
    """A toy model for a watcher; its bundle has a profile."""
    from watch_kit import model

    return model(tmp_path / "bundle")


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Thousands of small products: threads only wait for each other, above all beside other tests."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield
