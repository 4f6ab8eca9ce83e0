"""What is refused before it is played."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from rehearse import PlayError
from rehearse.actions.checks import Checker
from rehearse.actions.standins import BUILT_IN, StandIns
from rehearse.actions.tree import Tree
from rehearse.actions.workflow import parse, without_queue
from rehearse.github.permissions import effective, grants, read_permissions, union

SHA = "3d3c42e5aac5ba805825da76410c181273ba90b1"


class Files(Tree):
    """A tree made of a dictionary."""

    def __init__(self, files: dict[str, str]) -> None:
        super().__init__(Path(), "")
        object.__setattr__(self, "held", files)

    def read(self, path: str) -> str | None:
        return dict(self.held).get(path)  # type: ignore[attr-defined]


def check(text: str, files: dict[str, str] | None = None) -> Checker:
    """Check a workflow given as text."""
    checker = Checker(Files(files or {}), StandIns((BUILT_IN,)))
    checker.check(parse(".github/workflows/one.yml", text))
    return checker


def with_job(job: str, top: str = "on: push") -> str:
    return f"{top}\njobs:\n  only: {job}\n"


RUN = "steps: [{run: 'true'}]"
ON = "runs-on: ubuntu-24.04"
MATRIX = f"{{runs-on: '${{{{ matrix.os }}}}', strategy: {{matrix: {{os: [ubuntu-24.04, macos-26]}}}}, {RUN}}}"


def with_step(step: str) -> str:
    """A workflow of one step."""
    return with_job(f"{{{ON}, steps: [{{{step}}}]}}")


def plain(more: str = "", top: str = "on: push") -> str:
    """A playable workflow with something added to the job or the top."""
    return with_job(f"{{{ON}, {more}{RUN}}}", top)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (with_job(f"{{runs-on: windows-latest, {RUN}}}"), "job only: runs-on windows-latest"),
        (with_job(f"{{runs-on: [self-hosted, gpu], {RUN}}}"), "several labels"),
        (with_job(f"{{{RUN}}}"), "runs-on is missing"),
        (with_job(MATRIX), "runs-on macos-26"),
        (with_step("uses: actions/checkout@v7"), "not pinned by a full commit SHA"),
        (with_step(f"uses: someone/thing@{SHA}"), "no stand-in for someone/thing"),
        (with_step(f"uses: actions/checkout@{SHA}, with: {{fetchdepth: 0}}"), "no input 'fetchdepth'; .*fetch-depth"),
        (with_step(f"uses: actions/upload-artifact@{SHA}, with: {{name: x}}"), "needs the input 'path'"),
        (with_step("uses: ./.github/actions/mine"), "has no action.yml in the commit"),
        (with_step("uses: $/.github/actions/mine"), "cannot be played"),
        (with_step("uses: 'docker://alpine'"), "needs containers"),
        (plain("services: {db: {image: x}}, "), "'services:' needs containers"),
        (plain("container: x, "), "'container:' needs containers"),
        (plain("timeout-minutes: 0.5, "), "timeout-minutes is 0.5"),
        (with_step("run: x, timeout-minutes: 1.5"), "step 1 .*timeout-minutes is 1.5"),
        (plain("continue-on-error: true, "), "continue-on-error"),
        (plain("permissions: {contnets: read}, "), "permission 'contnets: read' does not exist"),
        (with_job("{uses: acme/other/.github/workflows/x.yml@main}"), "no stand-in"),
        (with_job("{uses: ./.github/workflows/missing.yml}"), "is not in the commit"),
        (with_job("{runs-on: ubuntu-24.04, steps: []}"), "has no steps"),
        (plain(top="on: {push: {branches: [a], branches-ignore: [b]}}"), "both branches and branches-ignore"),
        (plain(top="on: {push: {paths: ['!a']}}"), "only patterns that begin with '!'"),
        (plain(top="on: {workflow_run: {types: [completed]}}"), "must list 'workflows'"),
        (plain(top="on: psuh"), "no event GitHub knows: .'psuh'"),
        ("on: push\njobs: {}\n", "at least one job"),
        ("on: [push\n", "not valid YAML"),
    ],
)  # fmt: skip
def test_refusals(text: str, message: str) -> None:
    with pytest.raises(PlayError, match=message):
        check(text)


def test_a_playable_workflow_names_its_stand_ins() -> None:
    steps = f"uses: actions/checkout@{SHA}}}, {{uses: actions/cache/restore@{SHA}, with: {{path: a, key: b}}"
    found = check(with_step(steps)).found
    assert sorted(found) == [f"actions/cache@{SHA}", f"actions/checkout@{SHA}"]


def test_a_local_action_is_checked_too() -> None:
    action = "runs: {using: composite, steps: [{uses: actions/checkout@main}]}"
    with pytest.raises(PlayError, match=r"\./mine: step 1.*not pinned"):
        check(with_step("uses: ./mine"), {"mine/action.yml": action})


@pytest.mark.parametrize("name", StandIns((BUILT_IN,)).names())
def test_stand_ins_are_composite_and_described(name: str) -> None:
    for path in (BUILT_IN / name.replace("/", "__")).rglob("action.yml"):
        action = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert action["runs"]["using"] == "composite"
        assert "stand-in" in action["name"]


@pytest.mark.parametrize(
    ("workflow", "job", "fork", "expected"),
    [
        (None, None, False, {"contents": "read", "packages": "read"}),
        ({}, None, False, {}),
        ({"contents": "write"}, None, False, {"contents": "write"}),
        ({"contents": "write"}, {"issues": "read"}, False, {"issues": "read"}),
        ({"contents": "write", "issues": "read"}, None, True, {"contents": "read", "issues": "read"}),
    ],
)
def test_permissions_of_a_job(workflow: dict[str, str] | None, job: dict[str, str] | None, fork: bool, expected: dict[str, str]) -> None:
    assert effective(workflow, job, fork=fork) == expected


def test_permissions_of_several_jobs() -> None:
    both = union([{"contents": "read", "issues": "write"}, {"contents": "write"}])
    assert both == {"contents": "write", "issues": "write"}
    assert grants(both, (("contents", "read"),))
    assert grants({"issues": "write"}, (("pull-requests", "write"), ("issues", "write")))
    assert not grants({"contents": "read"}, (("contents", "write"),))
    assert read_permissions("read-all", "x")["actions"] == "read"  # type: ignore[index]


BLOCK = """\
concurrency: {group: a, queue: max}
jobs:
  b:
    concurrency:
      group: c
      queue: max
    steps: []
"""
FLOW = """\
concurrency:
  group: a
  queue: max  # why

jobs:
  b: {concurrency: {queue: max, group: x}, steps: []}
"""


@pytest.mark.parametrize("text", [BLOCK, FLOW])
def test_the_copy_for_act_has_no_queue(text: str) -> None:
    before, after = yaml.safe_load(text), yaml.safe_load(without_queue(text))
    assert "queue" not in str(after)
    assert list(after["jobs"]["b"]) == list(before["jobs"]["b"])
    assert after["jobs"]["b"]["steps"] == []
