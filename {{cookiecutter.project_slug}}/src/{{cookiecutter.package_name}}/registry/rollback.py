"""Puts an earlier version back: no training, no rebuild.

``python -m <package>.registry.rollback``  reads ENVIRONMENT (default ``production``) and VERSION (default ``previous``)
"""

import os
from pathlib import Path

from .. import ProblemError, bundle, pointer, run
from ..bundle import Scorer
from ..git import git, show
from ..history import Entry, entries
from ..plan import PROMOTED
from ..pointer import Held, Pointer
from . import actor, commit_to_main, deployment


class RollbackError(ProblemError):
    """A rollback cannot be done."""


def rollback(environment: str, wanted: str) -> Pointer:
    """Point ``environment`` at an earlier version and hold the digest it leaves; returns the new pointer.

    ``wanted`` is a version number or ``previous``. The version's ``dvc.lock`` and results come back with it.

    Raises:
        RollbackError: nothing was promoted, no such version, or it is what runs already.
        BundleError: the version's bundle in the store is missing or damaged.
    """
    path = Path(f"models/{environment}.yaml")
    now = pointer.read(path)
    if now is None:
        raise RollbackError(f"{path} does not exist: nothing was promoted to '{environment}' yet")
    target = _target(now, wanted, entries(path), environment)
    folder = pointer.bundle_folder(target.pointer.digest, pointer.open_store())
    Scorer(bundle.load(folder, target.pointer.digest)).check_golden()
    held = Held(now.version, now.digest, now.commit, f"rolled back by {actor()}")
    new = _restored(target.pointer, now, held)
    with deployment(environment, git("rev-parse", "HEAD"), new):
        pointer.write(path, new)
        _restore_files(target.recorded)
        commit_to_main([str(path), *(name for name in PROMOTED if Path(name).exists())], _message(new, now, environment))
    print(f"{environment} is back on version {new.version}, {new.digest}; version {now.version} is held")
    return new


def _target(now: Pointer, wanted: str, known: list[Entry], environment: str) -> Entry:
    if wanted == "previous":
        if now.previous is None:
            raise RollbackError(f"version {now.version} is the first in '{environment}': there is no previous one")
        number = now.previous.version
    elif wanted.isdigit():
        number = int(wanted)
    else:
        raise RollbackError(f"version {wanted!r} is neither a number nor 'previous'; for example VERSION=3")
    if number == now.version:
        raise RollbackError(f"'{environment}' is on version {number} already")
    for entry in known:
        if entry.pointer.version == number:
            return entry
    versions = sorted({entry.pointer.version for entry in known})
    raise RollbackError(f"'{environment}' never had version {number}; it had {', '.join(map(str, versions))}")


def _restored(old: Pointer, now: Pointer, held: Held) -> Pointer:
    others = tuple(item for item in now.held if item.digest not in (old.digest, held.digest))
    return Pointer(
        model=old.model,
        version=old.version,
        digest=old.digest,
        bundle=old.bundle,
        image=old.image,
        commit=old.commit,
        pull_request=old.pull_request,
        metrics=old.metrics,
        previous=old.previous,
        held=(*others, held),
        promoted_by=actor(),
    )


def _restore_files(recorded: str) -> None:
    for name in PROMOTED:
        if (content := show(recorded, name)) is not None:
            Path(name).write_bytes(content)


def _message(new: Pointer, left: Pointer, environment: str) -> str:
    return f"Roll {environment} back to {new.model} version {new.version}\n\n{new.digest}\nVersion {left.version} ({left.digest}) is held."


def main() -> None:
    """Roll back as the environment variables say."""
    rollback(os.environ.get("ENVIRONMENT") or "production", os.environ.get("VERSION") or "previous")


if __name__ == "__main__":
    run(main)
