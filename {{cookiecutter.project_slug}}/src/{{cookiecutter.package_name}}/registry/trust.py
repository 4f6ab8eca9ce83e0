"""Whether the bundle in ``models/bundle`` is what main's inputs make and what was reviewed. Each refusal has its own words."""

import hashlib
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from .. import ProblemError, bundle, params, pointer
from ..scorer import Scorer
from . import origin

REVIEW = Path("reports/review.json")
LOCK = Path("dvc.lock")


class TrustError(ProblemError):
    """A bundle must not be promoted."""


class _Value(msgspec.Struct):
    value: float | None


class _Metric(msgspec.Struct):
    name: str
    candidate: _Value


class _Override(msgspec.Struct):
    by: str
    reason: str


class _Champion(msgspec.Struct):
    digest: str


class _Review(msgspec.Struct):
    """The part of ``review.json`` that promotion reads."""

    verdict: str
    digest: str | None
    reasons: list[str]
    metrics: list[_Metric]
    override: _Override | None
    champion: _Champion | None


class Judged(NamedTuple):
    """What main's review says of the bundle: metrics by name, the champion's digest and, if it was against the gates, who said so."""

    metrics: dict[str, float]
    champion: str | None
    override: pointer.Override | None


def judged(digest: str) -> Judged:
    """Main's review of a bundle.

    Raises:
        TrustError: there is none, it is about another bundle, or does not say *promote*.
    """
    try:
        review = msgspec.json.decode(REVIEW.read_bytes(), type=_Review)
    except (OSError, msgspec.MsgspecError):
        raise TrustError(f"{REVIEW} is missing or no review; run `make judge-main` first") from None
    if review.digest != digest:
        raise TrustError(f"{REVIEW} judged {review.digest}, but models/bundle is {digest}; run `make judge-main` again")
    if review.verdict != "promote":
        raise TrustError(f"main's review says '{review.verdict}' for {digest}: {'; '.join(review.reasons)}; nothing was changed")
    metrics = {item.name: round(item.candidate.value, 6) for item in review.metrics if item.candidate.value is not None}
    override = pointer.Override(review.override.by, review.override.reason) if review.override else None
    return Judged(metrics, review.champion.digest if review.champion else None, override)


def made_from_main(made: bundle.Bundle) -> None:
    """Refuse a bundle that the pipeline did not leave here, or whose manifest does not name this checkout's model, parameters and data.

    Raises:
        TrustError: it was changed after it was made, or it is another one, for instance an older one that was approved once.
    """
    chosen = params.load()
    _as_locked(made)
    for what, said, here in (
        ("the model", made.manifest.model, chosen.model.name),
        ("the parameters", made.manifest.parameters, chosen.made_of()),
        ("the data", made.manifest.data_digest, f"sha256:{_hash(Path(chosen.data.path), 'sha256')}"),
    ):
        if said != here:
            reason = f"models/bundle ({made.digest}) was not made from {what} that main has: {said!r} and not {here!r}"
            raise TrustError(reason[:600] + _AGAIN)


def _as_locked(made: bundle.Bundle) -> None:
    sums = origin.outputs(LOCK)
    for name in (*bundle.FILES, bundle.MANIFEST):
        path = made.folder / name
        if sums.get(path.as_posix()) != _hash(path, "md5"):
            raise TrustError(f"{path} is not the one that the pipeline made (see {LOCK}): it was changed afterwards{_AGAIN}")


_AGAIN = "; nothing was promoted, run the workflow again"


def as_reviewed(made: bundle.Bundle, found: origin.Origin) -> str | None:
    """None where the bundle is the one that was reviewed, else the words that say why it is another and is promoted all the same.

    Raises:
        TrustError: it was taken over from the train run, main's inputs are the reviewed ones, and yet it is another bundle; or main
            trained it again (``promotion.rebuild``) and it answers otherwise, or the reviewed one cannot be had to compare with.
    """
    if found.reviewed is None or found.reviewed == made.digest:
        return None
    if params.load().promotion.rebuild:
        return _as_rebuilt(made, found)
    theirs, ours = origin.sources(origin.CANDIDATE_LOCK), origin.sources(LOCK)
    if theirs and theirs == ours:
        raise TrustError(
            f"the inputs are those of the review, but the pipeline's cache gave {made.digest} and not the reviewed {found.reviewed}: "
            "an entry of the train run's cache points elsewhere; nothing was promoted, re-run the train workflow and look who changed it"
        )
    return f"main's inputs differ from the reviewed ones{f' ({found.reason})' if found.reason else ''}"


def _as_rebuilt(made: bundle.Bundle, found: origin.Origin) -> str:
    """The words for a bundle that main trained again: on unlike processors a model may differ in its last bits, and in nothing else."""
    reviewed = _reviewed(found)
    if _inputs(reviewed) != _inputs(made):
        return "main's parameters or data differ from the reviewed ones"
    if (reviewed.manifest.model, reviewed.contract) != (made.manifest.model, made.contract):
        raise TrustError(f"trained again on main, the model has another contract than the reviewed {reviewed.digest}{_REBUILT}")
    tolerance = params.load().parity.tolerance
    apart = max(_thresholds_apart(made, reviewed), *(_answers_apart(made, reviewed, one) for one in (made, reviewed)))
    if not apart <= tolerance:
        raise TrustError(
            f"trained again on main, the model answers {apart:.2g} apart from the reviewed {reviewed.digest}, "
            f"parity.tolerance in params.yaml is {tolerance:g}{_REBUILT}"
        )
    return "trained again on main (promotion.rebuild), with the reviewed answers but not its very bytes"


_REBUILT = " (promotion.rebuild); nothing was promoted, look what makes them differ and merge it with a new review"


def _reviewed(found: origin.Origin) -> bundle.Bundle:
    try:
        return bundle.load(origin.REVIEWED, found.reviewed)
    except bundle.BundleError as error:
        why = found.reason if not origin.REVIEWED.exists() else str(error)
        raise TrustError(
            f"trained again on main, the model has not the bytes of the reviewed {found.reviewed}, which cannot be had to compare their "
            f"answers ({why}); nothing was promoted, re-run the pull request's train workflow, then this one"
        ) from None


def _inputs(made: bundle.Bundle) -> tuple[object, str]:
    return made.manifest.parameters, made.manifest.data_digest


def _answers_apart(made: bundle.Bundle, reviewed: bundle.Bundle, asked: bundle.Bundle) -> float:
    """The largest difference between two models' answers to the golden rows of one of them; of values it is a share of the largest."""
    rows = asked.contract.matrices(asked.golden["records"])
    ours, theirs = Scorer(made).answers(*rows), Scorer(reviewed).answers(*rows)
    scale = 1.0 if made.contract.classes else float(np.abs(theirs).max()) or 1.0
    return float(np.abs(ours - theirs).max()) / scale


def _thresholds_apart(made: bundle.Bundle, reviewed: bundle.Bundle) -> float:
    return abs((made.manifest.threshold or 0.0) - (reviewed.manifest.threshold or 0.0))


def _hash(path: Path, kind: str) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, kind).hexdigest()
