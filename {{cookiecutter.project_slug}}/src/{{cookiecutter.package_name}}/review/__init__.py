"""Judges a candidate against the champion with main's code and main's gates.

Here: ``review.json``, the judgement, computed once. Comment, status, card and promotion read it.
"""

from pathlib import Path
from typing import Literal

import msgspec

from .. import ProblemError
from ..intervals import Estimate, Metric
from ..mermaid import Chart

Verdict = Literal["promote", "hold", "cannot judge", "unaffected", "outdated"]
Outcome = Literal["pass", "fail", "warn", "not applied", "cannot be judged"]


class ReviewError(ProblemError):
    """A candidate cannot be judged."""


class Champion(msgspec.Struct, frozen=True):
    """The version that production names now."""

    version: int
    digest: str


class GateResult(msgspec.Struct, frozen=True):
    """A gate as a person would say it, how it ended, and by how much.

    ``subject`` is the metric or other thing that it looks at; ``equal_held`` is, for a gate that compares, the share of candidates as
    good as the champion that it would hold.
    """

    gate: str
    subject: str
    outcome: Outcome
    detail: str
    equal_held: float | None = None


class Change(msgspec.Struct, frozen=True):
    """A parameter, library or feature that differs between main and the candidate; absent sides are None."""

    name: str
    main: str | None
    candidate: str | None


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """Both models on a part of the test rows.

    ``metric`` is the headline metric there, None where it is not defined. ``judged`` is False under the fewest rows. ``p_adjusted`` is
    the Benjamini-Hochberg p-value, over all judged slices, that candidate and champion are alike. Rates (binary only) are the
    candidate's: ``selection_rate`` of rows predicted positive, ``true_positive_rate`` of positive rows predicted so.
    """

    name: str
    column: str
    rows: int
    judged: bool
    protected: bool = False
    metric: Metric | None = None
    p_adjusted: float | None = None
    selection_rate: float | None = None
    true_positive_rate: float | None = None


class Fairness(msgspec.Struct, frozen=True):
    """The largest gap between the values of a protected column with enough rows; 0 is equal treatment."""

    column: str
    measure: Literal["equal_opportunity", "demographic_parity"]
    candidate: Estimate
    champion: Estimate | None = None


class Confusion(msgspec.Struct, frozen=True):
    """The candidate's decisions: ``counts[i][j]`` test rows of class i were predicted as class j."""

    classes: list[str]
    counts: list[list[int]]


class Importance(msgspec.Struct, frozen=True):
    """How much worse the headline metric gets when a feature's values are shuffled: mean and standard deviation over the shuffles."""

    feature: str
    mean: float
    spread: float


class Speed(msgspec.Struct, frozen=True):
    """Scoring of single rows, in microseconds and in multiples of a calibration loop timed beside it; size of the model in 1e6 bytes."""

    median_us: float
    p99_us: float
    p99_loops: float
    size_mb: float


class ColumnChange(msgspec.Struct, frozen=True, kw_only=True):
    """One column of main's data against the pull request's.

    ``effect`` is KS D for numbers and Cramér's V for categories. ``drifted``: adjusted p below 0.05 and an effect of at least 0.1.
    """

    name: str
    psi: float
    effect: float
    p_adjusted: float
    drifted: bool
    missing_main: float
    missing_candidate: float
    new_categories: list[str] = []
    gone_categories: list[str] = []


class DataChange(msgspec.Struct, frozen=True, kw_only=True):
    """The raw data of main against the pull request's, row by row by id. Rates are shares of rows; the target's is that of the
    positive class (binary) or the mean (regression)."""

    rows_main: int
    rows_candidate: int
    added: int = 0
    removed: int = 0
    changed: int = 0
    labels_changed: int = 0
    test_rows_changed: int = 0
    columns_added: list[str] = []
    columns_removed: list[str] = []
    target_main: float | None = None
    target_candidate: float | None = None
    columns: list[ColumnChange] = []


class Alarm(msgspec.Struct, frozen=True):
    """A sign of leakage, in a sentence."""

    kind: Literal["shared ids", "telling feature", "shared rows"]
    detail: str


class Stage(msgspec.Struct, frozen=True):
    """A stage of the pipeline in the run that made the candidate."""

    name: str
    outcome: Literal["run", "restored", "unchanged"]
    seconds: float


class Cost(msgspec.Struct, frozen=True):
    """What making the candidate took, and the largest difference between scikit-learn and ONNX, as its run says."""

    stages: list[Stage]
    seconds: float
    runner: str
    parity: float | None = None


class Release(msgspec.Struct, frozen=True):
    """A version of the pointer's history and the headline metric that it was promoted with."""

    version: int
    value: float | None


class Override(msgspec.Struct, frozen=True):
    """Someone with write access promotes against the gates. ``verdict`` is what the gates said."""

    by: str
    reason: str
    verdict: Verdict


class Merge(msgspec.Struct, frozen=True):
    """What a merge would do: the version it makes, where it goes, and whose approval the changed files need."""

    version: int | None = None
    environments: list[str] = []
    owners: list[str] = []


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """The whole judgement.

    ``rows`` counts test rows, ``threshold`` is the candidate's decision threshold (probability), ``reasons`` say in words
    why the verdict is not *promote*, ``notes`` what else a reviewer should know. ``headline`` names the metric of the verdict's sentence.
    ``fork`` marks a pull request whose objects are never stored, ``moves_to`` is the version that an edit of the production pointer names.
    ``charts`` are drawn for the candidate and, where it can be scored, the champion.
    """

    verdict: Verdict
    reasons: list[str] = []
    notes: list[str] = []
    override: Override | None = None
    model: str = ""
    problem: Literal["binary", "multi-class", "regression"] = "binary"
    headline: str = "roc_auc"
    confidence: float = 0.95
    min_n: int = 100
    pull_request: int | None = None
    fork: bool = False
    head_sha: str | None = None
    run_id: int | None = None
    digest: str | None = None
    champion: Champion | None = None
    champion_problem: str | None = None
    moves_to: Champion | None = None
    merge: Merge = Merge()
    rows: int = 0
    threshold: float | None = None
    data_digest: str | None = None
    metrics: list[Metric] = []
    gates: list[GateResult] = []
    slices: list[Slice] = []
    fairness: list[Fairness] = []
    charts: list[Chart] = []
    confusion: Confusion | None = None
    importance: list[Importance] = []
    speed: Speed | None = None
    champion_speed: Speed | None = None
    parameters: list[Change] = []
    features: list[Change] = []
    dependencies: list[Change] = []
    data: DataChange | None = None
    alarms: list[Alarm] = []
    cost: Cost | None = None
    history: list[Release] = []


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
