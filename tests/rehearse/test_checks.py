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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (with_job(f"{{runs-on: windows-latest, {RUN}}}"), "job only: runs-on windows-latest"),
        (with_job(f"{{runs-on: [self-hosted, gpu], {RUN}}}"), "several labels"),
        (with_job(f"{{{RUN}}}"), "runs-on is missing"),
        (with_job(f"{{runs-on: '${{{{ matrix.os }}}}', strategy: {{matrix: {{os: [ubuntu-24.04, macos-26]}}}}, {RUN}}}"), "runs-on macos-26"),
        (with_job("{runs-on: ubuntu-24.04, steps: [{uses: actions/checkout@v7}]}"), "not pinned by a full commit SHA"),
        (with_job(f"{{runs-on: ubuntu-24.04, steps: [{{uses: someone/thing@{SHA}}}]}}"), "no stand-in for someone/thing"),
        (with_job(f"{{runs-on: ubuntu-24.04, steps: [{{uses: actions/checkout@{SHA}, with: {{fetchdepth: 0}}}}]}}"), "has no input 'fetchdepth'; it has .*fetch-depth"),
        (with_job(f"{{runs-on: ubuntu-24.04, steps: [{{uses: actions/upload-artifact@{SHA}, with: {{name: x}}}}]}}"), "needs the input 'path'"),
        (with_job("{runs-on: ubuntu-24.04, steps: [{uses: ./.github/actions/mine}]}"), "has no action.yml in the commit"),
        (with_job("{runs-on: ubuntu-24.04, steps: [{uses: $/.github/actions/mine}]}"), "cannot be played"),
        (with_job("{runs-on: ubuntu-24.04, steps: [{uses: 'docker://alpine'}]}"), "needs containers"),
        (with_job(f"{{runs-on: ubuntu-24.04, services: {{db: {{image: x}}}}, {RUN}}}"), "'services:' needs containers"),
        (with_job(f"{{runs-on: ubuntu-24.04, container: x, {RUN}}}"), "'container:' needs containers"),
        (with_job(f"{{runs-on: ubuntu-24.04, timeout-minutes: 0.5, {RUN}}}"), "timeout-minutes is 0.5"),
        (with_job("{runs-on: ubuntu-24.04, steps: [{run: x, timeout-minutes: 1.5}]}"), "step 1 .*timeout-minutes is 1.5"),
        (with_job(f"{{runs-on: ubuntu-24.04, continue-on-error: true, {RUN}}}"), "continue-on-error"),
        (with_job(f"{{runs-on: ubuntu-24.04, permissions: {{contnets: read}}, {RUN}}}"), "permission 'contnets: read' does not exist"),
        (with_job("{uses: acme/other/.github/workflows/x.yml@main}"), "no stand-in"),
        (with_job("{uses: ./.github/workflows/missing.yml}"), "is not in the commit"),
        (with_job("{runs-on: ubuntu-24.04, steps: []}"), "has no steps"),
        (with_job(f"{{runs-on: ubuntu-24.04, {RUN}}}", "on: {push: {branches: [a], branches-ignore: [b]}}"), "both branches and branches-ignore"),
        (with_job(f"{{runs-on: ubuntu-24.04, {RUN}}}", "on: {push: {paths: ['!a']}}"), "only patterns that begin with '!'"),
        (with_job(f"{{runs-on: ubuntu-24.04, {RUN}}}", "on: {workflow_run: {types: [completed]}}"), "must list 'workflows'"),
        (with_job(f"{{runs-on: ubuntu-24.04, {RUN}}}", "on: psuh"), "no event GitHub knows: .'psuh'"),
        ("on: push\njobs: {}\n", "at least one job"),
        ("on: [push\n", "not valid YAML"),
    ],
)  # fmt: skip
def test_refusals(text: str, message: str) -> None:
    with pytest.raises(PlayError, match=message):
        check(text)


def test_a_playable_workflow_names_its_stand_ins() -> None:
    job = f"{{runs-on: ubuntu-24.04, steps: [{{uses: actions/checkout@{SHA}}}, {{uses: actions/cache/restore@{SHA}, with: {{path: a, key: b}}}}]}}"
    found = check(with_job(job)).found
    assert sorted(found) == [f"actions/cache@{SHA}", f"actions/checkout@{SHA}"]


def test_a_local_action_is_checked_too() -> None:
    action = "runs: {using: composite, steps: [{uses: actions/checkout@main}]}"
    with pytest.raises(PlayError, match=r"\./mine: step 1.*not pinned"):
        check(with_job("{runs-on: ubuntu-24.04, steps: [{uses: ./mine}]}"), {"mine/action.yml": action})


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
def test_permissions_of_a_job(
    workflow: dict[str, str] | None, job: dict[str, str] | None, fork: bool, expected: dict[str, str]
) -> None:
    assert effective(workflow, job, fork=fork) == expected


def test_permissions_of_several_jobs() -> None:
    both = union([{"contents": "read", "issues": "write"}, {"contents": "write"}])
    assert both == {"contents": "write", "issues": "write"}
    assert grants(both, (("contents", "read"),))
    assert grants({"issues": "write"}, (("pull-requests", "write"), ("issues", "write")))
    assert not grants({"contents": "read"}, (("contents", "write"),))
    assert read_permissions("read-all", "x")["actions"] == "read"  # type: ignore[index]


@pytest.mark.parametrize(
    "text",
    [
        "concurrency: {group: a, queue: max}\njobs:\n  b:\n    concurrency:\n      group: c\n      queue: max\n    steps: []\n",
        "concurrency:\n  group: a\n  queue: max  # why\n\njobs:\n  b: {concurrency: {queue: max, group: x}, steps: []}\n",
    ],
)
def test_the_copy_for_act_has_no_queue(text: str) -> None:
    before, after = yaml.safe_load(text), yaml.safe_load(without_queue(text))
    assert "queue" not in str(after)
    assert list(after["jobs"]["b"]) == list(before["jobs"]["b"])
    assert after["jobs"]["b"]["steps"] == []
