"""Labels of pull requests: who put them, what that starts, and with which rights."""

from __future__ import annotations

import json

import pytest

from rehearse import Refused
from rehearse.values import Value

from .conftest import Stage

CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1"
LABELLED = """\
name: labelled
on:
  pull_request_target: {types: [labeled, unlabeled, edited]}
permissions: {}
concurrency:
  group: g-${{ contains(github.event.pull_request.labels.*.name, 'go') && 'judge' || github.run_id }}
jobs:
  act:
    if: github.event.label.name == 'go' || contains(github.event.pull_request.labels.*.name, 'go')
    runs-on: ubuntu-24.04
    permissions: {contents: read, issues: read, statuses: write}
    env: {GH_TOKEN: "${{ github.token }}", HEAD: "${{ github.event.pull_request.head.sha }}"}
    steps:
      - uses: %s # v7.0.1
        with: {persist-credentials: false}
      - run: gh api "repos/$GITHUB_REPOSITORY/statuses/$HEAD" -f state=success -f context="$(cat value.txt)" --silent
      - run: gh api "repos/$GITHUB_REPOSITORY/issues/${{ github.event.pull_request.number }}/events" --silent
      - run: gh api "repos/$GITHUB_REPOSITORY/issues/${{ github.event.pull_request.number }}/labels" -f 'labels[]=by-run' || echo refused
"""
BY_RUN = """\
name: by-run
on: workflow_dispatch
permissions: {}
jobs:
  act:
    runs-on: ubuntu-24.04
    permissions: {pull-requests: write}
    env: {GH_TOKEN: "${{ github.token }}"}
    steps:
      - run: gh api "repos/$GITHUB_REPOSITORY/issues/1/labels" -f 'labels[]=go'
      - run: gh api -X PATCH "repos/$GITHUB_REPOSITORY/pulls/1" -f body=changed
"""


@pytest.fixture
def stage(make_stage: Value) -> Stage:
    """A repository whose pull requests from a fork change the file that the workflow reads."""
    made: Stage = make_stage({"labelled.yml": LABELLED % CHECKOUT, "by-run.yml": BY_RUN})
    return made


def _fork_pull(stage: Stage) -> int:
    stage.hub.fork("acme/toy", owner="mallory")
    token = stage.hub.person("mallory", write_to=["mallory/toy"])
    desk = type(stage.desk)(stage.world, stage.hub.repository("mallory/toy"), token, stage.desk.folder.parent / "fork")
    evil = LABELLED.replace("labeled", "labeled, opened") % CHECKOUT
    desk.commit("gift", {"value.txt": "forged\n", ".github/workflows/labelled.yml": evil})
    return stage.repo.open_pull(head="mallory:gift", title="gift", author="mallory")


def _events(stage: Stage, number: int) -> list[tuple[str, str, str]]:
    found = json.loads(stage.desk.run("gh", "api", f"repos/acme/toy/issues/{number}/events").stdout)
    assert [one["id"] for one in found] == sorted(one["id"] for one in found)
    assert all(one["created_at"].endswith("Z") and one["actor"]["type"] == "User" for one in found)
    return [(one["event"], one["label"]["name"], one["actor"]["login"]) for one in found]


def test_a_label_plays_the_default_branch_with_its_rights(stage: Stage) -> None:
    """The fork's workflow and files have no say, and the run may write."""
    number = _fork_pull(stage)
    stage.hub.wait_idle(60)
    assert stage.repo.runs == []
    stage.repo.label(number, "go", actor="mona")
    stage.hub.wait_idle(60)
    [run] = stage.repo.runs
    assert (run.event, run.ref, run.conclusion) == ("pull_request_target", "refs/heads/main", "success"), run.text()
    [status] = stage.repo.statuses(stage.repo.pull(number).head_sha)
    assert status.context == "1", "main's value.txt, not the fork's"


def test_other_labels_do_nothing_and_wait_for_nobody(stage: Stage) -> None:
    number = stage.pull("a", {"x": "y"})
    stage.repo.label(number, "bug", actor="mona")
    stage.hub.wait_idle(60)
    [run] = stage.repo.runs
    assert run.conclusion == "skipped"
    assert run.groups[0].name == f"g-{run.id}"


def test_editing_counts_while_the_label_is_there(stage: Stage) -> None:
    number = stage.pull("a", {"x": "y"})
    stage.repo.edit_pull(number, "mona", body="why")
    stage.repo.label(number, "go", actor="mona")
    stage.hub.wait_idle(60)
    stage.repo.edit_pull(number, "mona", body="because")
    stage.repo.edit_pull(number, "mona", body="because")
    stage.hub.wait_idle(60)
    assert [(run.payload["action"], run.conclusion) for run in stage.repo.runs] == [
        ("edited", "skipped"),
        ("labeled", "success"),
        ("edited", "success"),
    ]
    assert {run.groups[0].name for run in stage.repo.runs[1:]} == {"g-judge"}


def test_events_tell_who_did_what(stage: Stage) -> None:
    number = stage.pull("a", {"x": "y"})
    stage.repo.label(number, "bug", actor="terry")
    stage.repo.label(number, "bug", actor="mona")
    stage.repo.unlabel(number, "bug", actor="mona")
    stage.desk.run("gh", "api", f"repos/acme/toy/issues/{number}/labels", "-f", "labels[]=bug")
    with pytest.raises(Refused, match="Label does not exist"):
        stage.repo.unlabel(number, "other", actor="mona")
    stage.hub.wait_idle(60)
    assert _events(stage, number) == [("labeled", "bug", "terry"), ("unlabeled", "bug", "mona"), ("labeled", "bug", "mona")]


def test_what_a_run_does_starts_nothing(stage: Stage) -> None:
    number = stage.pull("a", {"x": "y"})
    assert number == 1
    stage.repo.dispatch("by-run.yml", actor="mona")
    stage.hub.wait_idle(60)
    assert [(run.workflow, run.conclusion) for run in stage.repo.runs] == [("by-run.yml", "success")]
    assert stage.repo.pull(number).labels == ["go"]
    assert stage.repo.pull(number).body == "changed"
    assert stage.repo.pull(number).events[0].actor == "github-actions[bot]"


def test_a_run_needs_the_right_to_label(stage: Stage) -> None:
    number = stage.pull("a", {"x": "y"})
    stage.repo.label(number, "go", actor="mona")
    stage.hub.wait_idle(60)
    assert stage.repo.pull(number).labels == ["go"]
    assert any(entry["what"].endswith("/labels") for entry in stage.hub.denied)


@pytest.mark.parametrize("login", ["mona", "rita"])
def test_who_may_write(stage: Stage, login: str) -> None:
    stage.hub.person("rita")
    found = json.loads(stage.desk.run("gh", "api", f"repos/acme/toy/collaborators/{login}/permission").stdout)
    assert found["permission"] == {"mona": "write", "rita": "read"}[login]
