"""A world with a toy project whose workflows are plain shell, and a browser."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rehearse import LocalGitHub, Repository, World
from rehearse.errors import RehearseError
from rehearse.pictures.chromium import find_chromium
from rehearse.values import Value

TOY = Path(__file__).parent / "toy"


class Desk:
    """A person's clone: write files, commit, push."""

    def __init__(self, world: World, repository: Repository, token: str, folder: Path) -> None:
        self.folder, self.env = folder, world.env(token)
        self.run("git", "clone", "-q", repository.url, str(folder), cwd=folder.parent)

    def run(self, *command: str, cwd: Path | None = None, check: bool = True, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command as the person; an unexpected failure shows what it printed."""
        done = subprocess.run(command, cwd=cwd or self.folder, env=self.env, input=stdin, capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done

    def commit(self, branch: str, files: dict[str, str], message: str = "change") -> str:
        """Commit files on a branch (made from the present one) and push it."""
        if self.run("git", "rev-parse", "-q", "--verify", branch, check=False).returncode:
            self.run("git", "checkout", "-q", "-b", branch)
        else:
            self.run("git", "checkout", "-q", branch)
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        self.run("git", "add", "-A")
        self.run("git", "commit", "-q", "--allow-empty", "-m", message)
        self.run("git", "push", "-q", "origin", f"HEAD:{branch}")
        return self.run("git", "rev-parse", "HEAD").stdout.strip()


class Stage:
    """One local GitHub with the repository acme/toy on it."""

    def __init__(self, world: World, hub: LocalGitHub, desk_folder: Path, workflows: dict[str, str]) -> None:
        self.world, self.hub = world, hub
        self.repo = hub.create_repository("acme", "toy")
        self.token = hub.person("mona", write_to=["acme/toy"])
        self.desk = Desk(world, self.repo, self.token, desk_folder)
        files = {f".github/workflows/{name}": text for name, text in workflows.items()}
        self.desk.commit("main", files | {"value.txt": "1\n"}, "start [skip ci]")

    def pull(self, branch: str, files: dict[str, str], **more: Value) -> int:
        """Commit on a new branch from main and open a pull request."""
        self.desk.run("git", "fetch", "-q", "origin")
        self.desk.run("git", "checkout", "-q", "-B", branch, "origin/main")
        self.desk.commit(branch, files)
        return self.repo.open_pull(head=branch, title=branch, author="mona", **more)

    def named(self, workflow: str) -> list[Any]:
        """Runs of one workflow file."""
        return [run for run in self.repo.runs if run.workflow == workflow]


@pytest.fixture
def make_stage(tmp_path: Path) -> Iterator[Any]:
    """A factory: ``make_stage({"file.yml": text})``; everything stops after the test."""
    opened: list[LocalGitHub] = []

    def make(workflows: dict[str, str], **options: Value) -> Stage:
        world = World.create(tmp_path / "world")
        hub = LocalGitHub(world, **options).__enter__()
        opened.append(hub)
        return Stage(world, hub, tmp_path / "desk", workflows)

    yield make
    for hub in opened:
        hub.close()


@pytest.fixture
def toy(make_stage: Value) -> Stage:
    """The toy project: train, review, promote, rollback."""
    stage: Stage = make_stage({path.name: path.read_text(encoding="utf-8") for path in sorted(TOY.glob("*.yml"))})
    return stage


@pytest.fixture(scope="session")
def chromium() -> str:
    try:
        return find_chromium()
    except RehearseError as error:
        pytest.skip(f"not run: pictures, {error}")
