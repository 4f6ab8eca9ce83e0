"""Issues that a job keeps, and pull requests that it opens: with which rights, by whom, and what that starts."""

from __future__ import annotations

import json

import pytest

from rehearse import Refused
from rehearse.values import Value

from .conftest import Stage

KEEPER = """\
name: keeper
on: workflow_dispatch
permissions: {}
jobs:
  act:
    runs-on: ubuntu-24.04
    permissions: {%s}
    env: {GH_TOKEN: "${{ github.token }}"}
    steps:
      - run: gh api "repos/$GITHUB_REPOSITORY/issues" -f title=drift -f body=first
      - run: gh api -X PATCH "repos/$GITHUB_REPOSITORY/issues/1" -f body=second
      - run: gh api "repos/$GITHUB_REPOSITORY/issues/1/comments" -f body=healed
      - run: gh api -X PATCH "repos/$GITHUB_REPOSITORY/issues/1" -f state=closed
"""
ON_ISSUES = """\
name: on-issues
on: {issues: {types: [opened, closed]}}
permissions: {}
jobs: {act: {runs-on: ubuntu-24.04, steps: [{run: "true"}]}}
"""
OPENER = """\
name: opener
on: workflow_dispatch
permissions: {}
jobs:
  act:
    runs-on: ubuntu-24.04
    permissions: {pull-requests: write}
    env: {GH_TOKEN: "${{ secrets.OWN_TOKEN || github.token }}"}
    steps:
      - run: gh api "repos/$GITHUB_REPOSITORY/pulls" -f title=newer -f head=newer -f base=main
"""
TRAIN = """\
name: train
on: {pull_request: {branches: [main]}}
permissions: {}
jobs: {act: {runs-on: ubuntu-24.04, steps: [{run: "true"}]}}
"""


def _issues(stage: Stage, state: str) -> list[Value]:
    found: list[Value] = json.loads(stage.desk.run("gh", "api", f"repos/acme/toy/issues?state={state}").stdout)
    return found


def _keep(make_stage: Value, rights: str) -> Stage:
    stage: Stage = make_stage({"keeper.yml": KEEPER % rights, "on-issues.yml": ON_ISSUES})
    stage.repo.dispatch("keeper.yml", actor="mona")
    stage.hub.wait_idle(60)
    return stage


def test_a_job_keeps_an_issue_as_a_bot_and_starts_nothing(make_stage: Value) -> None:
    stage = _keep(make_stage, "issues: write")
    assert [(run.workflow, run.conclusion) for run in stage.repo.runs] == [("keeper.yml", "success")]
    assert _issues(stage, "open") == []
    [issue] = _issues(stage, "closed")
    assert (issue["title"], issue["body"], issue["user"]["type"]) == ("drift", "second", "Bot")
    assert [one.body for one in stage.repo.comments(1)] == ["healed"]


@pytest.mark.parametrize("rights", ["issues: read", "contents: write, pull-requests: write"])
def test_an_issue_needs_the_right_to_issues(make_stage: Value, rights: str) -> None:
    stage = _keep(make_stage, rights)
    assert [run.conclusion for run in stage.repo.runs] == ["failure"]
    assert stage.repo.issues == []


def test_the_right_to_pull_requests_is_none_to_an_issue(make_stage: Value) -> None:
    edit = 'issues/1" -X PATCH -f body'
    stage: Stage = make_stage({"keeper.yml": (KEEPER % "pull-requests: write").replace('issues" -f title=drift -f body', edit)})
    stage.desk.run("gh", "api", "repos/acme/toy/issues", "-f", "title=mine")
    stage.repo.dispatch("keeper.yml", actor="mona")
    stage.hub.wait_idle(60)
    assert [run.conclusion for run in stage.repo.runs] == ["failure"]
    assert stage.repo.issues[0].body == ""
    assert stage.hub.denied[-1]["needed"] == "issues: write"


def test_a_pull_request_of_a_job_starts_its_checks_when_a_person_opens_it_again(make_stage: Value) -> None:
    stage: Stage = make_stage({"opener.yml": OPENER, "train.yml": TRAIN})
    stage.desk.commit("newer", {"value.txt": "2\n"})
    stage.repo.dispatch("opener.yml", actor="mona")
    stage.hub.wait_idle(60)
    assert [run.workflow for run in stage.repo.runs] == ["opener.yml"]
    for state in ("closed", "open"):
        stage.desk.run("gh", "api", "-X", "PATCH", "repos/acme/toy/pulls/1", "-f", f"state={state}")
    stage.hub.wait_idle(60)
    assert [run.workflow for run in stage.repo.runs] == ["opener.yml", "train.yml"]
    [run] = stage.named("train.yml")
    assert (run.payload["action"], run.head_sha, run.conclusion) == ("reopened", stage.repo.pull(1).head_sha, "success")


def test_a_pull_request_of_a_token_of_its_own_starts_its_checks(make_stage: Value) -> None:
    stage: Stage = make_stage({"opener.yml": OPENER, "train.yml": TRAIN})
    stage.repo.add_secret("OWN_TOKEN", stage.hub.person("machine", write_to=["acme/toy"]))
    stage.desk.commit("newer", {"value.txt": "2\n"})
    stage.repo.dispatch("opener.yml", actor="mona")
    stage.hub.wait_idle(60)
    assert stage.repo.pull(1).author == "machine"
    assert [(run.workflow, run.conclusion) for run in stage.repo.runs] == [("opener.yml", "success"), ("train.yml", "success")]


def test_a_merged_pull_request_stays_closed_and_a_taken_branch_cannot_be_opened_twice(make_stage: Value) -> None:
    stage: Stage = make_stage({})
    first = stage.pull("a", {"x": "1"})
    stage.repo.close(first)
    second = stage.repo.open_pull(head="a", title="a", author="mona")
    with pytest.raises(Refused, match="state cannot be changed"):
        stage.repo.reopen(first)
    stage.repo.merge(second, actor="mona")
    stage.repo.reopen(second)
    assert stage.repo.pull(second).state == "closed"
