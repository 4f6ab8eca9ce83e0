"""Main on GitHub: reads it as it is now, and puts commits on top of it.

Commits are built from objects alone, without the working tree and the index: a process that is killed leaves nothing half done here.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from .. import ProblemError, github
from ..commits import commit_on
from ..git import GitError, git, succeeds
from ..plan import changed_files, needs_training
from . import STATUS, protected

BRANCH = "main"
_PENDING = "refs/dvc/pending"
_TRIES = 5


class PublishError(ProblemError):
    """Main did not take the commit."""


def newest() -> str:
    """Fetch main and return its commit; raises GitError when it is out of reach."""
    try:
        git("fetch", "-q", "--no-tags", "origin", f"refs/heads/{BRANCH}")
    except GitError:
        if succeeds("remote", "get-url", "origin"):
            raise
        what = "nothing was pushed or promoted yet; README.md, First push, says how it begins"
        raise GitError(f"git has no remote `origin`: {what}") from None
    return git("rev-parse", "FETCH_HEAD")


def publish(
    files: Mapping[str, str],
    message: str,
    base: str,
    look_again: Callable[[str], None],
    push: str = "direct",
    beside: Callable[[str], Mapping[str, str]] = lambda _: {},
) -> bool:
    """Commit ``files`` on top of main and push; whether main has them now. It has not where a pull request asks a person to merge them.

    ``base`` is main as it was looked at. When it moved meanwhile, ``look_again`` gets its new commit and raises what stands against
    the promotion now. The commit gets the required status before it reaches main: this job judged its bundle, and a protected main
    takes no commit without it. ``push`` is ``params.yaml: promotion.push``. ``beside`` gives more files, made from the commit that they
    go on: those that people write too.

    Raises:
        PublishError: main refused the push (protected, no rights) or kept moving; main is unchanged then.
    """
    refusal = None
    for attempt in range(_TRIES):
        commit = commit_on(base, {**files, **beside(base)}, message)
        if commit == base:
            return True
        _vouch(commit, message.splitlines()[0])
        if push == "pull-request":
            return _propose(commit, message)
        try:
            _push(commit, push)
            return True
        except GitError as error:
            refusal = error
        moved = newest()
        if succeeds("merge-base", "--is-ancestor", commit, moved):
            return True  # the push arrived, its answer did not
        if moved == base:
            break  # refused for another reason than a newer main
        look_again(moved)
        base = moved
        time.sleep(attempt)
    raise PublishError(f"{BRANCH} did not take the commit: {refusal}; give this workflow the right to push, then run it again")


def _push(commit: str, push: str) -> None:
    if push == "deploy-key":
        protected.push_with_key(commit, BRANCH)
    else:
        git("push", "-q", "origin", f"{commit}:refs/heads/{BRANCH}")


def _propose(commit: str, message: str) -> bool:
    title, _, text = message.partition("\n\n")
    number = protected.propose(commit, BRANCH, title, f"{text}\n\nMerging this deploys it. It is kept up to date until then.")
    print(f"pull request #{number}: {title}; merging it deploys")
    return False


def follow(commit: str) -> None:
    """Bring the checked-out branch and its files to a commit of main that is ahead of it; other local changes are left alone.

    A clone stays where it is when main has other inputs there: its bundle would pass for the one that they make.
    """
    if not succeeds("merge-base", "--is-ancestor", "HEAD", commit):
        return
    files = changed_files("HEAD", commit)
    if needs_training(files):
        print(f"main is at {commit[:9]}, with other inputs than this clone; `git pull` brings it there")
        return
    present = [name for name in files if succeeds("cat-file", "-e", f"{commit}:{name}")]
    try:
        if present:
            git("checkout", "-q", commit, "--", *present)
        if gone := [name for name in files if name not in present]:
            git("rm", "-q", "-f", "--ignore-unmatch", "--", *gone)
        git("reset", "-q", "--soft", commit)
    except GitError as error:
        print(f"main is at {commit}; this clone is not yet, `git pull` brings it there ({error})")


def read(paths: list[str]) -> dict[str, str]:
    """The content of files of the working tree, by their paths."""
    return {name: Path(name).read_text(encoding="utf-8") for name in paths}


def _vouch(commit: str, description: str) -> None:
    """Make a commit known to GitHub under a ref beside the branches, and give it the required status."""
    git("push", "-q", "--force", "origin", f"{commit}:{_PENDING}")
    github.send("POST", f"statuses/{commit}", {"state": "success", "context": STATUS, "description": description[:140]})
