"""The whole loop on a toy: pull request, review, merge, promotion, rollback, forks."""

from __future__ import annotations

import pytest

from rehearse import Refused, RehearseError

from .conftest import Desk, Stage


def test_pull_request_becomes_a_promotion(toy: Stage) -> None:
    events: list[str] = []
    toy.hub.on_event(lambda event, data: events.append(event))
    toy.repo.protect("main", required_statuses=["model review"])
    number = toy.pull("raise", {"value.txt": "2\n"})
    toy.repo.auto_merge(number)
    toy.hub.wait_idle(60)

    assert [(run.workflow, run.event, run.conclusion) for run in toy.repo.runs] == [
        ("train.yml", "pull_request", "success"),
        ("review.yml", "workflow_run", "success"),
        ("promote.yml", "push", "success"),
    ]
    train, review, promote = toy.repo.runs
    assert train.jobs == {"train": "success"}
    assert train.summaries == ["trained 2\n"]
    assert review.jobs == {"judge": "success", "post": "success"}
    pull = toy.repo.pulls[number]
    assert (pull.state, pull.merged, pull.merge_commit_sha) == ("closed", True, toy.repo.sha("main"))
    assert promote.sha == pull.merge_commit_sha
    assert promote.started < review.ended, "the merge waited for the workflow that set the status"
    parents = toy.desk.run("git", f"--git-dir={toy.repo.git_dir}", "log", "-1", "--format=%P", "main").stdout.split()
    assert parents == [pull.base_sha, pull.head_sha]
    assert [(one.environment, one.state) for one in toy.repo.deployments] == [("production", "success")]
    assert toy.repo.read("models/production.yaml", "promoted") == "2\n"
    assert toy.hub.refused == []
    assert toy.hub.denied == []
    for event in ("run started", "job started", "job finished", "run finished", "merged", "comment created"):
        assert event in events


def test_second_push_edits_the_comment(toy: Stage) -> None:
    number = toy.pull("raise", {"value.txt": "2\n"})
    toy.hub.wait_idle(60)
    [first] = toy.repo.comments(number)
    assert first.body.startswith("candidate 2\n")
    assert first.author == "github-actions[bot]"
    sha = toy.desk.commit("raise", {"value.txt": "3\n"})
    toy.hub.wait_idle(60)
    [second] = toy.repo.comments(number)
    assert (second.id, second.edits) == (first.id, 1)
    assert second.body.startswith("candidate 3\n")
    assert [one.state for one in toy.repo.statuses(sha)] == ["success"]
    assert toy.repo.pulls[number].head_sha == sha


def test_a_fork_trains_without_secrets_and_is_reviewed(toy: Stage) -> None:
    toy.repo.add_secret("PROMOTION_TOKEN", "a-long-promotion-token")
    fork = toy.hub.fork("acme/toy", owner="mallory")
    token = toy.hub.person("mallory", write_to=["mallory/toy"])
    desk = Desk(toy.world, fork, token, toy.desk.folder.parent / "fork")
    desk.commit("gift", {"value.txt": "9\n"})
    number = toy.repo.open_pull(head="mallory:gift", title="gift", author="mallory")
    toy.hub.wait_idle(60)
    train, review = toy.repo.runs
    assert train.fork
    assert "secret is ''" in train.text()
    assert review.conclusion == "success"
    assert review.payload["workflow_run"]["pull_requests"] == []
    assert review.payload["workflow_run"]["head_repository"]["full_name"] == "mallory/toy"
    assert [one.body.splitlines()[0] for one in toy.repo.comments(number)] == ["candidate 9"]
    denied = desk.run("git", "push", "-q", toy.repo.url, "HEAD:refs/heads/mine", check=False)
    assert "Permission to acme/toy.git denied to mallory" in denied.stderr


def test_own_pull_request_gets_secrets_masked(toy: Stage) -> None:
    toy.repo.add_secret("PROMOTION_TOKEN", "a-long-promotion-token")
    toy.pull("raise", {"value.txt": "2\n"})
    toy.hub.wait_idle(60)
    assert "secret is '***'" in toy.named("train.yml")[0].text()
    for path in toy.world.logs.iterdir():
        assert "a-long-promotion-token" not in path.read_text(encoding="utf-8")


def test_protection_refuses_merge_and_pushes(toy: Stage) -> None:
    toy.repo.protect("main", required_statuses=["model review", "security"])
    number = toy.pull("raise", {"value.txt": "2\n"})
    with pytest.raises(Refused, match='"model review" is expected') as refusal:
        toy.repo.merge(number, actor="mona")
    assert refusal.value.status == 405
    direct = toy.desk.run("git", "push", "origin", "HEAD:main", check=False)
    assert "GH006: Protected branch update failed" in direct.stderr
    toy.repo.protect("main", required_statuses=[])
    forced = toy.desk.run("git", "push", "--force", "origin", "HEAD~1:main", check=False)
    assert forced.returncode == 0, "pushing the present commit is no force push"
    toy.desk.commit("main", {"value.txt": "5\n"}, "fine [skip ci]")
    forced = toy.desk.run("git", "push", "--force", "origin", "HEAD~1:main", check=False)
    assert "Cannot force-push to this branch" in forced.stderr
    toy.hub.wait_idle(60)


def test_dispatch_enforces_inputs_and_environments(toy: Stage) -> None:
    toy.repo.add_environment("production", branches=["main"], secrets={"DEPLOY_KEY": "12345678"})
    for inputs, message in (
        ({}, "Required input 'digest'"),
        ({"digest": "x", "environment": "moon"}, "not in the list"),
        ({"digset": "x"}, "Unexpected inputs"),
    ):
        with pytest.raises(Refused, match=message):
            toy.repo.dispatch("rollback.yml", inputs=inputs, actor="mona")
    with pytest.raises(Refused, match="workflow_dispatch"):
        toy.repo.dispatch("train.yml", actor="mona")
    run = toy.repo.dispatch("rollback.yml", inputs={"digest": "sha256:1"}, actor="mona")
    toy.hub.wait_idle(60)
    assert (run.conclusion, run.actor) == ("success", "mona")
    assert "back to sha256:1 with 8 characters" in run.text()
    other = toy.repo.dispatch("rollback.yml", inputs={"digest": "sha256:1", "environment": "staging"}, actor="mona")
    toy.hub.wait_idle(60)
    assert (other.conclusion, "name that environment" in other.message) == ("failure", True)
    toy.desk.commit("side", {"x": "y"})
    wrong = toy.repo.dispatch("rollback.yml", inputs={"digest": "1"}, actor="mona", ref="side")
    toy.hub.wait_idle(60)
    assert wrong.conclusion == "failure"
    assert "Branch 'side' is not allowed to deploy to production" in wrong.message


def test_merge_queue_plays_the_merged_commit(toy: Stage) -> None:
    number = toy.pull("raise", {"value.txt": "2\n"})
    toy.hub.wait_idle(60)
    merged = toy.repo.merge_group(number)
    toy.hub.wait_idle(60)
    run = toy.named("train.yml")[-1]
    assert (run.event, run.sha, run.conclusion) == ("merge_group", merged, "success")
    assert toy.repo.sha("main") != merged


def test_waiting_too_long_names_the_run(toy: Stage) -> None:
    toy.pull("raise", {"value.txt": "2\n"})
    with pytest.raises(RehearseError, match=r"still not idle.*train\.yml"):
        toy.hub.wait_idle(0.0)
    toy.hub.wait_idle(60)


def test_dispatch_through_gh(toy: Stage) -> None:
    toy.desk.run("gh", "workflow", "run", "rollback.yml", "-f", "digest=sha256:1")
    toy.hub.wait_idle(60)
    [run] = toy.named("rollback.yml")
    assert (run.conclusion, run.actor) == ("success", "mona")
    assert '"conclusion":"success"' in toy.desk.run("gh", "run", "list", "--json", "conclusion").stdout
    refused = toy.desk.run("gh", "workflow", "run", "rollback.yml", check=False)
    assert "Required input 'digest' not provided" in refused.stderr
