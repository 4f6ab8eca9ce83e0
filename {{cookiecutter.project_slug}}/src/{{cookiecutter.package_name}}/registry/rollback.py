"""Puts an earlier version back: no training, no rebuild.

``python -m <package>.registry.rollback``  reads ENVIRONMENT (default ``production``), VERSION (default ``previous``) and CONTRACT
(``refuse``, the default, or ``accept``: what to do with a version that present callers cannot use)
"""

import os

from .. import ProblemError, bundle, params, run, store
from ..history import Entry, entries
from ..pointer import Pointer
from . import PRODUCTION, actor, callers, deployments, main_branch, pointer_path, state
from .finish import finish
from .restore import restore


class RollbackError(ProblemError):
    """A rollback cannot be done."""


def rollback(environment: str, wanted: str, any_contract: bool = False) -> Pointer:
    """Point ``environment`` at an earlier version and hold the digest it leaves; returns the new pointer.

    ``wanted`` is a version number or ``previous``; one that callers of the present version cannot use is taken with ``any_contract``.
    In production the version's ``dvc.lock`` and results come back with it. A rollback that was cut off is finished by running it again;
    ``previous`` then does not go back a second time. Where a person has to merge it, the pointer stays until then.

    Raises:
        RollbackError: no such environment, nothing was promoted, no such version, it is what runs already, or callers cannot use it.
        BundleError, StoreError: the version's bundle in the store is missing or damaged; nothing is changed.
    """
    _known(environment, params.load().promotion.environments)
    path, main = pointer_path(environment), main_branch.newest()
    now = state.pointer_at(main, environment)
    if now is None:
        raise RollbackError(f"{path} does not exist: nothing was promoted to '{environment}' yet")
    if not _done(environment, now):
        target = _target(now, wanted, entries(path, main), environment)
        if not any_contract:
            _usable(target.pointer, now)
        if not restore(environment, target, now, main, f"rolled back by {actor()}"):
            return now
    new = state.pointer_at(finish(_order(environment)), environment) or now
    print(f"{environment} is back on version {new.version}, {new.digest}; held: version {', '.join(str(one.version) for one in new.held)}")
    return new


def _order(environment: str) -> tuple[str, ...]:
    """The environment that is waited for comes first."""
    return (environment, *(name for name in params.load().promotion.environments if name != environment))


def _done(environment: str, now: Pointer) -> bool:
    """Whether main has this very rollback already: one that was cut off, or this workflow run, run again."""
    newest = next(iter(deployments.recent(environment)), None)
    if newest is None or (newest.kind, newest.digest) != ("rollback", now.digest):
        return False
    return newest.is_open or (newest.run is not None and newest.run == deployments.run_id())


def _known(environment: str, environments: tuple[str, ...]) -> None:
    if environment not in environments:
        known = ", ".join(environments)
        raise RollbackError(f"there is no environment {environment!r}; params.yaml: promotion.environments has {known}")


def _usable(target: Pointer, now: Pointer) -> None:
    """Refuse a version that takes less, or answers otherwise, than callers of the present one count on."""
    there = bundle.load(store.find(target.digest, target.bundle), target.digest).contract
    try:
        here = bundle.load(store.find(now.digest, now.bundle), now.digest).contract
    except (bundle.BundleError, store.StoreError) as error:
        found = f"whether callers of version {now.version} can use version {target.version} cannot be said ({error})"
    else:
        if not (reasons := list(callers.problems(here, there))):
            return
        found = f"callers of version {now.version} cannot use version {target.version}: {'; '.join(reasons)}"
    raise RollbackError(f"{found}; nothing was changed. To go back all the same: CONTRACT=accept (rollback.yml: input 'contract')")


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


def main() -> None:
    """Roll back as the environment variables say."""
    environment, wanted, contract = (os.environ.get(name) for name in ("ENVIRONMENT", "VERSION", "CONTRACT"))
    if contract not in (None, "", "refuse", "accept"):
        raise RollbackError(f"contract {contract!r} is neither 'refuse' nor 'accept'; for example CONTRACT=accept")
    rollback(environment or PRODUCTION, wanted or "previous", contract == "accept")


if __name__ == "__main__":
    run(main)
