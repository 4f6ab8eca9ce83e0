"""A main that takes no push from a job: a person merges, or a deploy key may pass."""

from __future__ import annotations

import pytest

from .facts import deployments, digests, params_text, planned
from .kit import STATUS, Case, end_state

pytestmark = pytest.mark.slow


def _planned_for_pull_request(case: Case) -> list[str]:
    """What train.yml would plan for the pull request's merge commit."""
    case.do("git", "fetch", "-q", "origin", "promotion")
    head, merge = case.do("git", "rev-parse", "HEAD"), ("commit-tree", "FETCH_HEAD^{tree}", "-p", "HEAD", "-p", "FETCH_HEAD", "-m", "Merge")
    case.do("git", "reset", "-q", "--soft", case.do("git", *merge))
    planned = case.good("plan", "pull-request").split()
    case.do("git", "reset", "-q", "--soft", head)
    return planned


def test_protected_main_gets_a_pull_request_and_merging_it_deploys(case: Case) -> None:
    case.merge({"params.yaml": params_text(case).replace("push: direct", "push: pull-request")}, "Ask a person")
    _, two = digests(case)
    case.repository.protect("main", [STATUS], require_pull=True)
    case.fresh_clone()
    before = case.repository.sha("main")
    told = case.good("registry.promote")
    (number,) = case.repository.pulls
    assert f"pull request #{number}: Promote churn version 2; merging it deploys" in told
    assert case.repository.sha("main") == before, "nothing moves before a person merges"
    assert deployments(case) == [("staging", "promotion", "success"), ("production", "promotion", "queued")]
    case.good("registry.promote")
    assert list(case.repository.pulls) == [number], "run again, it is the same pull request"
    assert len(deployments(case)) == 2
    assert _planned_for_pull_request(case) == ["train=false", "test=false"], "its own workflows train nothing"
    unchecked = case.do("git", "commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "Unchecked")
    assert case.execute("git", "push", "-q", "origin", f"{unchecked}:refs/heads/main").returncode, "nobody pushes past the protection"
    case.repository.merge(number, actor="mona")
    assert (case.pointer() or {})["digest"] == two
    assert planned(case) == "promote=false", "nothing loops"
    case.good("registry.finish")
    assert deployments(case)[-1] == ("production", "promotion", "success")
    assert case.git("rev-parse", "churn@v2.0.0^{commit}") == case.git("rev-parse", "main")
    after = end_state(case)
    case.good("registry.finish")
    assert end_state(case) == after
    case.good("registry.rollback", GITHUB_RUN_ID="2")
    back = max(case.repository.pulls)
    assert case.repository.pulls[back].title.startswith("Roll production back to churn version 1")
    case.repository.merge(back, actor="mona")
    case.fresh_clone()
    case.good("registry.finish")
    assert deployments(case)[-1] == ("production", "rollback", "success")
    assert [one["version"] for one in (case.pointer() or {})["held"]] == [2]


SSH = """#!/bin/sh
# stands for ssh: takes the key and the host keys that it was given, then serves the repository itself
for word; do last=$word; done
test -s "$2" && test "$(stat -c %a "$2")" = 600 || exit 9
echo "$*" >> "$SSH_LOG"
exec sh -c "git-receive-pack $BARE"
"""


def test_a_deploy_key_pushes_and_nothing_loops(case: Case) -> None:
    """Without a real SSH server: the command, the key's file and the host keys are looked at, the bypass is GitHub's."""
    folder, log = case.folder / "bin", case.folder / "ssh.log"
    folder.mkdir()
    (folder / "ssh").write_text(SSH)
    (folder / "ssh").chmod(0o755)
    case.merge({"params.yaml": params_text(case).replace("push: direct", "push: deploy-key")}, "Use a key")
    case.repository.protect("main", [STATUS], require_pull=True)
    case.fresh_clone()
    done = case.run("registry.promote")
    assert "the secret PROMOTION_KEY is not set" in done.text
    path = f"{folder}:{case.scene.env(case.repository)['PATH']}"
    more = {"PATH": path, "SSH_LOG": str(log), "BARE": str(case.repository.git_dir), "PROMOTION_KEY": "not a real key"}
    case.good("registry.promote", **more)
    assert (case.pointer() or {})["version"] == 2
    assert "StrictHostKeyChecking=yes" in log.read_text()
    assert f"git@github.com git-receive-pack '{case.repository.full_name}.git'" in log.read_text()
    assert planned(case) == "promote=false", "the key's push starts the workflow; it finds nothing to do"
