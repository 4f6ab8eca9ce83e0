"""What an administrator sets up through REST: who may, what it does then, and what a plan or an account does not allow."""

from __future__ import annotations

import json
import subprocess

import pytest

from rehearse.values import Value

from .conftest import Stage

NONE = "on: workflow_call\njobs: {a: {runs-on: ubuntu-24.04, steps: [{run: 'true'}]}}\n"
CHECK = {"type": "required_status_checks", "parameters": {"required_status_checks": [{"context": "model review"}]}}
CHECK["parameters"] |= {"strict_required_status_checks_policy": False}
PULL = {"dismiss_stale_reviews_on_push": False, "require_code_owner_review": False, "require_last_push_approval": False}
PULL |= {"required_approving_review_count": 0, "required_review_thread_resolution": False}
QUEUE = {"check_response_timeout_minutes": 60, "grouping_strategy": "ALLGREEN", "max_entries_to_build": 1, "max_entries_to_merge": 1}
QUEUE |= {"merge_method": "MERGE", "min_entries_to_merge": 1, "min_entries_to_merge_wait_minutes": 0}
PLAY = """\
on: workflow_dispatch
permissions: write-all
jobs:
  act:
    runs-on: ubuntu-24.04
    env: {GH_TOKEN: "${{ github.token }}"}
    steps:
      - run: gh api -X PUT "repos/$GITHUB_REPOSITORY/environments/production" || echo refused
      - run: gh api -X POST "repos/$GITHUB_REPOSITORY/pulls" -f title=x -f head=other -f base=main || echo refused
"""


@pytest.fixture
def stage(make_stage: Value) -> Stage:
    made: Stage = make_stage({"none.yml": NONE})
    return made


@pytest.fixture
def admin(stage: Stage) -> str:
    return stage.hub.person("ada", write_to=["acme/toy"], admin=True)


def call(stage: Stage, token: str, method: str, path: str, body: Value = None) -> subprocess.CompletedProcess[str]:
    words = ("env", f"GH_TOKEN={token}", "gh", "api", "-X", method, f"repos/acme/toy/{path}")
    return stage.desk.run(*words, *(("--input", "-") if body is not None else ()), stdin=json.dumps(body), check=False)


def good(stage: Stage, token: str, method: str, path: str, body: Value = None) -> Value:
    done = call(stage, token, method, path, body)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout.strip() else None


def refused(stage: Stage, token: str, method: str, path: str, body: Value = None) -> str:
    done = call(stage, token, method, path, body)
    assert done.returncode, done.stdout
    return done.stderr


def ruleset(*rules: Value, **more: Value) -> Value:
    conditions = {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}}
    return {"name": "main", "target": "branch", "enforcement": "active", "conditions": conditions, "rules": list(rules)} | more


SETTINGS: list[tuple[str, str, Value]] = [
    ("POST", "rulesets", ruleset(CHECK)),
    ("PUT", "environments/production", {}),
    ("GET", "keys", None),
    ("POST", "keys", {"title": "x", "key": "ssh-ed25519 AAAA"}),
    ("GET", "actions/permissions/workflow", None),
    ("PUT", "actions/permissions", {"enabled": False}),
]


def test_settings_are_for_administrators(stage: Stage, admin: str) -> None:
    for method, path, body in SETTINGS:
        assert "Must have admin rights to Repository. (HTTP 403)" in refused(stage, stage.token, method, path, body)
        good(stage, admin, method, path, body)


def test_a_runs_token_sets_nothing_up_and_opens_pull_requests_only_where_that_is_allowed(make_stage: Value) -> None:
    stage: Stage = make_stage({"play.yml": PLAY})
    stage.desk.commit("other", {"x": "y"})
    stage.repo.state.actions.opens_pulls = False
    run = stage.repo.dispatch("play.yml", actor="mona")
    stage.hub.wait_idle(60)
    assert "Resource not accessible by integration (HTTP 403)" in run.text()
    assert "GitHub Actions is not permitted to create or approve pull requests. (HTTP 403)" in run.text()
    assert (stage.repo.state.environments, stage.repo.pulls) == ({}, {})


def test_a_rule_set_protects_the_branch(stage: Stage, admin: str) -> None:
    number = good(stage, admin, "POST", "rulesets", ruleset(CHECK))["id"]
    push = ("git", "push", "-q", "origin", "HEAD:main")
    stage.desk.run("git", "commit", "-q", "--allow-empty", "-m", "x")
    assert 'Required status check "model review" is expected.' in stage.desk.run(*push, check=False).stderr
    good(stage, admin, "PUT", f"rulesets/{number}", {"rules": [CHECK, {"type": "pull_request", "parameters": PULL}]})
    assert "Changes must be made through a pull request." in stage.desk.run(*push, check=False).stderr
    assert [one["type"] for one in good(stage, stage.token, "GET", "rules/branches/main")] == ["required_status_checks", "pull_request"]
    assert good(stage, stage.token, "GET", "rules/branches/other") == []
    sha = stage.desk.run("git", "rev-parse", "HEAD").stdout.strip()
    good(stage, admin, "PUT", f"rulesets/{number}", {"rules": [CHECK]})
    stage.desk.run("git", "push", "-q", "origin", "HEAD:refs/dvc/pending")
    good(stage, stage.token, "POST", f"statuses/{sha}", {"state": "success", "context": "model review"})
    stage.desk.run(*push)
    assert stage.repo.sha() == sha


def test_only_the_queue_changes_a_branch_that_has_one(stage: Stage, admin: str) -> None:
    stage.repo.state.organisation, stage.repo.state.plan = True, "enterprise"
    number = stage.pull("a", {"x": "y"})
    good(stage, admin, "POST", "rulesets", ruleset({"type": "merge_queue", "parameters": QUEUE}))
    assert "Changes must be made through the merge queue" in refused(stage, stage.token, "PUT", f"pulls/{number}/merge", {})
    stage.repo.land(number, stage.repo.merge_group(number))
    assert stage.repo.pull(number).merged


def test_a_merge_queue_is_for_organisations_in_public_or_with_the_right_plan(stage: Stage, admin: str) -> None:
    state, wanted = stage.repo.state, ruleset({"type": "merge_queue", "parameters": QUEUE})
    for organisation, plan, private in ((False, "team", True), (True, "team", True), (False, "free", False)):
        state.organisation, state.plan, state.private = organisation, plan, private
        assert "Invalid rule 'merge_queue': (HTTP 422)" in " ".join(refused(stage, admin, "POST", "rulesets", wanted).split())
    for name, plan, private in (("one", "enterprise", True), ("two", "free", False)):
        state.organisation, state.plan, state.private = True, plan, private
        good(stage, admin, "POST", "rulesets", wanted | {"name": name})


def test_a_free_plan_has_no_rule_sets_and_protects_no_environments_in_private(stage: Stage, admin: str) -> None:
    stage.repo.state.plan = "free"
    assert "Upgrade to GitHub Pro or make this repository public" in refused(stage, admin, "GET", "rulesets")
    assert "supports the wait timer protection rule. (HTTP 422)" in refused(
        stage, admin, "PUT", "environments/production", {"wait_timer": 5}
    )
    good(stage, admin, "PUT", "environments/production", {})
    stage.repo.state.private = False
    assert good(stage, admin, "GET", "rulesets") == []


WRONG: list[tuple[Value, str]] = [
    ({"rules": [{"type": "no_such_rule"}]}, "Invalid rule 'no_such_rule'"),
    ({"rules": [{"type": "pull_request", "parameters": {}}]}, "Invalid rule 'pull_request'"),
    ({"bypass_actors": [{"actor_type": "DeployKey", "actor_id": 1}]}, "Actor id is invalid"),
    ({"bypass_actors": [{"actor_type": "DeployKey", "actor_id": None, "bypass_mode": "pull_request"}]}, "Bypass actors is invalid"),
    ({"bypass_actors": [{"actor_type": "RepositoryRole", "actor_id": None}]}, "Actor id is invalid"),
]


def test_rule_sets_that_github_does_not_take(stage: Stage, admin: str) -> None:
    for change, why in WRONG:
        assert why in refused(stage, admin, "POST", "rulesets", ruleset() | change)
    assert stage.repo.state.rulesets == {}


def test_who_may_pass_is_told_to_administrators_alone(stage: Stage, admin: str) -> None:
    key = {"actor_type": "DeployKey", "actor_id": None, "bypass_mode": "always"}
    number = good(stage, admin, "POST", "rulesets", ruleset(CHECK, bypass_actors=[key]))["id"]
    assert good(stage, admin, "GET", f"rulesets/{number}")["bypass_actors"] == [key]
    assert "bypass_actors" not in good(stage, stage.token, "GET", f"rulesets/{number}")
    assert "Name must be unique" in refused(stage, admin, "POST", "rulesets", ruleset(CHECK))


def test_an_environment_is_replaced_and_lets_in_what_its_policies_say(stage: Stage, admin: str) -> None:
    own = {"protected_branches": False, "custom_branch_policies": True}
    path = "environments/production/deployment-branch-policies"
    good(stage, admin, "PUT", "environments/production", {"wait_timer": 5, "deployment_branch_policy": own})
    assert good(stage, admin, "GET", path)["branch_policies"] == []
    good(stage, admin, "POST", path, {"name": "main"})
    assert stage.repo.state.environments["production"].branches == ["main"]
    shown = good(stage, stage.token, "GET", "environments")["environments"][0]
    assert [rule["type"] for rule in shown["protection_rules"]] == ["wait_timer", "branch_policy"]
    good(stage, admin, "PUT", "environments/production", {})
    assert good(stage, stage.token, "GET", "environments/production")["protection_rules"] == []
    assert "HTTP 404" in refused(stage, admin, "GET", path)


def test_a_deployment_makes_its_environment(stage: Stage) -> None:
    good(stage, stage.token, "POST", "deployments", {"ref": "main", "environment": "staging", "required_contexts": []})
    assert [one["name"] for one in good(stage, stage.token, "GET", "environments")["environments"]] == ["staging"]


def test_what_gh_seals_is_the_secret_that_runs_get(stage: Stage) -> None:
    for length in (1, 31, 32, 33, 3000):  # around a block of the cipher, and many of them
        content = "x" * (length - 1) + "y"
        stage.desk.run("gh", "secret", "set", "promotion_key", "--repo", "acme/toy", stdin=content)
        assert stage.repo.state.secrets == {"PROMOTION_KEY": content}
    assert [one["name"] for one in good(stage, stage.token, "GET", "actions/secrets")["secrets"]] == ["PROMOTION_KEY"]


def test_names_of_secrets_are_for_those_who_write_and_boxes_must_open(stage: Stage) -> None:
    reader = stage.hub.person("rita")
    for path in ("actions/secrets", "actions/variables", "actions/secrets/public-key"):
        assert "HTTP 403" in refused(stage, reader, "GET", path)
    number = good(stage, stage.token, "GET", "actions/secrets/public-key")["key_id"]
    for sealed in ("AAAA", "A" * 88, "no base64"):
        assert "HTTP 422" in refused(stage, stage.token, "PUT", "actions/secrets/X", {"encrypted_value": sealed, "key_id": number})
    assert stage.repo.state.secrets == {}


def test_a_deploy_key_is_there_once(stage: Stage, admin: str) -> None:
    text = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHJlaGVhcnNhbA promotion"
    number = good(stage, admin, "POST", "keys", {"title": "promotion", "key": text, "read_only": False})["id"]
    assert "key is already in use" in refused(stage, admin, "POST", "keys", {"title": "again", "key": text})
    assert "key is invalid" in refused(stage, admin, "POST", "keys", {"title": "x", "key": "-----BEGIN"})
    good(stage, admin, "DELETE", f"keys/{number}")
    assert good(stage, admin, "GET", "keys") == []


def test_how_actions_are_set(stage: Stage, admin: str) -> None:
    path = "actions/permissions/workflow"
    good(stage, admin, "PUT", path, {"default_workflow_permissions": "write"})
    assert good(stage, admin, "GET", path) == {"default_workflow_permissions": "write", "can_approve_pull_request_reviews": True}
    forks = "actions/permissions/fork-pr-contributor-approval"
    assert "not allowed for private repositories" in refused(stage, admin, "GET", forks)
    stage.repo.state.private = False
    good(stage, admin, "PUT", forks, {"approval_policy": "all_external_contributors"})
    assert stage.repo.state.actions.fork_approval == "all_external_contributors"
    assert "must be one of" in refused(stage, admin, "PUT", forks, {"approval_policy": "nobody"})
