"""The steps of a promotion, each: look, do what is missing, verify. Any of them may be cut off and repeated."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec

from .. import ProblemError, bundle, params, pointer, store
from ..gate import times
from ..git import git
from ..history import entries, version_of
from ..params import Promotion
from ..plan import PROMOTED, changed_files, needs_training
from ..pointer import Pointer
from . import PRODUCTION, deployments, image, main_branch, overlay, pointer_path, smoke, state

CARD = Path("reports/card.md")


class StaleError(ProblemError):
    """Main moved on to other inputs: the run for them promotes."""


class ChangedError(ProblemError):
    """Somebody else changed a pointer meanwhile."""


def stored(made: bundle.Bundle) -> Path:
    """The bundle's folder in the store, with DVC's objects beside it, after it was read back whole."""
    kept = store.configured()
    kept.save(made.folder, made.digest)
    folder = kept.bundle(made.digest)
    bundle.load(folder, made.digest)
    return folder


def rehearsed(environment: str, new: Pointer, folder: Path, main: str) -> None:
    """The bundle answers, which is recorded as the environment's deployment. Done once for a bundle."""
    known = deployments.recent(environment)
    if known and (known[0].digest, known[0].state) == (new.digest, "success"):
        return
    with failing(deployments.begin(environment, new, new.commit, "promotion", known=known)) as number:
        answers(environment, new, folder, main)
        deployments.end(number, "success")


def answers(environment: str, new: Pointer, folder: Path, main: str) -> None:
    """The bundle answers on a real server, beside the one that the environment has now."""
    smoke.check(folder, new.digest, _standing(environment, new, main), _slowest(new))


def _standing(environment: str, new: Pointer, main: str) -> Path | None:
    """The bundle that the environment has now, from the store; None where there is no other one."""
    now = state.pointer_at(main, environment)
    if now is None or now.digest == new.digest:
        return None
    try:
        return bundle.load(store.find(now.digest, now.bundle), now.digest).folder
    except (store.StoreError, bundle.BundleError) as error:  # a promotion is the way out of it
        print(f"::warning::{environment}: not timed beside version {now.version}: {error}")
        return None


def _slowest(new: Pointer) -> float | None:
    """The multiple of the champion's time that the strictest gate allows; none where no gate stops, or an override let it pass."""
    multiples = [times(gate.latency_p99) for gate in params.load().gates if gate.latency_p99 and gate.on == "fail"]
    return None if new.override else min((one for one in multiples if one), default=None)


def imaged(new: Pointer, folder: Path, settings: Promotion) -> Pointer:
    """The pointer with its bundle's serving image, which is in the registry then and has answered; as it is where none is wanted.

    Raises:
        ImageError: the image cannot be built or pushed. SmokeError: it does not answer as the bundle promises.
    """
    if settings.image == "none":
        return new
    return msgspec.structs.replace(new, image=image.publish(bundle.load(folder, new.digest), settings.image))


def recorded(new: Pointer, settings: Promotion, message: str, main: str) -> None:
    """The pointers of all environments on main, in one commit with overlays, lock, metrics and card; or in a pull request to it."""
    files = {pointer_path(name).as_posix(): pointer.dump(new) for name in settings.environments}
    files |= main_branch.read([name for name in PROMOTED if name != "models/card.md"])
    files["models/card.md"] = CARD.read_text(encoding="utf-8")
    seen = state.pointer_at(main, PRODUCTION)

    def look_again(moved: str) -> None:
        if reason := state.stale(new.commit, moved):
            raise StaleError(reason)
        if state.pointer_at(moved, PRODUCTION) != seen:
            raise ChangedError("production was changed by somebody else meanwhile; run the workflow again, it judges against what is there")

    overlays = partial(overlay.changed, environments=settings.environments, new=new)
    main_branch.publish(files, message, main, look_again, settings.push, overlays)


@contextmanager
def failing(number: int) -> Iterator[int]:
    """A deployment that has failed if the block does."""
    try:
        yield number
    except BaseException as error:
        deployments.end(number, "failure", str(error))
        raise


def version(digest: str, main: str) -> int:
    """The version number of a digest on main: its own, or the next integer."""
    return version_of(digest, entries(pointer_path(PRODUCTION), main))


def known_inputs(commit: str, here: str) -> bool:
    """Whether ``here`` has the pipeline inputs that a pointer's ``commit`` had."""
    return not needs_training(changed_files(commit, here))


def head() -> str:
    """The commit whose inputs the bundle here was made from."""
    return git("rev-parse", "HEAD")
