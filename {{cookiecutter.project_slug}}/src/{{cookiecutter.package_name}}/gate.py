"""The grammar of ``params.yaml: gates:``, one condition per line, and the names of the metrics that it may use.

``{metric: roc_auc, min: 0.80}``                                        a limit for the candidate
``{metric: recall, slice: senior_citizen=1, min: 0.6}``                 the same on a part of the test rows
``{metric: roc_auc, not_worse_than_champion: 0.005, confidence: 0.95}`` the interval of the difference ends above -0.005
``{metric: roc_auc, slices: each, not_worse_than_champion: 0.02}``      no slice is shown to lose more (Benjamini-Hochberg)
``{fairness: equal_opportunity, column: female, max: 0.1}``             the largest gap between the values of a column
``{latency_p99: 2x}``, ``{size_mb: 20}``                                cost of one answer against the champion's, size of the model
``{drift: psi, max: 0.2}``, ``{labels_changed: 0.01}``                  the data against main's
``{leakage: none}``                                                     no leakage alarm
Each may end in ``on: warn``: it is then shown and stops nothing.
"""

import re
from typing import Literal

import msgspec

Problem = Literal["binary", "multi-class", "regression"]
BINARY = ("roc_auc", "pr_auc", "log_loss", "brier", "ece", "f1", "precision", "recall", "accuracy", "profit")
MULTI_CLASS = ("f1_macro", "f1_weighted", "log_loss", "roc_auc_ovr", "accuracy")  # and recall[CLASS] for each class
REGRESSION = ("mae", "rmse", "r2", "pinball", "mape")
METRICS: dict[str, tuple[str, ...]] = {"binary": BINARY, "multi-class": MULTI_CLASS, "regression": REGRESSION}
LOWER_IS_BETTER = frozenset({"log_loss", "brier", "ece", "mae", "rmse", "pinball", "mape"})


def metric_names(problem: str, classes: tuple[str, ...] = (), money: bool = False) -> tuple[str, ...]:
    """The metrics of a problem in the order in which they are shown; ``profit`` only where money is configured."""
    names = tuple(name for name in METRICS[problem] if name != "profit" or money)
    return names + tuple(f"recall[{value}]" for value in classes) if problem == "multi-class" else names


class Gate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One condition. Exactly one of ``metric``, ``fairness``, ``latency_p99``, ``size_mb``, ``drift``, ``labels_changed``, ``leakage``.

    ``min``, ``max`` and ``not_worse_than_champion`` (a margin, not negative) are limits of a metric; with ``confidence`` a limit
    holds for the end of the interval, not for the value. ``slice`` names one part of the rows, ``slices`` means each. ``column`` is
    that of a fairness or a drift. ``latency_p99`` is a text such as ``2x``. ``on`` says whether a miss stops the model.
    """

    metric: str | None = None
    min: float | None = None
    max: float | None = None
    not_worse_than_champion: float | None = None
    confidence: float | None = None
    slice: str | None = None
    slices: Literal["each"] | None = None
    fairness: Literal["equal_opportunity", "demographic_parity"] | None = None
    column: str | None = None
    latency_p99: str | None = None
    size_mb: float | None = None
    drift: Literal["psi"] | None = None
    labels_changed: float | None = None
    leakage: Literal["none"] | None = None
    on: Literal["fail", "warn"] = "fail"

    @property
    def subject(self) -> str:
        """What the gate looks at: the metric's name, the measure of fairness, or the name of the other kind of gate."""
        return self.metric or self.fairness or next((kind for kind in SUBJECTS if getattr(self, kind) is not None), "")


SUBJECTS = ("metric", "fairness", "latency_p99", "size_mb", "drift", "labels_changed", "leakage")


def text(gate: Gate) -> str:
    """A gate as a person would say it, for instance ``recall of senior_citizen=1 ≥ 0.6``. A metric's gate begins with its name."""
    if gate.metric is not None:
        return _metric_text(gate)
    if gate.fairness is not None:
        return f"{gate.fairness} gap of {gate.column} ≤ {gate.max:g}"
    if gate.latency_p99 is not None:
        return f"p99 latency ≤ {times(gate.latency_p99):g} times the champion's"
    if gate.size_mb is not None:
        return f"model size ≤ {gate.size_mb:g} MB"
    if gate.drift is not None:
        return f"drift of {gate.column or 'every column'}: {gate.drift} ≤ {gate.max:g}"
    if gate.labels_changed is not None:
        return f"changed labels ≤ {100 * gate.labels_changed:g} % of rows"
    return "no leakage alarm"


def times(multiple: str | None) -> float | None:
    """The number in a multiple such as ``2x`` or ``1.5x``; None where the text is anything else."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s?x", multiple or "")
    return float(match[1]) if match else None


def _metric_text(gate: Gate) -> str:
    where = f" of {gate.slice}" if gate.slice else " of each slice" if gate.slices else ""
    sure = f" with {100 * gate.confidence:g} % confidence" if gate.confidence else ""
    if gate.not_worse_than_champion is not None:
        side = "above" if gate.metric in LOWER_IS_BETTER else "below"
        return f"{gate.metric}{where} at most {gate.not_worse_than_champion:g} {side} the champion{sure}"
    limit = f"≥ {gate.min:g}" if gate.min is not None else f"≤ {gate.max:g}"
    return f"{gate.metric}{where} {limit}{sure}"
