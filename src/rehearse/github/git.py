"""Git plumbing on bare repositories."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from ..errors import RehearseError

ZERO = "0" * 40
HOOK = r"""#!/bin/sh
# $1 ref, $2 old, $3 new; the two variables come from the server
zero=0000000000000000000000000000000000000000
reason=$(printf '%s\n' "$REHEARSE_DECLINED" | sed -n "s|^$1	||p")
if [ -n "$reason" ]; then
  echo "error: GH006: Protected branch update failed for $1." >&2
  echo "error: $reason" >&2
  exit 1
fi
if printf '%s\n' "$REHEARSE_LINEAR" | grep -qxF "$1" && [ "$2" != $zero ]; then
  if [ "$3" = $zero ] || ! git merge-base --is-ancestor "$2" "$3"; then
    echo "error: GH006: Protected branch update failed for $1." >&2
    echo "error: Cannot force-push to this branch" >&2
    exit 1
  fi
fi
"""


def git(folder: Path, *arguments: str, env: dict[str, str] | None = None, check: bool = True) -> str:
    """Run git in ``folder`` and return what it printed, stripped.

    Raises ``RehearseError`` with git's message when it fails and ``check`` holds.
    """
    done = subprocess.run(["git", *arguments], cwd=folder, env=env or plain_env(), capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise RehearseError(f"git {' '.join(arguments)} failed in {folder}: {done.stderr.strip()}")
    return done.stdout.strip() if done.returncode == 0 else ""


def plain_env() -> dict[str, str]:
    """Environment for the hub's own git: no user or system configuration."""
    who = {
        f"GIT_{role}_{part}": value
        for role in ("AUTHOR", "COMMITTER")
        for part, value in (("NAME", "GitHub"), ("EMAIL", "noreply@github.com"))
    }
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.devnull,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "LANG": "C.UTF-8",
        **who,
    }


def make_bare(folder: Path, default_branch: str) -> None:
    """Create the bare repository that GitHub would keep."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "--bare", f"--initial-branch={default_branch}")
    configure_bare(folder)


def configure_bare(folder: Path) -> None:
    """Set what the HTTP server needs, and the hook that guards protected branches."""
    for key, value in (
        ("uploadpack.allowAnySHA1InWant", "true"),
        ("uploadpack.allowFilter", "true"),
        ("http.receivepack", "true"),
        ("gc.auto", "0"),
        ("transfer.hideRefs", "refs/rehearse"),
    ):
        git(folder, "config", key, value)
    hook = folder / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(HOOK, encoding="utf-8")
    hook.chmod(0o755)


def refs(folder: Path) -> dict[str, str]:
    """All refs with the object each names."""
    lines = git(folder, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    return dict(line.split(" ", 1) for line in lines)


def resolve(folder: Path, name: str) -> str | None:
    """Commit that ``name`` (sha, branch, tag or full ref) stands for, or None."""
    for candidate in (name, f"refs/heads/{name}", f"refs/tags/{name}"):
        found = git(folder, "rev-parse", "--verify", "-q", "--end-of-options", f"{candidate}^{{commit}}", check=False)
        if found:
            return found
    return None


def is_ancestor(folder: Path, older: str, newer: str) -> bool:
    """Whether ``older`` can be reached from ``newer``."""
    return (
        subprocess.run(
            ["git", "merge-base", "--is-ancestor", older, newer],
            cwd=folder,
            env=plain_env(),
            capture_output=True,
            check=False,
        ).returncode
        == 0
    )


def merge_base(folder: Path, one: str, other: str) -> str:
    """Best common ancestor, empty when the histories are unrelated."""
    return git(folder, "merge-base", one, other, check=False)


def merge(folder: Path, base: str, head: str, message: str) -> str | None:
    """Make a two-parent merge commit without a work tree; None on conflict."""
    done = subprocess.run(
        ["git", "merge-tree", "--write-tree", base, head],
        cwd=folder,
        env=plain_env(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return None
    return git(folder, "commit-tree", done.stdout.splitlines()[0], "-p", base, "-p", head, "-m", message)


def squash(folder: Path, base: str, head: str, message: str) -> str | None:
    """Make a one-parent commit with the merged tree; None on conflict."""
    merged = merge(folder, base, head, message)
    return merged and git(folder, "commit-tree", f"{merged}^{{tree}}", "-p", base, "-m", message)


def update_ref(folder: Path, ref: str, new: str) -> None:
    """Point ``ref`` at ``new``."""
    git(folder, "update-ref", ref, new)


def changed_files(folder: Path, old: str, new: str) -> list[str]:
    """Paths that differ between two commits; all of ``new`` when ``old`` is nothing."""
    if old == ZERO:
        return git(folder, "ls-tree", "-r", "--name-only", "-z", new).strip("\0").split("\0")
    text = git(folder, "diff", "--name-only", "-z", "--no-renames", old, new)
    return [path for path in text.split("\0") if path]


def tree_files(folder: Path, commit: str, under: str) -> list[str]:
    """Paths of the files of ``commit`` below ``under``."""
    text = git(folder, "ls-tree", "-r", "-z", "--name-only", commit, "--", under)
    return [path for path in text.split("\0") if path]


def read_file(folder: Path, commit: str, path: str) -> bytes | None:
    """Content of one file of a commit, None when it is not there."""
    done = subprocess.run(["git", "cat-file", "blob", f"{commit}:{path}"], cwd=folder, env=plain_env(), capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


def commits_between(folder: Path, old: str, new: str) -> list[dict[str, str]]:
    """Commits of ``old..new``, oldest first: sha, message, author name and mail."""
    span = new if old == ZERO else f"{old}..{new}"
    text = git(folder, "log", "--reverse", "--format=%H%x1f%B%x1f%an%x1f%ae%x1e", "--max-count=250", span)
    rows = [row.strip("\n").split("\x1f") for row in text.split("\x1e") if row.strip()]
    return [dict(zip(("sha", "message", "name", "email"), row, strict=True)) for row in rows]


def make_tag_object(folder: Path, content: str) -> str:
    """Store an annotated tag object and return its id. Raises ``RehearseError`` when it is malformed."""
    done = subprocess.run(["git", "mktag"], cwd=folder, env=plain_env(), input=content, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RehearseError(f"git mktag failed in {folder}: {done.stderr.strip()}")
    return done.stdout.strip()
