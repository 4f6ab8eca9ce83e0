"""Who gets a role of a cloud: jobs that may ask GitHub who they are, and whose subject the role trusts."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from rehearse.values import Value

from ..local_s3 import READER, LocalS3, Role
from .conftest import Stage

ROLE = "arn:aws:iam::123456789012:role/reads"
WORKFLOW = """\
name: one
on: {workflow_dispatch: {}, pull_request: {}}
permissions: {}
jobs:
  only:
    runs-on: ubuntu-24.04
    permissions: {%s}
    steps:
      - uses: aws-actions/configure-aws-credentials@254c19bd240aabef8777f48595e9d2d7b972184b # v6.2.1
        with: {role-to-assume: "%s", aws-region: eu-west-1}
      - run: echo "as ${AWS_ACCESS_KEY_ID/-/ } in $AWS_REGION with ${#AWS_SESSION_TOKEN} characters"
"""
MAY = "contents: read, id-token: write"
GOT = f"as {READER.replace('-', ' ')} in eu-west-1 with 13 characters"


@pytest.fixture
def s3() -> Iterator[LocalS3]:
    with LocalS3() as server:
        yield server


def _play(make_stage: Value, s3: LocalS3, permissions: str, role: str = ROLE, subject: str = r"repo:acme@\d+/toy@\d+:.*") -> Stage:
    stage: Stage = make_stage({"one.yml": WORKFLOW % (permissions, role)})
    stage.world.extra_env["AWS_ENDPOINT_URL_STS"] = s3.url
    s3.claims, s3.roles = stage.hub.identity, {ROLE: Role(subject, READER)}
    return stage


def _log(stage: Stage) -> str:
    run = stage.repo.dispatch("one.yml", actor="mona")
    stage.hub.wait_idle(60)
    return f"{run.conclusion}\n{run.text()}"


def test_a_job_that_may_gets_the_keys_of_the_role(make_stage: Value, s3: LocalS3) -> None:
    log = _log(_play(make_stage, s3, MAY, subject=r"repo:acme@\d+/toy@\d+:ref:refs/heads/main"))
    assert log.startswith("success"), log
    assert re.search(GOT, log)


@pytest.mark.parametrize(
    ("permissions", "more", "message"),
    [
        ("contents: read", {}, "the job has no permission `id-token: write`"),
        (MAY, {"role": f"{ROLE}-not"}, "Not authorized to perform sts:AssumeRoleWithWebIdentity"),
        (MAY, {"subject": "repo:acme/toy:ref:refs/heads/main"}, "Not authorized to perform sts:AssumeRoleWithWebIdentity"),
    ],
    ids=["no permission", "unknown role", "a subject without numbers"],
)
def test_a_job_that_may_not_fails_with_the_reason(
    make_stage: Value, s3: LocalS3, permissions: str, more: dict[str, str], message: str
) -> None:
    log = _log(_play(make_stage, s3, permissions, **more))
    assert log.startswith("failure")
    assert message in log
    assert "as local" not in log


def test_a_pull_request_says_so_in_its_subject_and_a_fork_gets_nothing(make_stage: Value, s3: LocalS3) -> None:
    stage = _play(make_stage, s3, MAY, subject=r"repo:acme@\d+/toy@\d+:pull_request")
    stage.pull("mine", {"value.txt": "2\n"})
    stage.hub.wait_idle(60)
    stage.hub.fork("acme/toy", owner="mallory")
    token = stage.hub.person("mallory", write_to=["mallory/toy"])
    desk = type(stage.desk)(stage.world, stage.hub.repository("mallory/toy"), token, stage.desk.folder.parent / "fork")
    desk.commit("gift", {"value.txt": "3\n"})
    stage.repo.open_pull(head="mallory:gift", title="A gift", author="mallory")
    stage.hub.wait_idle(60)
    ours, theirs = sorted(stage.named("one.yml"), key=lambda run: run.id)
    assert (ours.conclusion, theirs.conclusion) == ("success", "failure"), ours.text()
    assert GOT in ours.text()
    assert "or its pull request comes from a fork" in theirs.text()
