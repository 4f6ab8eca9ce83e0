"""The pointer files ``models/<environment>.yaml``, and the store that holds what they name.

A pointer says which version must run where. The store holds DVC's objects and bundles by digest, in the ref
``refs/dvc/store`` of the git repository: a plain clone does not download it; opened, it is the worktree ``.dvc-store``,
DVC's remote. Only promotion and rollback write either.

``python -m <package>.pointer``  opens the store, so that `dvc pull` finds the promoted model
"""

import os
import random
import shutil
import time
from pathlib import Path
from typing import Annotated, Any

import msgspec
import yaml

from . import ProblemError, run
from .git import GitError, git, succeeds

DIGEST = r"^sha256:[0-9a-f]{64}$"
COMMIT = r"^[0-9a-f]{40}$"
Digest = msgspec.Meta(pattern=DIGEST)
Commit = msgspec.Meta(pattern=COMMIT)


class PointerError(ProblemError):
    """A pointer file cannot be read."""


class Previous(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The version that a promotion replaced."""

    version: int
    digest: Annotated[str, Digest]


class Held(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A digest that was rolled back: promotion skips it until a reviewed change takes it off this list."""

    version: int
    digest: Annotated[str, Digest]
    commit: Annotated[str, Commit]
    reason: str


class Override(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who promoted a version against the gates, and why."""

    by: str
    reason: str


class Pointer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What must run in one environment.

    ``bundle`` says where the bundle is stored, ``commit`` is the commit of main whose pipeline made it, ``image`` the
    container image by digest where one is built.
    """

    model: str
    version: Annotated[int, msgspec.Meta(ge=1)]
    digest: Annotated[str, Digest]
    bundle: str
    commit: Annotated[str, Commit]
    promoted_by: str
    image: str | None = None
    pull_request: int | None = None
    metrics: dict[str, float] = {}
    previous: Previous | None = None
    override: Override | None = None
    held: tuple[Held, ...] = ()


def parse(text: str, where: str) -> Pointer:
    """Read a pointer from YAML text; ``where`` names its origin in errors.

    Raises:
        PointerError: the text is no YAML, or a field is missing, unknown or malformed.
    """
    try:
        return msgspec.convert(yaml.safe_load(text), Pointer)
    except (yaml.YAMLError, msgspec.ValidationError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise PointerError(f"{where} is not a pointer file: {reason}; restore it with `git checkout` or `git revert`") from None


def read(path: Path) -> Pointer | None:
    """The pointer in a file, or None where nothing was promoted yet."""
    if not path.exists():
        return None
    return parse(path.read_text(encoding="utf-8"), str(path))


def write(path: Path, pointer: Pointer) -> None:
    """Write a pointer file in one go: a reader sees the old one or the new one."""
    text = "# Written by promotion and rollback. `git log -p` on this file is the history of this environment.\n"
    text += yaml.safe_dump(_plain(pointer), sort_keys=False, allow_unicode=True, width=120)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


def _plain(pointer: Pointer) -> dict[str, Any]:
    first = ("model", "version", "digest", "bundle", "image", "commit", "pull_request", "metrics", "previous", "override", "held")
    fields = msgspec.to_builtins(pointer)
    return {name: fields[name] for name in (*first, "promoted_by") if name != "override" or fields[name]}


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


def save_store(message: str) -> None:
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
        time.sleep(random.uniform(0, 1 + attempt))  # noqa: S311 - two writers must only not meet again
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
