"""A repository that `make github` set up: its rules hold for people, and promotion lives with them."""

from __future__ import annotations

import pytest

from .facts import deployments
from .kit import Case

pytestmark = pytest.mark.slow


def test_promotion_lives_with_the_rules_that_were_set_up(case: Case) -> None:
    state = case.repository.state
    state.protections.clear()
    admin = case.scene.hub.person("ada", write_to=[case.repository.full_name], admin=True)
    told = case.good("on_github", "--yes", GH_TOKEN=admin)
    assert "rule set 'model review': main cannot be deleted" in told
    unchecked = case.do("git", "commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "Unchecked")
    pushed = case.execute("git", "push", "origin", f"{unchecked}:refs/heads/main")
    assert 'Required status check "model review" is expected.' in pushed.stderr
    assert case.execute("git", "push", "origin", ":refs/heads/main").returncode, "main cannot be deleted"
    case.good("registry.promote")
    assert (case.pointer() or {})["version"] == 2
    assert [state for _, _, state in deployments(case)] == ["success", "success"]
    before = case.changes
    assert "Nothing was changed: what can be set is set" in case.good("on_github", "--yes", GH_TOKEN=admin)
    assert case.changes == before
