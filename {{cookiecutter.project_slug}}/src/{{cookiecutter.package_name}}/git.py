"""Runs git. Network commands use the job's token when there is one, and git's own credentials otherwise."""

import base64
import io
import os
import subprocess
from pathlib import Path

from . import ProblemError


class GitError(ProblemError):
    """A git command failed."""


def git(*args: str, cwd: str | Path | None = None, stdin: str | None = None) -> str:
    """Run git and return its standard output without the last line break.

    Raises:
        GitError: git is missing or the command failed; the text carries the command and the line of git that says why.
    """
    return git_bytes(*args, cwd=cwd, stdin=stdin).decode("utf-8", "replace").rstrip("\n")


def git_bytes(*args: str, cwd: str | Path | None = None, stdin: str | None = None) -> bytes:
    """Like :func:`git`, with the output as it came: for the content of files."""
    try:
        done = subprocess.run(
            ["git", *args],
            cwd=cwd,
            input=stdin.encode() if stdin is not None else None,
            capture_output=True,
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_PAGER": "cat", **_credentials()},
        )
    except FileNotFoundError:
        raise GitError("git is not installed or not on PATH; install git and try again") from None
    if done.returncode:
        raise GitError(f"git {' '.join(args[:3])} failed: {_reason(done.stderr) or f'exit {done.returncode}'}")
    return done.stdout


def _reason(words: bytes) -> str | None:
    """The line that says why: a refused ref, else the first fatal one, else the last. Advice stands behind it."""
    lines = [line.strip() for line in words.decode("utf-8", "replace").splitlines() if line.strip()]
    telling = [line for mark in ("! [", "fatal:") for line in lines if line.startswith(mark)]
    return next(iter([*telling, *lines[-1:]]), None)


def succeeds(*args: str, cwd: str | Path | None = None) -> bool:
    """Whether a git command that answers by its exit code says yes."""
    try:
        git_bytes(*args, cwd=cwd)
    except GitError:
        return False
    return True


def show(revision: str, path: str, cwd: str | Path | None = None) -> bytes | None:
    """The content of ``path`` in ``revision``, or None where that revision has no such file."""
    try:
        return git_bytes("cat-file", "blob", f"{revision}:{path}", cwd=cwd)
    except GitError:
        if succeeds("cat-file", "-e", f"{revision}:{path}", cwd=cwd):
            raise
        return None


def show_each(commits: list[str], path: str) -> list[bytes | None]:
    """The same for many commits, which one process reads."""
    asked = "".join(f"{commit}:{path}\n" for commit in commits)
    answer, found = io.BytesIO(git_bytes("cat-file", "--batch", stdin=asked)), []
    for _ in commits:
        *_, last = answer.readline().split()  # object, kind and size, or the name and "missing"
        found.append(None if last == b"missing" else answer.read(int(last) + 1)[:-1])
    return found


def _credentials() -> dict[str, str]:
    """The token as one-process configuration: neither on a command line nor left in .git/config."""
    token, server = os.environ.get("GH_TOKEN"), os.environ.get("GITHUB_SERVER_URL")
    if not token or not server:
        return {}
    basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{server}/.extraheader",
        "GIT_CONFIG_VALUE_0": f"AUTHORIZATION: basic {basic}",
    }
