"""What the report says of metrics, gates and reasons, in words: text for the report and the card (:mod:`...markdown`)."""

import math
import re

from ...intervals import Metric
from ...markdown import NAMES, NONE, decimals, interval, is_number, metric_name, signed, words
from .. import GateResult, Review

_NO_VALUES = {"labels_changed", "drift", "leakage"}  # whose findings are sentences
_LIMITS = {
    "≥ ": "must be at least ", "≤ ": "must be at most ", r"\bat most (?=\S+ (?:below|above) )": "must be at most ",
    r"\Ano (?=leakage)": "there must be no ", r"(equal|demographic)_(?=opportunity|parity)": r"\1 ",
}  # fmt: skip


def digits(metric: Metric) -> int:
    """Decimals that suit the size of a metric's values: 4 up to 1, fewer for larger ones."""
    values = [item.value for item in (metric.candidate, metric.champion) if item is not None]
    largest = max((abs(value) for value in values if value is not None and math.isfinite(value)), default=0.0)
    return decimals(largest, 4)


def direction(metric: Metric) -> str:
    """``better`` or ``worse`` where the interval of the difference excludes 0, ``alike`` where it does not, ``unknown`` without one."""
    found = metric.difference
    if found is None or not is_number(found.value):
        return "unknown"
    if found.low is None or found.high is None or not (found.low > 0 or found.high < 0):
        return "alike"
    return "better" if (found.value > 0) == metric.higher_is_better else "worse"


def difference(metric: Metric | None) -> str:
    """The difference with ▲ (better) or ▼ (worse) in bold where it is shown, with ≈ where the interval contains 0, = where all is 0."""
    if metric is None or metric.difference is None or not is_number(metric.difference.value):
        return NONE
    if metric.difference.value == metric.difference.low == metric.difference.high == 0:
        return "= 0"
    mark = {"better": "▲", "worse": "▼"}.get(direction(metric))
    value = signed(metric.difference.value, digits(metric))
    told = f"**{mark}\u00a0{value}**" if mark else f"≈\u00a0{value}"  # not parted from its mark in a narrow column
    return f"{told} {interval(metric.difference, digits(metric), sign=True)}".strip()


def harm(metric: Metric | None) -> float:
    """How much worse the candidate is, for ranking; minus infinity where nothing is known."""
    if metric is None or metric.difference is None or not is_number(metric.difference.value):
        return -math.inf
    return -metric.difference.value if metric.higher_is_better else metric.difference.value


def first_reason(review: Review, longest: int = 900) -> str:
    """What stands in the way, in words for someone who does not know the gates; Markdown, empty where there is no reason."""
    if not review.reasons:
        return ""
    stopping = stopping_gate(review, review.reasons[0])
    told = words(review.reasons[0].split("; ")[0], longest) if stopping is None else _required(stopping, longest)
    more = len(review.reasons) - 1
    return told + (f", and {more} more reason{'s' if more > 1 else ''}" if more else "")


def stopping_gate(review: Review, reason: str) -> GateResult | None:
    """The gate that gave a reason, where one did."""
    return next((result for result in review.gates if f"{result.gate}: {result.detail}" == reason), None)


def _required(result: GateResult, longest: int) -> str:
    """``macro F1 must be at least 0.9, but is 0.8069``."""
    named = result.subject in NAMES or result.subject.startswith("recall[")
    name, rest = (metric_name(result.subject, longest), result.gate.removeprefix(result.subject).strip()) if named else ("", result.gate)
    for sign, said in _LIMITS.items():
        rest = re.sub(sign, said, rest, count=1)
    wanted = f"{name} {words(rest, longest)}".strip()
    values, *others = result.detail.split("; ")
    few = next((part.split(":")[0] for part in others if "too few" in part), None)
    is_value = few is None and result.outcome == "fail" and re.match(r"[\d−]", values) and result.subject not in _NO_VALUES
    return f"{wanted}{', but is ' if is_value else ': '}{words(few or values.split(', difference')[0], longest)}"


def headline(review: Review) -> Metric | None:
    """The metric of the verdict's sentence, where it was computed."""
    return next((metric for metric in review.metrics if metric.name == review.headline), None)
