"""The generated repository on a machine of its own: its tests, its commands, its package under our tests."""

import os
from pathlib import Path

import pytest

from ..conftest import ROOT, BakedProject

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def project(default_repository: BakedProject, tmp_path_factory: pytest.TempPathFactory) -> BakedProject:
    """The default bake, set up as a person does."""
    made = default_repository.copy(tmp_path_factory.mktemp("generated") / "project")
    made.run("make", "setup", PATH=_with_uv())
    return made


def _with_uv() -> str:
    from uv import find_uv_bin

    return f"{Path(find_uv_bin()).parent}{os.pathsep}{os.environ['PATH']}"


def test_its_own_tests_pass(project: BakedProject) -> None:
    print(project.run("make", "test").stdout)


def test_our_tests_of_its_package_pass(project: BakedProject) -> None:
    python = project.root / ".venv/bin/python"
    print(project.run(str(python), "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(ROOT / "tests/generated"), "-c", os.devnull, str(ROOT / "tests/generated")).stdout)
