"""Every two answers together in some bake: exactly its files, nothing left over, and nothing that a tool has against them."""

import json
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import pytest

from ..conftest import QUESTIONS, ROOT, TEMPLATE, BakedProject, Baker, lines
from .pairs import RUNNERS, STORES, Checks, Combination, conditional, covering, hook
from .test_bake import EXPECTED_FILES

GIVEN = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))
CHOICES = {name: tuple(GIVEN[name]) for name in QUESTIONS if isinstance(GIVEN[name], list)}
ANSWERS = CHOICES | {"store": tuple(STORES), "runner": RUNNERS}


def allowed(row: Combination) -> bool:
    """Whether answers do not contradict each other: a machine of GitHub's has no folder that lasts."""
    return row.get("store") != "local" or row.get("runner", "").partition(",")[0] in ("", "self-hosted")


COMBINATIONS = covering(ANSWERS, allowed)


@pytest.fixture(scope="module")
def checks(tmp_path_factory: pytest.TempPathFactory) -> Checks:
    return Checks(tmp_path_factory.mktemp("checks"))


@pytest.fixture
def project(baker: Baker, tmp_path: Path, combination: Combination) -> BakedProject:
    return baker.bake(tmp_path / "out", **combination | {"store": STORES[combination["store"]]})


@pytest.mark.parametrize("combination", COMBINATIONS, ids=lambda row: "-".join(row.values()))
def test_a_combination_is_whole_and_clean(
    project: BakedProject, combination: Combination, checks: Checks, record_property: Callable[[str, object], None]
) -> None:
    found = checks.all(project, combination)
    record_property("combination", (" ".join(combination.values()), {name: not problem for name, problem in found.items()}))
    assert not any(found.values()), lines([f"{name}: {problem}" for name, problem in found.items() if problem])


def test_every_two_answers_that_go_together_meet() -> None:
    for one, two in combinations(ANSWERS, 2):
        wanted = {(a, b) for a in ANSWERS[one] for b in ANSWERS[two] if allowed({one: a, two: b})}
        assert {(row[one], row[two]) for row in COMBINATIONS} == wanted
    assert all(map(allowed, COMBINATIONS))
    assert len(COMBINATIONS) <= 32


def test_the_table_names_what_exists_and_answers_that_can_be_given() -> None:
    for place, (question, values) in hook().BELONGS.items():
        assert (TEMPLATE / place).exists(), f"{place} is not in the template"
        assert set(values) < set(CHOICES[question]), f"{place}: not answers to {question}, or all of them"


def test_every_file_that_is_not_for_all_is_in_the_table(default_bake: BakedProject, baker: Baker, tmp_path: Path) -> None:
    """What one of two bakes has and the other lacks is what the table says; each file of the template is in a bake."""
    others = {name: values[-1] for name, values in CHOICES.items()}
    other = baker.bake(tmp_path, package_name="churn", project_slug="other", **others)
    differ = set(default_bake.names()) ^ set(other.names())
    assert differ and differ <= set(conditional())
    for name, (question, values) in conditional().items():
        for project, answers in ((default_bake, {key: values[0] for key, values in CHOICES.items()}), (other, others)):
            assert (project.root / name).exists() == (answers[question] in values), name
    names = {path.relative_to(TEMPLATE).as_posix() for path in TEMPLATE.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    rendered = {name.replace("{{cookiecutter.package_name}}", "churn").replace("{{cookiecutter._dvc}}", "dvc") for name in names}
    assert rendered - set(conditional()) == set(EXPECTED_FILES.read_text(encoding="utf-8").splitlines()) - set(conditional())


def test_a_line_that_is_no_longer_there_is_not_passed_over(tmp_path: Path) -> None:
    action = tmp_path / ".github/actions/setup/action.yml"
    action.parent.mkdir(parents=True)
    action.write_text('python-version: "3.10"\n')
    with pytest.raises(ValueError, match=r"action\.yml has no line 'python-version: \"3\.11\"' for the answer python"):
        hook().write_in(tmp_path, {"python": "3.12", "runner": "ubuntu-24.04"})
