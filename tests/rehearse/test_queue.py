"""The merge queue: what was tested becomes main, or nothing does."""

from __future__ import annotations

import pytest

from rehearse import Refused
from rehearse.values import Value

from .conftest import Stage

PUSHED = "name: pushed\non: {push: {branches: [main]}}\njobs: {a: {runs-on: ubuntu-24.04, steps: [{run: 'true'}]}}\n"


@pytest.fixture
def stage(make_stage: Value) -> Stage:
    """A repository whose main takes what has the status ``judged``."""
    made: Stage = make_stage({"pushed.yml": PUSHED})
    made.repo.protect("main", required_statuses=["judged"])
    return made


def _judge(stage: Stage, sha: str, state: str) -> None:
    stage.desk.run("gh", "api", f"repos/acme/toy/statuses/{sha}", "-f", f"state={state}", "-f", "context=judged")


def test_a_green_commit_becomes_main(stage: Stage) -> None:
    number = stage.pull("a", {"x": "y"})
    tested = stage.repo.merge_group(number)
    _judge(stage, tested, "success")
    stage.repo.land(number, tested)
    stage.hub.wait_idle(60)
    assert stage.repo.sha("main") == tested
    assert stage.repo.pull(number).merged
    assert [run.conclusion for run in stage.repo.runs] == ["success"], "the push to main starts workflows"


@pytest.mark.parametrize("state", ["failure", "pending"])
def test_what_is_not_green_never_lands(stage: Stage, state: str) -> None:
    number, before = stage.pull("a", {"x": "y"}), stage.repo.sha("main")
    tested = stage.repo.merge_group(number)
    _judge(stage, tested, state)
    with pytest.raises(Refused, match='"judged" is no success'):
        stage.repo.land(number, tested)
    assert stage.repo.sha("main") == before
    assert stage.repo.pull(number).state == "open"
    with pytest.raises(Refused, match="is not in the merge queue"):
        stage.repo.land(number, tested)


def test_a_commit_made_on_an_older_main_never_lands(stage: Stage) -> None:
    one, other = stage.pull("a", {"x": "y"}), stage.pull("b", {"z": "y"})
    first, second = stage.repo.merge_group(one), stage.repo.merge_group(other)
    for tested in (first, second):
        _judge(stage, tested, "success")
    stage.repo.land(one, first)
    with pytest.raises(Refused, match="main moved on"):
        stage.repo.land(other, second)
    assert stage.repo.sha("main") == first
