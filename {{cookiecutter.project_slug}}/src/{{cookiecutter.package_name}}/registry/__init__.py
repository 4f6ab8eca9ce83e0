"""Promotes the judged bundle, and rolls back: the only code that writes ``models/*.yaml``, ``dvc.lock`` and the store.

Here: the commit to main, and GitHub's record of deployments.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from .. import ProblemError, github
from ..git import GitError, git, succeeds
from ..pointer import Pointer

STATUS = "model review"
_PENDING = "refs/dvc/pending"
_TRIES = 5
_MAIL = "41898282+github-actions[bot]@users.noreply.github.com"
_BOT = ("-c", "user.name=github-actions[bot]", "-c", f"user.email={_MAIL}", "-c", "core.hooksPath=/dev/null")


class PublishError(ProblemError):
    """Main did not take the commit."""


def actor() -> str:
    """Who started this: the job's actor, or git's user at home."""
    return os.environ.get("GITHUB_ACTOR") or git("config", "user.name")


def commit_to_main(files: list[str], message: str, branch: str = "main") -> None:
    """Commit ``files`` as they are here on top of the newest main and push; nothing happens where main has them so already.

    The commit gets the required status before it reaches main: this job judged its bundle, and a protected main takes
    no commit without it.

    Raises:
        PublishError: main refused the push (protected, no rights) or kept moving; main is unchanged then.
    """
    git("add", "-f", "--", *files)
    if succeeds("diff", "--cached", "--quiet"):
        return
    git(*_BOT, "commit", "-q", "-m", message)
    for attempt in range(_TRIES):
        _vouch(message.splitlines()[0])
        try:
            git("push", "-q", "origin", f"HEAD:refs/heads/{branch}")
            return
        except GitError as error:
            refusal = error
        git("fetch", "-q", "--no-tags", "origin", branch)
        if succeeds("merge-base", "--is-ancestor", "FETCH_HEAD", "HEAD"):
            break  # main did not move: the push was refused for another reason
        try:
            git(*_BOT, "rebase", "-q", "FETCH_HEAD")
        except GitError as error:
            git("rebase", "--abort")
            raise PublishError(f"somebody else changed {files[0]} on {branch} meanwhile ({error}); run the workflow again") from None
        time.sleep(attempt)
    raise PublishError(f"{branch} did not take the commit: {refusal}; give this workflow the right to push, then run it again")


def _vouch(description: str) -> None:
    """Make HEAD known to GitHub under a ref beside the branches, and give it the required status."""
    git("push", "-q", "--force", "origin", f"HEAD:{_PENDING}")
    github.send("POST", f"statuses/{git('rev-parse', 'HEAD')}", {"state": "success", "context": STATUS, "description": description[:140]})


@contextmanager
def deployment(environment: str, commit: str, pointer: Pointer) -> Iterator[None]:
    """A deployment of ``pointer`` that is in progress inside the block, and success or failure after it."""
    body = {
        "ref": commit,
        "environment": environment,
        "auto_merge": False,
        "required_contexts": [],
        "production_environment": environment == "production",
        "description": f"{pointer.model} version {pointer.version}",
        "payload": {"version": pointer.version, "digest": pointer.digest, "metrics": pointer.metrics},
    }
    number = github.send("POST", "deployments", body)["id"]
    _state(number, "in_progress")
    try:
        yield
    except BaseException:
        _state(number, "failure")
        raise
    _state(number, "success")


def _state(number: int, state: str) -> None:
    github.send("POST", f"deployments/{number}/statuses", {"state": state, "auto_inactive": True})
