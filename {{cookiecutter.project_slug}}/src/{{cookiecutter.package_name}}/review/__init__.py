"""Judges a candidate against the champion with main's code and main's gates.

Here: ``review.json``, the judgement, computed once. Comment, status, card and promotion read it.
"""

from pathlib import Path
from typing import Literal

import msgspec

from .. import ProblemError

Verdict = Literal["promote", "hold", "cannot judge", "unaffected", "outdated"]
Outcome = Literal["pass", "fail", "not applied", "cannot be judged"]


class ReviewError(ProblemError):
    """A candidate cannot be judged."""


class Champion(msgspec.Struct, frozen=True):
    """The version that production names now."""

    version: int
    digest: str


class Metric(msgspec.Struct, frozen=True):
    """One metric of candidate and champion on the same test rows."""

    name: str
    candidate: float
    champion: float | None = None
    higher_is_better: bool = True

    @property
    def delta(self) -> float | None:
        """Candidate minus champion; None without a champion."""
        return None if self.champion is None else self.candidate - self.champion


class GateResult(msgspec.Struct, frozen=True):
    """A gate as written, how it ended, and by how much."""

    gate: str
    metric: str
    outcome: Outcome
    detail: str


class Change(msgspec.Struct, frozen=True):
    """A parameter that differs between main and the candidate; absent sides are None."""

    name: str
    main: str | None
    candidate: str | None


class Slice(msgspec.Struct, frozen=True):
    """The candidate and the champion on a part of the test rows."""

    name: str
    rows: int
    candidate: float | None
    champion: float | None = None


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """The whole judgement.

    ``rows`` counts test rows, ``threshold`` is the candidate's decision threshold (probability), ``reasons`` say in words
    why the verdict is not *promote*, ``notes`` what else a reviewer should know. ``slices`` carry ``slice_metric``.
    ``fork`` marks a pull request whose objects are never stored, ``moves_to`` is the version that an edit of the production pointer names.
    """

    verdict: Verdict
    reasons: list[str] = []
    notes: list[str] = []
    pull_request: int | None = None
    fork: bool = False
    head_sha: str | None = None
    run_id: int | None = None
    digest: str | None = None
    champion: Champion | None = None
    moves_to: Champion | None = None
    rows: int = 0
    threshold: float | None = None
    data_digest: str | None = None
    metrics: list[Metric] = []
    gates: list[GateResult] = []
    parameters: list[Change] = []
    slice_metric: str = "roc_auc"
    slices: list[Slice] = []


def write(path: Path, review: Review) -> None:
    """Write ``review.json``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(review), indent=2) + b"\n")


def read(path: Path) -> Review:
    """Read ``review.json``.

    Raises:
        ReviewError: the file is missing or not a review.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Review)
    except (OSError, msgspec.MsgspecError) as error:
        raise ReviewError(f"{path} cannot be read as a review: {error}; run the judge step again") from None
