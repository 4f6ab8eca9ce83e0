"""Runs git. Network commands use the job's token when there is one, and git's own credentials otherwise."""

import base64
import os
import subprocess
from pathlib import Path

from . import ProblemError


class GitError(ProblemError):
    """A git command failed."""


def git(*args: str, cwd: str | Path | None = None, stdin: str | None = None) -> str:
    """Run git and return its standard output without the last line break.

    Raises:
        GitError: git is missing or the command failed; the text carries the command and git's last line.
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
        lines = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
        raise GitError(f"git {' '.join(args[:3])} failed: {lines[-1] if lines else f'exit {done.returncode}'}")
    return done.stdout


def succeeds(*args: str, cwd: str | Path | None = None) -> bool:
    """Whether a git command that answers by its exit code says yes."""
    try:
        git_bytes(*args, cwd=cwd)
    except GitError:
        return False
    return True


def show(revision: str, path: str, cwd: str | Path | None = None) -> bytes | None:
    """The content of ``path`` in ``revision``, or None where that revision has no such file."""
    if not succeeds("cat-file", "-e", f"{revision}:{path}", cwd=cwd):
        return None
    return git_bytes("cat-file", "blob", f"{revision}:{path}", cwd=cwd)


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
