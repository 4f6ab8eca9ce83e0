"""A container engine of the session's own, a registry, a trained project, and its package under test."""

import importlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import pytest

from rehearse.containers import Engine, Registry, ready
from rehearse.errors import RehearseError

from .. import conftest
from ..conftest import TEMPLATE, BakedProject
from ..faults.kit import Scene


def not_run(error: RehearseError) -> NoReturn:
    """End the test: containers cannot run here."""
    conftest.not_run("containers", error)


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    try:
        ready()
    except RehearseError as error:
        not_run(error)
    made = Engine(tmp_path_factory.mktemp("containers") / "engine", TEMPLATE / "requirements/serve.txt")
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="session")
def registry(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    made = Registry(tmp_path_factory.mktemp("registry") / "registry")
    engine.trust(made.address)
    yield made
    made.close()


@pytest.fixture
def project(scene: Scene, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BakedProject:
    """A copy of the scene's project, with two bundles: the candidate in ``models/bundle``, version 1 in ``models/bundle-b``.

    The test stands in it, with the engine as this process's own; its environment is left out.
    """
    left_out = shutil.ignore_patterns(".venv", ".git", ".dvc", ".dvc-store", "data", "__pycache__")
    made = BakedProject(shutil.copytree(scene.ready, tmp_path / "project", ignore=left_out))
    (first,) = (scene.ready / ".dvc-store/bundles").iterdir()
    shutil.copytree(first, made.root / "models/bundle-b")
    monkeypatch.chdir(made.root)
    for name, value in engine.build_env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("BASE", engine.base)
    monkeypatch.setenv("HOME", str(engine.home))
    return made


class Package:
    """The generated package's modules, imported out of a project into this process for as long as a test runs."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, module: str) -> ModuleType:
        place = "" if module in ("bundle",) else "registry."
        return importlib.import_module(f"{self._name}.{place}{module}")


@pytest.fixture
def package(default_bake: BakedProject, monkeypatch: pytest.MonkeyPatch) -> Iterator[Package]:
    """``package.image``, ``package.image_smoke``, ``package.overlay`` … of the registry, and ``package.bundle``."""
    monkeypatch.syspath_prepend(default_bake.root / "src")
    yield Package(default_bake.package.name)
    for name in [name for name in sys.modules if name.partition(".")[0] == default_bake.package.name]:
        del sys.modules[name]
