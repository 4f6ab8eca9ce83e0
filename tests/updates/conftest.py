"""A template repository with its releases as tags, and cruft as a person runs it."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from ..conftest import ROOT, TEMPLATE, BakedProject, Baker

PARTS = ("cookiecutter.json", "hooks", "templates", TEMPLATE.name)
NOW = f"v{json.loads((ROOT / 'cookiecutter.json').read_text(encoding='utf-8'))['_version']}"
NEXT = "v99.0.0"
HEADING = re.compile(r"^## (v\d+\.\d+\.\d+)( \(unreleased\))?$", re.MULTILINE)


def changelog() -> dict[str, str]:
    """What CHANGELOG.md says below the heading of each version."""
    _, *parts = HEADING.split((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    return dict(zip(parts[::3], parts[2::3], strict=True))


def releases() -> dict[str, str]:
    """The commit of each released version."""
    named = {version: re.match(r"\s*Commit `([0-9a-f]{40})`\.\n", text) for version, text in changelog().items()}
    return {version: found[1] for version, found in named.items() if found}


def is_here(version: str) -> bool:
    """Whether this clone has the commit of a released version; a shallow one has not."""
    commit = f"{releases()[version]}^{{commit}}"
    return subprocess.run(["git", "-C", str(ROOT), "cat-file", "-e", commit], capture_output=True).returncode == 0


def need(version: str) -> None:
    """End a test of a release that a shallow clone does not have; the update to a made release is tested there all the same."""
    if version in releases() and not is_here(version):
        pytest.skip(f"{version} is not in this clone: git fetch --unshallow")


@dataclass(frozen=True)
class Cruft:
    """cruft with no settings of the person who runs it."""

    template: Path
    config: Path

    def __call__(self, folder: Path, *words: str, answer: str = "", check: bool = True) -> str:
        """Run it in ``folder``; all that a person sees."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")} | {"COOKIECUTTER_CONFIG": str(self.config)}
        command = [str(Path(sys.executable).with_name("cruft")), *words]
        done = subprocess.run(
            command, cwd=folder, env=clean, input=answer, text=True, encoding="utf-8", stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert not check or done.returncode == 0, done.stdout
        return done.stdout

    def create(self, folder: Path, version: str, **answers: str) -> BakedProject:
        """A project of a version, not yet a repository."""
        folder.mkdir()
        self(folder, "create", "--no-input", "--checkout", version, "--extra-context", json.dumps(answers), str(self.template))
        (project,) = folder.iterdir()
        return BakedProject(project)

    def update(self, project: BakedProject, version: str, **answers: str) -> str:
        """Bring a project with nothing uncommitted to a version."""
        more = ["--variables-to-update", json.dumps(answers)] if answers else []
        return self(project.root, "update", "-y", "--checkout", version, *more)

    def is_up_to_date(self, project: BakedProject, version: str) -> bool:
        return "SUCCESS" in self(project.root, "check", "--checkout", version, check=False)


def _git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=Mona", "-c", "user.email=mona@localhost", "-c", "core.autocrlf=false", "-c", "core.hooksPath=/dev/null"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def _release(folder: Path, version: str, fill: Callable[[], object]) -> None:
    for part in PARTS:
        path = folder / part
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    fill()
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "--message", version)
    _git(folder, "tag", version)


def _present(folder: Path) -> None:
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(ROOT / part, folder / part)


def _past(folder: Path, commit: str) -> None:
    archive = subprocess.run(["git", "-C", str(ROOT), "archive", commit, *PARTS], check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x"], cwd=folder, input=archive, check=True)


def _future(folder: Path) -> None:
    """What a later release may bring: lines that change, come and go, a file that comes, another that goes, a question."""
    _present(folder)
    project = folder / TEMPLATE.name

    def change(name: str, old: str, new: str) -> None:
        path = project / name
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{name} has no {old!r} any more: change another line here"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    change(".gitignore", "# Environments and what tools leave behind\n", "# What tools leave behind\n")
    change(".github/workflows/train.yml", "    timeout-minutes: 5\n", "    timeout-minutes: 6\n")
    change("Makefile", "\nsetup: ", "\ncadence: ## said anew\n\t@echo {{ cookiecutter.cadence }}\n\nsetup: ")
    (project / "src/{{cookiecutter.package_name}}/later.py").write_text('"""Came later."""\n')
    (project / "tests/test_export.py").unlink()
    questions = json.loads((folder / "cookiecutter.json").read_text(encoding="utf-8"))
    (folder / "cookiecutter.json").write_text(json.dumps(questions | {"cadence": "weekly", "_version": NEXT[1:]}), encoding="utf-8")


@pytest.fixture(scope="session")
def cruft(baker: Baker, tmp_path_factory: pytest.TempPathFactory) -> Cruft:
    """cruft, and a template repository with a tag for each release that this clone has, the present state, and a later one."""
    folder = tmp_path_factory.mktemp("releases") / "template"
    folder.mkdir()
    _git(folder, "init", "--quiet", "--initial-branch", "main")
    for version, commit in reversed(releases().items()):
        if is_here(version):
            _release(folder, version, lambda commit=commit: _past(folder, commit))
    _release(folder, NOW, lambda: _present(folder))
    _release(folder, NEXT, lambda: _future(folder))
    return Cruft(folder, baker.config)


@pytest.fixture(scope="session")
def fresh(cruft: Cruft, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], BakedProject]:
    """The default bake of a version, made once: to read, not to write to."""
    return cache(lambda version: cruft.create(tmp_path_factory.mktemp("fresh") / version, version))


@pytest.fixture
def repository(fresh: Callable[[str], BakedProject], tmp_path: Path) -> Callable[[str], BakedProject]:
    """The default bake of a version as a repository with one commit, in which a test may work."""
    return lambda version: fresh(version).copy(tmp_path / "repository").git_init()


def contents(project: BakedProject) -> dict[str, tuple[int, bytes]]:
    """Mode and bytes of every file that a person or the template wrote."""
    paths = {path.relative_to(project.root).as_posix(): path for path in project.files()}
    return {name: (path.stat().st_mode, path.read_bytes()) for name, path in paths.items() if name != ".cruft.json"}
