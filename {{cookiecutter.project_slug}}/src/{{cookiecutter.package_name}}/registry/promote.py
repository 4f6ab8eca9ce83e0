"""Promotes the bundle in ``models/bundle`` when main's review of it says *promote*.

``python -m <package>.registry.promote``  (``make promote``)
Every step looks at the state first, so that a run that was cut off can be repeated: the bundle is stored before any
pointer names it, it has answered on a real server, and the pointer files change in one commit.
"""

import hashlib
from functools import partial
from pathlib import Path

import msgspec

from .. import bundle, params, pointer, run, store
from ..pointer import Pointer
from . import PRODUCTION, actor, deployments, main_branch, origin, overlay, pointer_path, release, state, steps, trust
from .finish import finish


def promote() -> None:
    """Store, rehearse, register and publish the judged bundle. One that is in production or held is not promoted again.

    A run whose inputs main has left behind says so and stops; the run for main's newest inputs promotes.

    Raises:
        TrustError: the bundle is not the one that was judged, reviewed or made from main, or the review does not say *promote*.
        ChangedError, StoreError, SmokeError, PublishError: a step failed; main names what it named before.
        FinishError: production does not answer with the bundle; it was rolled back.
    """
    settings = params.load().promotion
    here, main = steps.head(), main_branch.newest()
    if reason := state.stale(here, main):
        print(f"stale: {reason}")
        return
    made = bundle.load(Path("models/bundle"))
    judged = trust.judged(made.digest)
    now = state.pointer_at(main, PRODUCTION)
    if now and made.digest in (now.digest, *(item.digest for item in now.held)):
        _note(now, made, here, main, settings)
    else:
        try:
            _register(made, judged, now, main, settings)
        except steps.StaleError as stale:
            print(f"stale: {stale}")
    finish(settings.environments)


def _register(made: bundle.Bundle, judged: trust.Judged, now: Pointer | None, main: str, settings: params.Promotion) -> None:
    trust.made_from_main(made)
    found = origin.read()
    difference = trust.as_reviewed(made, found)
    if difference:
        print(f"::warning::not the model that was reviewed ({found.reviewed}): {difference}; {made.digest} was judged again")
    if judged.champion != (now.digest if now else None):
        there = now.digest if now else "nothing"
        raise steps.ChangedError(f"the review compared with {judged.champion}, but production is on {there} now; run the workflow again")
    folder = steps.stored(made)
    new = _pointer(made, judged, found, now, main)
    before = settings.environments[:-1]
    for environment in before:
        steps.rehearsed(environment, new, folder, main)
    if not before:
        steps.answers(PRODUCTION, new, folder, main)
    new = steps.imaged(new, folder, settings)
    release.prepare(new, folder, steps.CARD, trust.REVIEW)
    waits = settings.push == "pull-request"
    with steps.failing(deployments.begin(PRODUCTION, new, new.commit, "promotion", "queued" if waits else "in_progress")):
        steps.recorded(new, settings, _message(new, found, difference), main)
    print(f"{'proposed' if waits else 'promoted'} {new.model} version {new.version}\n{pointer.dump(new)}")


def _note(now: Pointer, made: bundle.Bundle, here: str, main: str, settings: params.Promotion) -> None:
    """Write down that main's inputs give a bundle that is known already, so that the next push need not find out again."""
    digest = made.digest
    if now.digest == digest:
        why, commit, new = f"is version {now.version}, in production already", now.commit, _kept(now, made, here, settings)
    else:
        why = "is held since it was rolled back; a pull request that edits the pointer lifts it"
        commit = next(item.commit for item in now.held if item.digest == digest)
        held = tuple(msgspec.structs.replace(item, commit=here) if item.digest == digest else item for item in now.held)
        new = msgspec.structs.replace(now, held=held)
    print(f"{digest} {why}: not promoted")
    if new.image == now.image and steps.known_inputs(commit, here):
        return
    trust.made_from_main(made)
    trust.as_reviewed(made, origin.read())

    def look_again(moved: str) -> None:
        if state.pointer_at(moved, PRODUCTION) != now:
            raise steps.ChangedError("production was changed by somebody else meanwhile; run the workflow again")

    message = f"Note that {here[:9]} makes a known bundle\n\n{digest} {why}."
    pointers = {PRODUCTION: new} | (_on_same(new, main, settings.environments) if new.image != now.image else {})
    files = {pointer_path(name).as_posix(): pointer.dump(one) for name, one in pointers.items()}
    overlays = partial(overlay.changed, environments=tuple(pointers), new=new)
    main_branch.publish(files, message, main, look_again, settings.push, overlays)


def _kept(now: Pointer, made: bundle.Bundle, here: str, settings: params.Promotion) -> Pointer:
    """The pointer of the bundle that stays in production.

    It is stored again where the store was moved meanwhile (its new libraries were the new inputs), and gets an image where images are
    wanted since it was promoted.
    """
    address = store.configured().address(made.digest)
    if address != now.bundle:
        steps.stored(made)
    new = msgspec.structs.replace(now, commit=here, bundle=address)
    return new if now.image else steps.imaged(new, store.configured().bundle(made.digest), settings)


def _on_same(new: Pointer, main: str, environments: tuple[str, ...]) -> dict[str, Pointer]:
    """The pointers of the other environments that are on the same digest, with its image."""
    found = {name: state.pointer_at(main, name) for name in environments if name != PRODUCTION}
    return {name: msgspec.structs.replace(one, image=new.image) for name, one in found.items() if one and one.digest == new.digest}


def _pointer(made: bundle.Bundle, judged: trust.Judged, found: origin.Origin, now: Pointer | None, main: str) -> Pointer:
    return Pointer(
        model=made.manifest.model,
        version=steps.version(made.digest, main),
        digest=made.digest,
        bundle=store.configured().address(made.digest),
        commit=steps.head(),
        lock_digest="sha256:" + hashlib.sha256(trust.LOCK.read_bytes()).hexdigest(),
        data_digest=made.manifest.data_digest,
        pull_request=found.pull_request,
        metrics=judged.metrics,
        previous=pointer.Previous(now.version, now.digest) if now else None,
        override=judged.override,
        held=now.held if now else (),
        promoted_by=actor(),
    )


def _message(new: Pointer, found: origin.Origin, difference: str | None) -> str:
    source = f"the candidate of pull request #{found.pull_request}" if found.pull_request else f"commit {new.commit[:9]}"
    lines = [f"Promote {new.model} version {new.version}", "", f"{new.digest}", f"Made from {source}."]
    if new.override:
        lines.append(f"Against the gates, by {new.override.by}: {new.override.reason}")
    if difference:
        lines.append(f"Not the model that was reviewed ({found.reviewed}): {difference}; judged again.")
    return "\n".join(lines)


if __name__ == "__main__":
    run(promote)
