"""Puts an environment back on an earlier version, with the lock and results that came with it. No training, no rebuild."""

from functools import partial

from .. import bundle, params, pointer, store
from ..git import show
from ..history import Entry
from ..plan import PROMOTED
from ..pointer import Held, Pointer
from ..scorer import Scorer
from . import PRODUCTION, actor, deployments, main_branch, overlay, pointer_path, state, steps


def restore(environment: str, target: Entry, now: Pointer, main: str, reason: str) -> bool:
    """Point ``environment`` and its overlay at ``target`` and hold the digest that it leaves, in one commit; whether main has it now.

    The deployment that records it is left in progress: it ends when the version has answered. Where a person has to merge the commit
    (``promotion.push: pull-request``), it waits for that.

    Raises:
        BundleError, StoreError: the version's bundle is missing in the store or damaged; nothing is changed.
    """
    digest = target.pointer.digest
    Scorer(bundle.load(store.find(digest, target.pointer.bundle), digest)).check_golden()
    new = restored(target.pointer, now, Held(now.version, now.digest, now.commit, reason))
    files = {pointer_path(environment).as_posix(): pointer.dump(new)}
    if environment == PRODUCTION:
        kept = {name: show(target.recorded, name) for name in PROMOTED}
        files |= {name: content.decode("utf-8") for name, content in kept.items() if content is not None}

    def look_again(moved: str) -> None:
        if state.pointer_at(moved, environment) != now:
            raise steps.ChangedError(f"{environment} was changed by somebody else meanwhile; look at it, then run the rollback again")

    push = params.load().promotion.push
    with steps.failing(deployments.begin(environment, new, main, "rollback", "queued" if push == "pull-request" else "in_progress")):
        overlays = partial(overlay.changed, environments=(environment,), new=new)
        return main_branch.publish(files, _message(new, now, environment), main, look_again, push, overlays)


def restored(old: Pointer, now: Pointer, held: Held) -> Pointer:
    """The pointer of an earlier version after a rollback: the digest that was left is held, the restored one is not."""
    others = tuple(item for item in now.held if item.digest not in (old.digest, held.digest))
    return Pointer(
        model=old.model,
        version=old.version,
        digest=old.digest,
        bundle=old.bundle,
        image=old.image,
        commit=old.commit,
        lock_digest=old.lock_digest,
        data_digest=old.data_digest,
        pull_request=old.pull_request,
        metrics=old.metrics,
        previous=old.previous,
        held=(*others, held),
        promoted_by=actor(),
    )


def _message(new: Pointer, left: Pointer, environment: str) -> str:
    return f"Roll {environment} back to {new.model} version {new.version}\n\n{new.digest}\nVersion {left.version} ({left.digest}) is held."
