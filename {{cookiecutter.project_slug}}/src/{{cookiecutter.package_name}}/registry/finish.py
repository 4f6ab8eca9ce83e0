"""Finishes what main says: every environment's deployment ends, and production gets its tag, release and message.

``python -m <package>.registry.finish``  also takes up what a run that was cut off left (``make finish``); safe to run again
"""

import os

from .. import ProblemError, bundle, params, run, store
from ..bundle import BundleError
from ..history import entries
from ..pointer import Pointer
from . import PRODUCTION, deployments, main_branch, notify, overlay, pointer_path, release, smoke, state, steps, trust
from .restore import restore
from .smoke import SmokeError


class FinishError(ProblemError):
    """What main names does not work."""


def finish(environments: tuple[str, ...]) -> str:
    """Bring overlays, deployments and production's release in line with main's pointers; returns main's commit.

    Raises:
        FinishError: a server does not answer with what main names. A promotion to production was then rolled back.
        ReleaseError, TagError: production answers, but its release could not be completed; running again does that.
    """
    main = _aligned(main_branch.newest(), environments)
    main_branch.follow(main)
    waiting = _waiting(main)
    for environment in environments:
        prove(environment, main, waiting)
    _released(main)
    return main


def _aligned(main: str, environments: tuple[str, ...]) -> str:
    """Main with overlays that name what its pointers name: somebody may have edited one of the two."""
    if not (wrong := overlay.behind(main, environments)):
        return main
    push = params.load().promotion.push
    if push == "pull-request":  # its one branch may be waiting for another answer
        print(f"::warning::{', '.join(wrong)}: does not run the `image` of its pointer in models/; bring it there in a pull request")
        return main
    message = "Bring the overlays to what the pointers name"
    main_branch.publish({}, message, main, lambda _: None, push, lambda commit: overlay.behind(commit, environments))
    return main_branch.newest()


def _waiting(main: str) -> set[str]:
    """Digests whose pull request waits for a person (``promotion.push: pull-request``)."""
    if params.load().promotion.push != "pull-request":
        return set()
    now = state.pointer_at(main, PRODUCTION)
    queued = {one.digest for one in deployments.recent(PRODUCTION) if one.state == "queued"}
    return queued - ({now.digest} if now else set())


def prove(environment: str, main: str, waiting: set[str] | frozenset[str] = frozenset()) -> None:
    """End the deployment of the bundle that main names: with success once a server answered with it, else with failure.

    Deployments of other bundles that an earlier run left open have failed; what is ``waiting`` for a person is left as it is.
    """
    now, known = state.pointer_at(main, environment), deployments.recent(environment)
    if any(one.digest in waiting for one in known):
        return
    for one in known:
        if one.is_open and (now is None or one.digest != now.digest):
            deployments.cut_off(environment, one)
    ours = [one for one in known if now and one.digest == now.digest]
    if now is None or (known and known[0] in ours and known[0].state == "success"):
        return
    kind: deployments.Kind = ours[0].kind if ours else "edit"
    number = deployments.begin(environment, now, main, kind, known=ours)
    try:
        _answers(environment, now)
    except (SmokeError, BundleError) as error:
        deployments.end(number, "failure", str(error))
        _back_out(environment, now, main, kind, str(error))
    except ProblemError as error:
        deployments.end(number, "failure", str(error))
        raise
    if environment == PRODUCTION and kind in ("promotion", "rollback"):
        notify.send(kind, trust.REVIEW, now, main)
    deployments.end(number, "success")
    print(f"{environment}: version {now.version}, {now.digest}, answers")


def _answers(environment: str, now: Pointer) -> None:
    folder = store.find(now.digest, now.bundle)
    smoke.check(folder, now.digest)
    if address := os.environ.get(f"{environment.upper().replace('-', '_')}_URL"):
        smoke.check_deployed(address.rstrip("/"), bundle.load(folder, now.digest))


def _released(main: str) -> None:
    """Tag and release of what production names, at the commit that promoted it first."""
    now = state.pointer_at(main, PRODUCTION)
    if now is None or now.lock_digest is None:  # promoted before releases were made: nobody kept its card and review
        return
    same = [entry for entry in entries(pointer_path(PRODUCTION), main) if entry.pointer.digest == now.digest]
    release.ensure(now, same[-1].recorded, store.find(now.digest, now.bundle), steps.CARD, trust.REVIEW)


def _back_out(environment: str, now: Pointer, main: str, kind: deployments.Kind, reason: str) -> None:
    """Roll a promotion to production back that does not work there; a rollback or an edit of a person is only reported."""
    if kind != "promotion" or environment != PRODUCTION or now.previous is None:
        raise FinishError(f"{environment}: version {now.version} does not work: {reason}; it stays until you roll back (rollback.yml)")
    before = now.previous.digest
    target = next((entry for entry in entries(pointer_path(environment), main) if entry.pointer.digest == before), None)
    if target is None:
        raise FinishError(f"{environment}: version {now.version} does not work: {reason}; the history has no {before} to go back to")
    # Whatever its contract: nobody can have changed over to a version that never answered.
    done = restore(environment, target, now, main, f"rolled back by itself: {reason}"[:300])
    back = f"version {target.pointer.version}"
    if done:
        commit = main_branch.newest()
        main_branch.follow(commit)
        prove(environment, commit)
    how = f"it was rolled back to {back} and is held" if done else f"merge the pull request that goes back to {back}"
    raise FinishError(f"{environment}: version {now.version} does not work: {reason}; {how}")


def main() -> None:
    """Finish what main names."""
    finish(params.load().promotion.environments)


if __name__ == "__main__":
    run(main)
