"""Merges that arrive while a promotion or a rollback is under way: newest wins, nothing is lost."""

from __future__ import annotations

import pytest

from .facts import deployments, params_text, planned
from .kit import Case, Scene, end_state, with_param

pytestmark = pytest.mark.slow


def test_a_job_that_main_left_behind_says_so_and_stops(case: Case) -> None:
    before = end_state(case) | {"history": None, "tree": None}
    newer = case.merge({"params.yaml": with_param(params_text(case), "C", 0.25)}, "Tune again")
    told = case.good("registry.promote")
    assert f"stale: main moved on to {newer[:9]}, which has other inputs" in told
    assert end_state(case) | {"history": None, "tree": None} == before


def test_docs_that_are_merged_meanwhile_are_kept(case: Case) -> None:
    docs = case.merge({"NOTES.md": "a remark\n"}, "Docs")
    case.good("registry.promote")
    assert (case.pointer() or {})["version"] == 2
    assert case.git("rev-parse", "main~1") == docs
    assert case.repository.read("NOTES.md") == "a remark\n"


def test_a_merge_in_the_very_moment_of_the_promotion_makes_it_stale(case: Case) -> None:
    """Two more merges arrive when the job has done everything but the push: nothing of it reaches main, the run for the newest promotes."""
    newest = []

    def merge_twice() -> None:
        newest.extend(case.merge({"params.yaml": with_param(params_text(case), "C", value)}) for value in (0.25, 2.0))

    case.scene.hub.interrupt("push refs/heads/main", "before", merge_twice)
    before = case.pointer()
    told = case.good("registry.promote")
    assert f"stale: main moved on to {newest[-1][:9]}, which has other inputs" in told
    assert case.git("rev-parse", "main") == newest[-1]
    assert case.pointer() == before
    assert deployments(case)[:2] == [("staging", "promotion", "inactive"), ("production", "promotion", "failure")]
    assert deployments(case)[2:] == [("staging", "edit", "success"), ("production", "edit", "success")], "the records end where main is"
    assert planned(case) == "promote=true"


def test_docs_merged_in_the_very_moment_of_a_rollback_are_kept(scene: Scene, promoted: Case) -> None:
    case, docs = scene.case(promoted), []
    case.scene.hub.interrupt("push refs/heads/main", "before", lambda: docs.append(case.merge({"NOTES.md": "a remark\n"}, "Docs")))
    case.good("registry.rollback", GITHUB_RUN_ID="2")
    case.scene.hub.clear_faults()
    assert (case.pointer() or {})["version"] == 1
    assert case.git("rev-parse", "main~1") == docs[0]
    assert deployments(case)[-1] == ("production", "rollback", "success")
    case.forget()
