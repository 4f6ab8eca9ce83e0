"""Pushes the starter to a branch of its own, whose tree is the starter and nothing else.

The starter holds workflow files. GitHub lets no job's own token push these: ``GH_TOKEN`` must be one that may write contents and
workflows. Without it git's own credentials count.
"""

from __future__ import annotations

import base64
import os
import subprocess
import tempfile
from pathlib import Path

from rehearse.baking import ROOT

from .errors import MakeError

AUTHOR = {"NAME": "starter", "EMAIL": "starter@users.noreply.github.com"}


def publish(folder: Path, remote: str, branch: str, repository: Path = ROOT) -> str | None:
    """The commit that was pushed on top of what the branch has, or ``None`` when it holds these bytes already.

    Raises:
        MakeError: there is no starter in ``folder``, or git refuses; then nothing is pushed.
    """
    if not (folder / "init.py").is_file():
        raise MakeError(f"{folder} is no starter; make it with `make starter`")
    with tempfile.TemporaryDirectory() as scratch:
        git = _Git(repository, folder, Path(scratch) / "index")
        git("add", "--all", "--force", ".")
        tree = git("write-tree")
        old = git("ls-remote", remote, f"refs/heads/{branch}").partition("\t")[0]
        if old:
            git("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", remote, old)
            if git("rev-parse", f"{old}^{{tree}}") == tree:
                return None
        message = f"Starter, made from {git('rev-parse', 'HEAD')}"
        commit = git("commit-tree", tree, *(("-p", old) if old else ()), "-m", message)
        git("push", "--quiet", remote, f"{commit}:refs/heads/{branch}")
        return commit


class _Git:
    """git in a repository, for the files of another folder: with an index of its own and without hooks."""

    def __init__(self, repository: Path, folder: Path, index: Path) -> None:
        found = subprocess.run(["git", "-C", str(repository), "rev-parse", "--absolute-git-dir"], capture_output=True, text=True)
        if found.returncode:
            raise MakeError(f"{repository} is not a git repository")
        who = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in AUTHOR.items()}
        where = {"GIT_DIR": found.stdout.strip(), "GIT_WORK_TREE": str(folder.resolve()), "GIT_INDEX_FILE": str(index)}
        self.environment = os.environ | who | where | _credentials() | {"GIT_TERMINAL_PROMPT": "0"}
        self.folder = folder

    def __call__(self, verb: str, *arguments: str) -> str:
        command = ["git", "-c", "core.hooksPath=/dev/null", "-c", "core.autocrlf=false", verb, *arguments]
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True, encoding="utf-8")
        if done.returncode:
            advice = "; set GH_TOKEN to one that may also write workflows" if "update workflow" in done.stderr else ""
            raise MakeError(f"git {verb}: {' '.join(done.stderr.split())}{advice}")
        return done.stdout.strip()


def _credentials() -> dict[str, str]:
    token = os.environ.get("GH_TOKEN")
    if not token:
        return {}
    secret = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    server = os.environ.get("GITHUB_SERVER_URL", "https://github.com")
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{server}/.extraheader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {secret}",
    }
