"""One environment, or three: each with a pointer and deployments of its own."""

from __future__ import annotations

import pytest

from .facts import deployments, params_text
from .kit import Case, kill_when

pytestmark = pytest.mark.slow


def _with_environments(case: Case, names: str) -> None:
    case.merge(
        {"params.yaml": params_text(case).replace("environments: [staging, production]", f"environments: [{names}]")}, "Environments"
    )
    case.fresh_clone()


def test_production_alone_is_rehearsed_before_its_pointer_moves(case: Case) -> None:
    _with_environments(case, "production")
    before = case.pointer()
    command = case.start("registry.promote")
    kill_when(command, lambda one: any(".serving" in line for line in one.children()), only=".serving")
    assert "error: the server does not start with the bundle" in command.wait().text
    assert case.pointer() == before
    case.good("registry.promote")
    assert (case.pointer() or {})["version"] == 2
    assert deployments(case) == [("production", "promotion", "success")]
    assert (case.pointer("staging") or {})["version"] == 1, "what is no environment any more stays as it is"
    assert (
        "there is no environment 'staging'; params.yaml: promotion.environments has production"
        in case.run("registry.rollback", ENVIRONMENT="staging").text
    )


def test_three_environments_in_their_order_each_with_a_pointer_of_its_own(case: Case) -> None:
    _with_environments(case, "staging, canary-1, production")
    told = case.good("registry.promote")
    assert "one answer over HTTP takes" in told, "staging has version 1 to time it beside"
    names = ("staging", "canary-1", "production")
    assert deployments(case) == [(name, "promotion", "success") for name in names]
    assert [(case.pointer(name) or {})["version"] for name in names] == [2, 2, 2]
    assert "'canary-1' never had version 1; it had 2" in case.run("registry.rollback", ENVIRONMENT="canary-1").text
    case.good("registry.rollback", ENVIRONMENT="staging", GITHUB_RUN_ID="2")
    assert [(case.pointer(name) or {})["version"] for name in names] == [1, 2, 2]
    assert deployments(case)[-1] == ("staging", "rollback", "success")
    state = case.good("registry.state")
    assert [line.partition(",")[0] for line in state.splitlines()[1:]] == [
        "staging: version 1", "canary-1: version 2", "production: version 2"
    ]  # fmt: skip
