"""The search for the library that breaks a bake, with toy libraries."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from scenarios.weekly.issue import text, title
from scenarios.weekly.search import Finding, Try, pins, search

NAMES = [f"lib{number:02}" for number in range(21)]
OLD = dict.fromkeys(NAMES, "1")
NEW = dict.fromkeys(NAMES, "2")


def world(
    breaks: Callable[[dict[str, str]], str], moves_with: dict[str, str] | None = None
) -> tuple[Callable[[Sequence[str]], Try], list[int]]:
    """A rehearsal that tells a problem of a set of versions; ``moves_with`` are packages that another one takes along."""
    tries: list[int] = []

    def attempt(names: Sequence[str]) -> Try:
        tries.append(len(names))
        together = {*names, *((moves_with or {}).get(name, name) for name in names)}
        installed = OLD | dict.fromkeys(together, "2")
        return Try(installed, breaks(installed))

    return attempt, tries


@pytest.mark.parametrize("culprit", NAMES)
def test_the_one_that_breaks_it_is_found_in_few_tries(culprit: str) -> None:
    attempt, tries = world(lambda installed: "5 merge: boom" if installed[culprit] == "2" else "")

    found = search(OLD, NEW, attempt)

    assert (dict(found.culprits), found.problem) == ({culprit: ("1", "2")}, "5 merge: boom")
    assert found.tries == len(tries) <= 7


def test_those_that_move_together_are_named_together() -> None:
    attempt, _ = world(lambda installed: "boom" if installed["lib09"] == "2" else "", {"lib04": "lib09"})

    assert set(search(OLD, NEW, attempt).culprits) == {"lib04", "lib09"}


def test_two_that_break_it_only_together_name_the_one_that_came_last() -> None:
    attempt, _ = world(lambda installed: "boom" if installed["lib03"] == installed["lib17"] == "2" else "")

    assert set(search(OLD, NEW, attempt).culprits) == {"lib17"}


def test_what_works_is_tried_once_and_what_never_worked_blames_nobody() -> None:
    attempt, tries = world(lambda _: "")
    assert search(OLD, NEW, attempt) == Finding(dict.fromkeys(NAMES, ("1", "2")))
    assert tries == [21]
    attempt, tries = world(lambda _: "boom")
    found = search(OLD, NEW, attempt)
    assert (found.problem, found.culprits, tries) == ("boom", {}, [21, 0])


def test_nothing_newer_is_rehearsed_as_it_is() -> None:
    attempt, tries = world(lambda _: "boom")

    found = search(OLD, OLD, attempt)

    assert (found.upgraded, found.problem, found.culprits, tries) == ({}, "boom", {}, [0])


def test_versions_are_read_from_a_lock() -> None:
    old = "numpy==2.4.6 ; python_version < '3.14' \\\n    --hash=sha256:0\n"
    lock = f"{old}numpy==2.5.0 ; python_version >= '3.14' \\\n    --hash=sha256:1\nPyYAML==6.0.2\n"

    assert pins(lock) == {"numpy": "2.4.6 2.5.0", "pyyaml": "6.0.2"}


def test_the_issue_names_what_broke_it() -> None:
    found: dict[str, Any] = {
        "problem": "5 merge: `boom`",
        "culprits": {"numpy": ["2.4", "2.5"]},
        "tries": 6,
        "upgraded": {"numpy": ["2.4", "2.5"]},
    }

    assert title(found) == "A bake does not work with numpy 2.5"
    assert "| `numpy` | 2.4 | 2.5 |" in text(found) and "`5 merge: 'boom'`" in text(found)
    assert "none of the newer ones is to blame" in text(found | {"culprits": {}})
