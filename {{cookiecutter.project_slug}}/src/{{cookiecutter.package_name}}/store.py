"""The store: DVC objects and bundles by digest, in the ref ``refs/dvc/store`` of the git repository.

The ref is checked out as a worktree in ``.dvc-store``, which is DVC's remote. A plain clone does not download it.
Only promotion saves to it.

``python -m <package>.store``  opens it, so that `dvc pull` finds the promoted model
"""

import random
import shutil
import time
from pathlib import Path

from .errors import ProblemError, run
from .git import GitError, git, succeeds

REF = "refs/dvc/store"
FOLDER = Path(".dvc-store")
_AUTHOR = ("-c", "user.name=promotion", "-c", "user.email=promotion@users.noreply.github.com", "-c", "core.hooksPath=/dev/null")
_TRIES = 6


class StoreError(ProblemError):
    """The store cannot be read or written."""


def address(digest: str) -> str:
    """Where the bundle of a digest is stored, as written into pointer files."""
    return f"{REF}:bundles/{digest.removeprefix('sha256:')}"


def bundle_folder(digest: str, store: Path = FOLDER) -> Path:
    """The folder of a bundle in the opened store; it need not exist."""
    return store / "bundles" / digest.removeprefix("sha256:")


def open_store() -> Path:
    """Bring ``.dvc-store`` to the newest state of the store and return it. A repository without a store gets an empty one.

    Raises:
        StoreError: the remote cannot be reached.
    """
    commit = _fetch()
    if (FOLDER / ".git").exists():
        if commit:
            git("reset", "-q", "--hard", commit, cwd=FOLDER)
        return FOLDER
    shutil.rmtree(FOLDER, ignore_errors=True)
    git("worktree", "prune")
    git("worktree", "add", "-q", "--detach", str(FOLDER), commit or _empty())
    return FOLDER


def save(message: str) -> None:
    """Commit what was added to ``.dvc-store`` and push it. Other writers' objects are kept: the store only grows.

    Raises:
        StoreError: the remote refused the push or cannot be reached; nothing is lost, the call can be repeated.
    """
    for attempt in range(_TRIES):
        git("add", "--ignore-removal", ".", cwd=FOLDER)
        if not succeeds("diff", "--cached", "--quiet", cwd=FOLDER):
            git(*_AUTHOR, "commit", "-q", "-m", message, cwd=FOLDER)
        elif git("rev-parse", "HEAD", cwd=FOLDER) == _remote_commit():
            return
        try:
            git("push", "-q", "origin", f"HEAD:{REF}", cwd=FOLDER)
            return
        except GitError as error:
            if attempt == _TRIES - 1:
                raise StoreError(f"the store {REF} could not be pushed: {error}; run the same command again") from None
        time.sleep(random.uniform(0, 1 + attempt))
        commit = _fetch()
        if commit:  # a mixed reset keeps our files and takes the other writer's as the base to add to
            git("reset", "-q", commit, cwd=FOLDER)


def _remote_commit() -> str | None:
    try:
        line = git("ls-remote", "origin", REF)
    except GitError as error:
        raise StoreError(f"the store {REF} cannot be read: {error}; check the network and the rights to `origin`") from None
    return line.split()[0] if line else None


def _fetch() -> str | None:
    if "origin" not in git("remote").split() or not (commit := _remote_commit()):
        return None
    try:
        git("fetch", "-q", "--depth=1", "--no-tags", "origin", f"+{REF}:{REF}")
    except GitError as error:
        raise StoreError(f"the store {REF} cannot be fetched: {error}; run the same command again") from None
    return commit


def _empty() -> str:
    tree = git("mktree", stdin="")
    return git(*_AUTHOR, "commit-tree", tree, "-m", "Start of the store")


def main() -> None:
    """Open the store and say where it is."""
    print(f"the store {REF} is open in {open_store()}")


if __name__ == "__main__":
    run(main)
