"""``make adopt`` takes what stands on the command line along as it is, and chooses the environment that can read the source."""

from collections.abc import Callable

import pytest

from ..conftest import BakedProject

PYTHON = '#!/bin/sh\nfor word in "$0" "$@"; do printf "%s\\n" "$word"; done\n'


@pytest.fixture
def project(new_repository: Callable[[str], BakedProject]) -> BakedProject:
    """A repository whose environments only say how they are called."""
    made = new_repository("project")
    for name in (".venv", ".venv-adopt"):
        program = made.root / name / "bin" / "python"
        program.parent.mkdir(parents=True)
        program.write_text(PYTHON)
        program.chmod(0o755)
        (made.root / name / ".ready").touch()
    return made


@pytest.mark.parametrize(
    ("words", "environment"),
    [
        (['DATA=my file\'s "x".csv', "TARGET=Größe (cm)", "PROTECTED=a b,c"], ".venv"),
        (["DATA=folder", "TARGET=y", "TARGT=typing error"], ".venv"),
        (["DATA=a b.xlsx", "TARGET=y"], ".venv-adopt"),
        (["DATA=x.parquet", "TARGET=y"], ".venv-adopt"),
        (["DATA=sqlite:///a.db", "QUERY=select * from \"t\" where a = 'b'", "TARGET=y"], ".venv-adopt"),
    ],
)
def test_the_words_arrive_as_they_were_typed(project: BakedProject, words: list[str], environment: str) -> None:
    program, *said = project.run("make", "adopt", *words, ID="from the environment").stdout.splitlines()

    assert program == f"{environment}/bin/python"
    assert said[:2] == ["-m", f"{project.package.name}.adopt"]
    assert sorted(said[2:]) == sorted(words)


def test_alone_it_shows_the_options(project: BakedProject) -> None:
    assert project.run("make", "adopt").stdout.splitlines()[-1] == "--help"
