"""Promotes the bundle in ``models/bundle`` when main's review of it says *promote*.

``python -m <package>.registry.promote``
Every step looks at the state first, so that a run that was cut off can be repeated: the bundle is stored before any
pointer names it, and the pointer files change in one commit.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec

from .. import bundle, pointer, store
from ..errors import ProblemError, run
from ..git import git, show
from ..plan import PROMOTED
from ..scorer import Scorer
from . import actor, commit_to_main, deployment, entries, version_of
from .origin import OUT as ORIGIN
from .origin import Origin

ENVIRONMENTS = ("staging", "production")
REVIEW = Path("reports/review.json")


class PromotionError(ProblemError):
    """A bundle must not be promoted."""


def promote() -> None:
    """Store, register and publish the judged bundle; does nothing for a bundle that is in production or held.

    Raises:
        PromotionError: the review is not about this bundle, or does not say *promote*.
    """
    made = bundle.load(Path("models/bundle"))
    metrics = _judged_metrics(made.digest)
    origin = msgspec.json.decode(ORIGIN.read_bytes(), type=Origin) if ORIGIN.exists() else Origin()
    now = pointer.read(_path("production"))
    if now and any(item.digest == made.digest for item in now.held):
        print(f"{made.digest} is held since it was rolled back: not promoted. Lift it by a pull request that edits models/production.yaml.")
        return
    if now and now.digest == made.digest and pointer.read(_path("staging")) is not None:
        print(f"{made.digest} is version {now.version}, in production already: nothing to do")
        return
    _tell_difference(origin, made.digest)
    _store(made)
    next_pointer = _pointer(made, metrics, origin, now)
    _release(next_pointer, _message(next_pointer, origin))


def _judged_metrics(digest: str) -> dict[str, float]:
    try:
        review = json.loads(REVIEW.read_bytes())
        verdict, judged = review["verdict"], review["digest"]
        metrics = {item["name"]: round(item["candidate"], 6) for item in review["metrics"]}
    except (OSError, ValueError, LookupError):
        raise PromotionError(f"{REVIEW} is missing or no review; run `make judge-main` first") from None
    if judged != digest:
        raise PromotionError(f"{REVIEW} judged {judged}, but models/bundle is {digest}; run `make judge-main` again")
    if verdict != "promote":
        raise PromotionError(f"main's review says '{verdict}' for {digest}: {'; '.join(review['reasons'])}; nothing was changed")
    return metrics


def _tell_difference(origin: Origin, digest: str) -> None:
    if origin.reviewed and origin.reviewed != digest:
        print(
            f"::warning::not the model that was reviewed ({origin.reviewed}): main's inputs differ from the pull request's; {digest} was judged again"
        )


def _store(made: bundle.Bundle) -> None:
    """Put DVC's objects and the bundle into the store, push it, and read the bundle back as a server would."""
    root = store.open_store()
    if subprocess.run([sys.executable, "-m", "dvc", "push", "-q", "--run-cache"]).returncode:
        raise PromotionError("`dvc push --run-cache` failed (its message is above); nothing was promoted, run the workflow again")
    target = store.bundle_folder(made.digest, root)
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for name in ("manifest.json", *bundle.FILES):
        shutil.copyfile(made.folder / name, target / name)
    store.save(f"Bundle {made.digest}")
    Scorer(bundle.load(store.bundle_folder(made.digest, store.open_store()), made.digest)).check_golden()


def _pointer(made: bundle.Bundle, metrics: dict[str, float], origin: Origin, now: pointer.Pointer | None) -> pointer.Pointer:
    return pointer.Pointer(
        model=made.manifest.model,
        version=version_of(made.digest, entries(_path("production"))),
        digest=made.digest,
        bundle=store.address(made.digest),
        commit=git("rev-parse", "HEAD"),
        pull_request=origin.pull_request,
        metrics=metrics,
        previous=pointer.Previous(now.version, now.digest) if now else None,
        held=now.held if now else (),
        promoted_by=actor(),
    )


def _release(new: pointer.Pointer, message: str) -> None:
    """Environment by environment in order; the pointer files reach main together, in one commit."""
    with deployment("staging", new.commit, new):
        Scorer(bundle.load(store.bundle_folder(new.digest), new.digest)).check_golden()
    with deployment("production", new.commit, new):
        for environment in ENVIRONMENTS:
            pointer.write(_path(environment), new)
        commit_to_main([*(str(_path(name)) for name in ENVIRONMENTS), *PROMOTED], message)
    recorded = show("HEAD", str(_path("production")))
    print(f"promoted {new.model} version {new.version}\n{(recorded or b'').decode()}")


def _message(new: pointer.Pointer, origin: Origin) -> str:
    source = f"the candidate of pull request #{origin.pull_request}" if origin.pull_request else f"commit {new.commit[:9]}"
    lines = [f"Promote {new.model} version {new.version}", "", f"{new.digest}", f"Made from {source}."]
    if origin.reviewed and origin.reviewed != new.digest:
        lines.append(f"Not the model that was reviewed ({origin.reviewed}): main's inputs differ; judged again.")
    return "\n".join(lines)


def _path(environment: str) -> Path:
    return Path(f"models/{environment}.yaml")


if __name__ == "__main__":
    run(promote)
