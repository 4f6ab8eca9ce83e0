"""The store is moved: one `dvc remote modify`, a new lock, a merge. Nothing is copied, and nothing stops."""

from __future__ import annotations

from pathlib import Path

import pytest

from .kit import Case, Scene

pytestmark = pytest.mark.slow


@pytest.fixture
def moved(scene: Scene, promoted: Case, tmp_path: Path) -> Case:
    """Versions 1 and 2 are in the git store; main says now that the store is a folder, with other libraries."""
    case = scene.case(promoted)
    config, lock = case.repository.read(".dvc/config") or "", case.repository.read("requirements/train.txt") or ""
    case.merge({".dvc/config": config.replace("../.dvc-store", str(tmp_path / "disk")), "requirements/train.txt": f"{lock}# moved\n"})
    case.do("git", "fetch", "-q", "origin", "main")
    case.do("git", "reset", "-q", "--hard", "FETCH_HEAD")
    return case


def test_the_first_promotion_stores_what_is_in_production_and_an_earlier_version_comes_from_where_it_was(
    moved: Case, tmp_path: Path
) -> None:
    before = moved.pointer() or {}
    moved.good("pipeline", "--pull", "--keep")
    moved.good("review.judge", "main")
    moved.good("registry.promote", GITHUB_RUN_ID="2")
    after = moved.pointer() or {}
    assert (after["version"], after["digest"]) == (before["version"], before["digest"])
    assert after["bundle"] == f"{tmp_path}/disk/bundles/{after['digest'].removeprefix('sha256:')}"
    assert Path(after["bundle"], "manifest.json").exists()
    moved.good("registry.rollback", GITHUB_RUN_ID="3")
    back = moved.pointer() or {}
    assert back["version"] == 1
    assert back["bundle"].startswith("refs/dvc/store:bundles/")
    assert [one.state for one in moved.repository.deployments[-1:]] == ["success"]


def test_a_rollback_right_after_the_move_needs_no_promotion(moved: Case) -> None:
    assert "production: version 2, " in (told := moved.good("registry.state"))
    assert "stored whole" in told
    assert "NOT IN THE STORE" not in told
    moved.good("registry.rollback", GITHUB_RUN_ID="2")
    assert (moved.pointer() or {})["version"] == 1
