"""How the starter is made and published."""

import subprocess
import sys
from pathlib import Path

import pytest

from starter.errors import MakeError
from starter.make import BANNER, STANDING_OUT, make, places
from starter.publish import publish

from ..conftest import BakedProject
from .conftest import contents


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True).stdout.strip()


def test_it_is_the_default_bake_with_a_note_and_the_program(made: BakedProject, default_bake: BakedProject) -> None:
    ours, theirs = contents(made), contents(default_bake)
    mode, readme = theirs["README.md"]
    assert {name: ours.pop(name)[0] & 0o777 for name in sorted(ours.keys() - theirs.keys())} == dict.fromkeys(
        [".starter/places.json", ".starter/rules.txt", "init.py"], 0o644
    )
    assert ours == theirs | {"README.md": (mode, BANNER.encode() + readme)}


def test_it_is_clean_by_the_rules_of_the_generated_repository(made: BakedProject) -> None:
    for words in (["check"], ["format", "--check"]):
        made.run(sys.executable, "-m", "ruff", *words, "--no-cache", ".")


def test_made_again_it_is_the_same_and_nothing_else_is_replaced(made: BakedProject, tmp_path: Path) -> None:
    other = made.copy(tmp_path / "starter")
    (other.root / "stale").touch()
    assert contents(BakedProject(make(other.root))) == contents(made)

    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/file").touch()
    with pytest.raises(MakeError, match="mine holds files that are no starter; name another folder"):
        make(tmp_path / "mine")
    assert (tmp_path / "mine/file").exists()


@pytest.mark.parametrize(
    ("plain", "marked", "words"),
    [("name: CHURN\n", "name: ZQPACKAGE_ZP\n", "a: writes an answer in a way"), ("one\n", "two\n", "a: writes an answer in a way")],
    ids=["capitals", "a word that depends on an answer"],
)
def test_a_way_to_write_an_answer_that_it_does_not_know_is_refused(tmp_path: Path, plain: str, marked: str, words: str) -> None:
    for name, text in {"plain": plain, "marked": marked}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").write_text(text)
    context = dict.fromkeys(STANDING_OUT, "churn")
    with pytest.raises(MakeError, match=words):
        places(tmp_path / "plain", tmp_path / "marked", context)
    (tmp_path / "marked/b").touch()
    with pytest.raises(MakeError, match="other answers make other files: b"):
        places(tmp_path / "plain", tmp_path / "marked", context)


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """A repository with a remote, standing for that of the template."""
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch", "main", "remote.git")
    git(tmp_path, "clone", "--quiet", "remote.git", "ours")
    git(tmp_path / "ours", "-c", "user.name=x", "-c", "user.email=x@localhost", "commit", "--quiet", "--allow-empty", "-m", "First")
    git(tmp_path / "ours", "push", "--quiet", "origin", "HEAD:main")
    return tmp_path / "ours"


def test_publishing_is_one_commit_and_the_same_bytes_are_none(starter: BakedProject, ours: Path, tmp_path: Path) -> None:
    (ours / ".git/info/exclude").write_text("*.csv\n")  # what its maker does not want to see is part of the starter all the same
    first = publish(starter.root, "origin", "starter", ours)
    assert first and publish(starter.root, "origin", "starter", ours) is None
    (starter.root / "Makefile").chmod(0o755)
    second = publish(starter.root, "origin", "starter", ours)
    assert publish(starter.root, "origin", "starter", ours) is None

    remote = tmp_path / "remote.git"
    assert git(remote, "log", "--format=%H", "starter").split() == [second, first]
    assert git(remote, "log", "-1", "--format=%s", "starter") == f"Starter, made from {git(ours, 'rev-parse', 'HEAD')}"
    assert git(remote, "rev-parse", "main") == git(ours, "rev-parse", "HEAD") and git(ours, "status", "--porcelain") == ""
    git(tmp_path, "clone", "--quiet", "--branch", "starter", str(remote), "button")
    assert contents(BakedProject(tmp_path / "button")) == contents(starter)
    assert not (starter.root / ".git").exists()


def test_what_git_refuses_is_one_line(starter: BakedProject, ours: Path, tmp_path: Path) -> None:
    hook = tmp_path / "remote.git/hooks/pre-receive"
    words = "refusing to allow a GitHub App to create or update workflow"
    hook.write_text(f"#!/bin/sh\necho {words} >&2; exit 1\n")
    hook.chmod(0o755)
    with pytest.raises(MakeError, match=rf"^git push: .*{words}.*; set GH_TOKEN to one that may also write workflows$"):
        publish(starter.root, "origin", "starter", ours)
    with pytest.raises(MakeError, match=r"^git ls-remote: .*nowhere.*$"):
        publish(starter.root, str(tmp_path / "nowhere"), "starter", ours)
    with pytest.raises(MakeError, match=r"ours is no starter; make it with `make starter`"):
        publish(ours, "origin", "starter", ours)
    assert git(tmp_path / "remote.git", "branch", "--list", "starter") == ""


def test_the_commands_end_with_a_line(tmp_path: Path) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "starter", *words], cwd=tmp_path, capture_output=True, text=True)

    done = run("publish", "there")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "error: there is no starter; make it with `make starter`\n")
    (tmp_path / "file").touch()
    assert run("make", ".").stderr.endswith("holds files that are no starter; name another folder\n")
