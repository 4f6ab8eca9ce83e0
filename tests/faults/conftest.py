"""The table of the fault matrix, and copies of the scene."""

from collections.abc import Callable, Iterator
from functools import cache

import pytest

from .kit import Case, Scene

pytest.register_assert_rewrite("tests.faults.matrix")

from .matrix import Matrix, States, Step, parameters, undisturbed  # noqa: E402 - after the line above, so that failures show what differs


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give the tests of the fault matrix their kills."""
    if metafunc.cls and issubclass(metafunc.cls, Matrix):
        names, values = parameters(metafunc.cls.kind).get(metafunc.function.__name__, ("", []))
        if names:
            metafunc.parametrize(names, values, ids=lambda value: value.name if isinstance(value, Step) else value)


@pytest.fixture(scope="session")
def expected(scenes: Callable[[str], Scene]) -> Callable[[str], States]:
    """For a kind of store: the end states that nobody disturbed."""
    return cache(lambda kind: undisturbed(scenes(kind)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The fault matrix as a table: store and step by moment, and how many ended as if nobody had disturbed them."""
    cells: dict[tuple[str, str, str], dict[str, str]] = {}
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            for name, value in getattr(report, "user_properties", []):
                if name == "fault" and report.when == "call":
                    kind, what, step, moment, again = value
                    cells.setdefault((kind, what, f"{step} ({again})"), {})[moment] = "ok" if outcome == "passed" else "FAILED"
    if not cells:
        return
    terminalreporter.section("fault matrix: killed, run again")
    for (kind, what, step), found in cells.items():
        moments = ", ".join(f"{moment} {result}" for moment, result in found.items())
        terminalreporter.write_line(f"{kind:<4} {what:<10} {step:<52} {moments}")
    for kind in sorted({kind for kind, *_ in cells}):
        results = [result for key, found in cells.items() if key[0] == kind for result in found.values()]
        terminalreporter.write_line(f"{kind}: {len(results)} cases, {results.count('ok')} converge, {results.count('FAILED')} do not")


@pytest.fixture
def case(scene: Scene) -> Iterator[Case]:
    """A copy of the scene for one test."""
    with scene.trial() as made:
        yield made


@pytest.fixture(scope="session")
def promoted(scene: Scene) -> Case:
    """A copy in which version 2 was promoted and nothing went wrong: to read, and to copy."""
    return scene.promoted
