"""What a person reads when git fails: the line that says why, not the advice behind it."""

import subprocess
from pathlib import Path

import pytest
from churn.git import GitError, git


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone of an empty repository, with one commit that is not pushed yet."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(tmp_path / "origin")], check=True)
    subprocess.run(["git", "clone", "-q", str(tmp_path / "origin"), str(tmp_path / "clone")], check=True, capture_output=True)
    monkeypatch.chdir(tmp_path / "clone")
    git("-c", "user.name=Mona", "-c", "user.email=mona@localhost", "commit", "-q", "--allow-empty", "-m", "First commit")
    return tmp_path / "clone"


def test_a_clone_without_a_remote(clone: Path) -> None:
    git("remote", "remove", "origin")
    with pytest.raises(GitError, match=r"failed: fatal: 'origin' does not appear to be a git repository$"):
        git("fetch", "-q", "origin", "main")


def test_a_push_that_is_refused(clone: Path) -> None:
    hook = clone.parent / "origin/hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho main is protected >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(GitError, match=r"failed: ! \[remote rejected\] HEAD -> main \(pre-receive hook declined\)$"):
        git("push", "-q", "origin", "HEAD:main")


def test_a_command_that_says_one_thing(clone: Path) -> None:
    with pytest.raises(GitError, match=r"^git cat-file blob nothing failed: fatal: Not a valid object name nothing$"):
        git("cat-file", "blob", "nothing")
