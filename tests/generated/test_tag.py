"""The tag of a version: read by GTO, made once, and never moved."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from churn.pointer import Pointer
from churn.registry import tag
from churn.registry.tag import TagError

Git = Callable[..., str]
Commit = Callable[..., str]


def _pointer(version: int, model: str = "churn") -> Pointer:
    return Pointer(model, version, f"sha256:{version:064x}", "store", "0" * 40, "mona", pull_request=7)


@pytest.fixture
def promoted(git: Git, commit: Commit, tmp_path: Path) -> list[str]:
    """Two commits, one for each version, in a clone with an empty origin."""
    git("init", "-q", "--bare", str(tmp_path / "origin.git"))
    git("remote", "add", "origin", str(tmp_path / "origin.git"))
    return [commit("Promote churn version 1"), commit("Promote churn version 2")]


def _tool(name: str, *words: str) -> str:
    """Run a program of this environment."""
    done = subprocess.run([str(Path(sys.executable).with_name(name)), *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("model", "slug"), [("churn", "churn"), ("telco_churn.v2", "telco-churn-v2"), ("Churn", "churn"), ("--a__b--", "a-b")]
)
def test_a_models_name_in_tags(model: str, slug: str) -> None:
    assert tag.name(_pointer(12, model)) == f"{slug}@v12.0.0"


def test_gto_reads_the_versions(git: Git, promoted: list[str]) -> None:
    for version, at in enumerate(promoted, start=1):
        tag.ensure(_pointer(version), at)
    git("fetch", "-q", "--tags", "origin")
    assert _tool("gto", "show", "churn", "--ref").split() == ["churn@v2.0.0", "churn@v1.0.0"]
    history = _tool("gto", "history", "churn", "--plain")
    for version, at in enumerate(promoted, start=1):
        assert f"v{version}.0.0" in history
        assert at[:7] in history


def test_dvc_finds_a_versions_model_by_the_tag(git: Git, commit: Commit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    git("init", "-q", "--bare", str(tmp_path / "origin.git"))
    git("remote", "add", "origin", str(tmp_path / "origin.git"))
    artifact = "artifacts:\n  churn: {path: model.onnx, type: model}\n"
    for version in (1, 2):
        files = {"_dot_dvc__config": "", "dvc_dot_yaml": artifact, "model_dot_onnx": f"model {version}"}
        tag.ensure(_pointer(version), commit(f"Promote churn version {version}", **files))
    git("fetch", "-q", "--tags", "origin")
    _tool("dvc", "artifacts", "get", "-q", ".", "churn", "--rev", "v1.0.0", "-o", str(tmp_path / "got.onnx"))
    assert (tmp_path / "got.onnx").read_text() == "model 1"


def test_a_second_call_changes_nothing_and_leaves_no_ref_here(git: Git, promoted: list[str]) -> None:
    assert tag.ensure(_pointer(1), promoted[0]) == "churn@v1.0.0"
    before = git("ls-remote", "origin")
    assert tag.ensure(_pointer(1), promoted[0]) == "churn@v1.0.0"
    assert git("ls-remote", "origin") == before
    assert git("tag") == ""


def test_the_tag_says_what_it_is_and_is_the_same_object_from_any_clone_at_any_time(
    git: Git, promoted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tag.ensure(_pointer(1), promoted[0])
    before = git("ls-remote", "origin")
    git("push", "-q", "origin", ":refs/tags/churn@v1.0.0")
    git("config", "user.name", "Somebody else")
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2020-01-02T03:04:05+01:00")
    tag.ensure(_pointer(1), promoted[0])
    assert git("ls-remote", "origin") == before
    git("fetch", "-q", "--tags", "origin")
    assert git("cat-file", "-t", "churn@v1.0.0") == "tag"
    text = git("tag", "-l", "-n9", "churn@v1.0.0")
    assert "churn version 1 from pull request #7" in text
    assert _pointer(1).digest in text


@pytest.mark.parametrize("annotated", [True, False])
def test_a_tag_that_names_another_commit_is_refused(git: Git, promoted: list[str], annotated: bool) -> None:
    git("tag", *(["-a", "-m", "x"] if annotated else []), "churn@v1.0.0", promoted[1])
    git("push", "-q", "--tags", "origin")
    with pytest.raises(TagError, match=f"tag churn@v1.0.0 names {promoted[1]} and not {promoted[0]}, which promoted version 1; if"):
        tag.ensure(_pointer(1), promoted[0])


def test_two_versions_of_one_commit_are_refused_because_gto_could_read_nothing_then(git: Git, promoted: list[str]) -> None:
    tag.ensure(_pointer(1), promoted[0])
    with pytest.raises(TagError, match=r"carries the tag churn@v1\.0\.0"):
        tag.ensure(_pointer(2), promoted[0])
    assert "v2.0.0" not in git("ls-remote", "origin")


def test_a_model_whose_name_begins_alike_does_not_count(git: Git, promoted: list[str]) -> None:
    tag.ensure(_pointer(1, "churn-eu"), promoted[0])
    assert tag.ensure(_pointer(1), promoted[0]) == "churn@v1.0.0"


def test_an_origin_that_cannot_be_reached_is_one_line(git: Git, promoted: list[str]) -> None:
    git("remote", "set-url", "origin", "/nowhere")
    with pytest.raises(TagError, match=r"the tags of churn cannot be read: .*; run the workflow again") as caught:
        tag.ensure(_pointer(1), promoted[0])
    assert "\n" not in str(caught.value)


def test_an_origin_that_refuses_the_tag_is_one_line(git: Git, promoted: list[str], tmp_path: Path) -> None:
    hook = tmp_path / "origin.git/hooks/pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(TagError, match=r"origin did not take the tag churn@v1\.0\.0: .*; give this workflow") as caught:
        tag.ensure(_pointer(1), promoted[0])
    assert "\n" not in str(caught.value)
