"""Baked projects to test with."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
import yaml

if TYPE_CHECKING:
    from rehearse.errors import RehearseError

    from .faults.kit import Scene

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "{{cookiecutter.project_slug}}"
collect_ignore = ["generated"]  # for the environment of a baked project: tests/template/test_generated.py runs them
QUESTIONS = [key for key in json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8")) if key[0] != "_"]


NOT_RUN = "not run: "


def _not_run(config: pytest.Config) -> list[str]:
    """What tests said that this machine lacks, each once."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    reasons = [report.longrepr[2] for report in reporter.stats.get("skipped", [])] if reporter else []
    return sorted({reason.removeprefix("Skipped: ") for reason in reasons if NOT_RUN in reason})


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """The run ends with the plain list of what did not run, and why (-rs); in CI that is a failure."""
    if os.environ.get("CI") == "true" and _not_run(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def not_run(what: str, error: "RehearseError") -> NoReturn:
    """End a test that needs more than this machine has: with a reason for a person, as a failure where every check must run."""
    reason = f"{NOT_RUN}{what}, {error}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@dataclass(frozen=True)
class BakedProject:
    """A generated repository in a folder of its own."""

    root: Path

    def files(self, pattern: str = "**/*") -> list[Path]:
        """Every file below the root that matches, sorted; without git's own, and without the bytecode of tests that imported it."""
        found = (path for path in self.root.glob(pattern) if path.is_file())
        return sorted(path for path in found if not {".git", "__pycache__"} & set(path.relative_to(self.root).parts))

    def names(self) -> list[str]:
        """The files' paths relative to the root, with '/' between folders."""
        return [path.relative_to(self.root).as_posix() for path in self.files()]

    def text(self, name: str) -> str:
        return (self.root / name).read_text(encoding="utf-8")

    def yaml(self, name: str) -> Any:
        return yaml.safe_load(self.text(name))

    @property
    def package(self) -> Path:
        """The one package in src/."""
        (folder,) = (path for path in (self.root / "src").iterdir() if path.is_dir())
        return folder

    def run(self, *command: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the project, out of reach of the virtual environment that runs the tests."""
        clean = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONPATH", "MAKEFLAGS", "MAKELEVEL", "ARGS")}
        done = subprocess.run(command, cwd=self.root, env=clean | environment, capture_output=True, text=True, encoding="utf-8")
        assert not check or done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done

    def git_init(self) -> "BakedProject":
        """Make it a repository with one commit on main."""
        self.run("git", "init", "--quiet", "--initial-branch", "main")
        for key, value in {"user.name": "Mona", "user.email": "mona@localhost", "core.autocrlf": "false"}.items():
            self.run("git", "config", key, value)
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", "First commit")
        return self

    def copy(self, target: Path) -> "BakedProject":
        """The same project in a folder that does not exist yet, without what Python compiled here."""
        shutil.copytree(self.root, target, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        return BakedProject(target)


class Baker:
    """Runs cookiecutter on this template with no settings of the person who runs it."""

    def __init__(self, home: Path) -> None:
        self.config = home / "cookiecutter.yaml"
        self.config.write_text(f"replay_dir: {home / 'replay'}\ncookiecutters_dir: {home / 'templates'}\n")

    def attempt(self, output: Path, **answers: str) -> subprocess.CompletedProcess[str]:
        """Bake into ``output``; ``stdout`` of the result is all that a person sees, in order.

        Raises:
            ValueError: an answer to a question that is not asked; cookiecutter itself would say nothing.
        """
        unknown = sorted(set(answers) - set(QUESTIONS))
        if unknown:
            raise ValueError(f"no such question: {', '.join(unknown)} (there are {', '.join(QUESTIONS)})")
        command = [sys.executable, "-m", "cookiecutter", "--no-input", "--config-file", str(self.config)]
        command += ["--output-dir", str(output), str(ROOT), *(f"{key}={value}" for key, value in answers.items())]
        return subprocess.run(
            command,
            cwd=self.config.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )

    def bake(self, output: Path, **answers: str) -> BakedProject:
        """Bake into ``output``, where nothing else may be."""
        done = self.attempt(output, **answers)
        assert done.returncode == 0, done.stdout
        (project,) = output.iterdir()
        return BakedProject(project)


@pytest.fixture(scope="session", autouse=True)
def compiled(tmp_path_factory: pytest.TempPathFactory) -> None:
    """All rehearsals of a run share what their jobs compile."""
    base = tmp_path_factory.getbasetemp()
    os.environ["REHEARSE_BYTECODE"] = str((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "bytecode")


@pytest.fixture(scope="session")
def baker(tmp_path_factory: pytest.TempPathFactory) -> Baker:
    return Baker(tmp_path_factory.mktemp("cookiecutter"))


@pytest.fixture(scope="session")
def default_bake(baker: Baker, tmp_path_factory: pytest.TempPathFactory) -> BakedProject:
    """The all-default bake, made once: to read, not to write to."""
    return baker.bake(tmp_path_factory.mktemp("default"))


@pytest.fixture(scope="session")
def cluster_bake(baker: Baker, tmp_path_factory: pytest.TempPathFactory) -> BakedProject:
    """A bake with the files of a cluster and of a receiver of alerts, which the all-default one is without: to read, not to write to."""
    return baker.bake(tmp_path_factory.mktemp("cluster"), deploy="kubernetes", notify="slack")


@pytest.fixture(scope="session")
def default_repository(default_bake: BakedProject, tmp_path_factory: pytest.TempPathFactory) -> BakedProject:
    """The all-default bake as a git repository with one commit: to read, not to write to."""
    return default_bake.copy(tmp_path_factory.mktemp("repository") / default_bake.root.name).git_init()


@pytest.fixture(scope="session")
def scenes(cluster_bake: BakedProject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], "Scene"]]:
    """The scene of the fault and container tests with a kind of store, ``git`` or ``s3``; each is made once."""
    from .faults.scenes import making  # what it needs takes a while to import, and most tests do without

    with making(cluster_bake, tmp_path_factory) as of:
        yield of


@pytest.fixture(scope="session")
def scene(scenes: Callable[[str], "Scene"]) -> "Scene":
    """The scene with the default store."""
    return scenes("git")


@pytest.fixture
def new_repository(default_repository: BakedProject, tmp_path: Path) -> Callable[[str], BakedProject]:
    """Copies of the committed all-default bake that a test may change, by name."""
    return lambda name="project": default_repository.copy(tmp_path / name)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow files first, so that they run beside the quick ones instead of after them."""
    slow_files = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow_files)


def lines(texts: Sequence[str]) -> str:
    """For messages of assertions: one text a line."""
    return "\n" + "\n".join(texts)
