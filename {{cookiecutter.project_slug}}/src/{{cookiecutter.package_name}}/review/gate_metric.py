"""Gates of metrics: a limit for the candidate, or the interval of its difference from the champion, on all rows or on each slice."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import stats

from .. import drift
from ..gate import Gate
from ..intervals import Estimate, Metric, estimates
from ..markdown import NONE, is_number
from . import Outcome, Slice

MOST_TIMES = 1000


@dataclass(frozen=True)
class Judged:
    """How a gate ended, what was found in words, and for a gate that compares the share of equal candidates that it holds."""

    outcome: Outcome
    detail: str
    equal_held: float | None = None


def limit(gate: Gate, metric: Metric) -> Judged:
    """``min`` or ``max`` against the candidate's value; with ``confidence`` against the end of its interval on the worse side."""
    end = metric.candidate.value
    if gate.confidence is not None:
        end = metric.candidate.low if gate.min is not None else metric.candidate.high
    if not is_number(end):
        return Judged("cannot be judged", f"the candidate's {gate.metric} {number(metric.candidate.value)} has no interval on these rows")
    room = end - gate.min if gate.min is not None else (gate.max or 0.0) - end
    return beside(room, interval(metric.candidate) if gate.confidence is not None else number(end))


def against_champion(gate: Gate, metric: Metric, rows: int, confidence: float) -> Judged:
    """Whether the interval of the difference, at its worse end, stays within the margin; the margin itself passes."""
    margin, found = float(gate.not_worse_than_champion or 0), _gain(metric)
    if metric.champion is None or not is_number(metric.champion.value):
        return Judged("cannot be judged", f"the champion's {gate.metric} is not defined on these {rows:,} rows")
    if found is None:
        return Judged("cannot be judged", f"the difference of {gate.metric} has no interval on these {rows:,} rows")
    gain, worse, _ = found
    judged = beside(margin + worse, _told(metric))
    why = "" if judged.outcome == "pass" else _why(gain, gain - worse, margin, rows, gate.slice)
    return Judged(judged.outcome, judged.detail + why, estimates.equal_held(metric, margin, confidence))


def each_slice(gate: Gate, parts: Sequence[tuple[Slice, Metric | None]], confidence: float) -> Judged:
    """Whether any of the slices is shown to lose more than the margin.

    Per slice a one-sided test (normal, from the width of the difference's interval) of *loss > margin*; p-values adjusted by Benjamini
    and Hochberg; shown means below 1 - ``confidence``. A slice without a defined metric in either model has nothing to lose.
    """
    margin = float(gate.not_worse_than_champion or 0)
    tested = [(part, metric, _loss(metric, confidence)) for part, metric in parts if metric is not None]
    known = [(part, metric, *found) for part, metric, found in tested if found is not None]
    if not known:
        return Judged("cannot be judged", f"no slice has enough test rows (review.min_n) for {gate.metric}")
    adjusted = drift.benjamini_hochberg([_p(loss, error, margin) for _, _, loss, error in known])
    shown = [(p, loss, part, metric) for p, (part, metric, loss, _) in zip(adjusted, known, strict=True) if p < 1 - confidence]
    held = _equal_held([error for *_, error in known], margin, 1 - confidence)
    left = f"; {len(parts) - len(known)} have no defined difference" if len(parts) > len(known) else ""
    if shown:
        p, loss, part, metric = max(shown, key=lambda one: one[1])
        others = f"; {len(shown)} of {len(known)} slices are worse" if len(shown) > 1 else ""
        told = f"{part.name} ({part.rows:,} rows): {_told(metric)}"
        short = f", {number(loss - margin)} short, adjusted p {p:.2g}{others}{left}"
        return Judged("fail", told + short, held)
    part, metric, loss, _ = max(known, key=lambda one: one[2])
    lowest = f"the lowest is {part.name} ({part.rows:,} rows) with {interval(metric.difference, signed=True)}"
    return Judged("pass", f"none of {len(known)} slices is shown to lose more; {lowest}{left}", held)


def beside(room: float, told: str) -> Judged:
    """*pass* with the room to spare, or *fail* with what is short."""
    return Judged("pass", f"{told}, {number(room)} to spare") if room >= 0 else Judged("fail", f"{told}; {number(-room)} short")


def number(value: float | None, signed: bool = False) -> str:
    """Four decimals, or two digits of what is smaller than that; a true minus sign."""
    if not is_number(value):
        return NONE
    value, sign = (0.0 if abs(value) < 1e-9 else value), "+" if signed else ""
    small = 0 < abs(value) < 0.00005
    return (f"{value:{sign}.2g}" if small else f"{value:{sign},.4f}").replace("-", "−")


def interval(estimate: Estimate | None, signed: bool = False) -> str:
    """A value and, where it has one, its interval: ``0.8421 [0.8210, 0.8633]``; a dash without a value."""
    if estimate is None:
        return NONE
    value = number(estimate.value, signed)
    return value if not is_number(estimate.low) else f"{value} [{number(estimate.low, signed)}, {number(estimate.high, signed)}]"


def _told(metric: Metric) -> str:
    champion = None if metric.champion is None else metric.champion.value
    return f"{number(metric.candidate.value)} against {number(champion)}, difference {interval(metric.difference, signed=True)}"


def _gain(metric: Metric) -> tuple[float, float, float] | None:
    """The difference with the sign that makes more better, and the worse and the better end of its interval; None where one is missing."""
    found = metric.difference
    if found is None or not (is_number(found.value) and is_number(found.low) and is_number(found.high)):
        return None
    if metric.higher_is_better:
        return found.value, found.low, found.high
    return -found.value, -found.high, -found.low


def _why(gain: float, half_width: float, margin: float, rows: int, part: str | None) -> str:
    """Whether the candidate is worse, or the rows are too few to tell: half the width of an interval falls with the root of rows."""
    where = f"{rows:,} test rows of {part}" if part else f"{rows:,} test rows"
    if margin + gain <= 0:
        return "; it is worse beyond chance" if gain + half_width < 0 else f"; {where} are too few to tell this loss from chance"
    many = (half_width / (margin + gain)) ** 2
    needed = f"about {_round_up(rows * many):,} would do" if many <= MOST_TIMES else "no sensible number would do"
    return f"; {where} are too few to rule out a loss of more than {margin:g}: {needed} if the difference stays as it is"


def _round_up(rows: float) -> int:
    """Up to two digits; what is less than a millionth above them is arithmetic."""
    unit: int = 10 ** max(math.floor(math.log10(rows)) - 1, 0)
    return math.ceil(rows / unit - 1e-6) * unit


def _loss(metric: Metric, confidence: float) -> tuple[float, float] | None:
    """What the candidate loses and its standard error, from the half width of the interval; None where it is not defined."""
    found = _gain(metric)
    if found is None:
        return None
    gain, worse, better = found
    return -gain, float((better - worse) / (2 * stats.norm.ppf((1 + confidence) / 2)))


def _p(loss: float, error: float, margin: float) -> float:
    if error <= 0:
        return float(loss <= margin)
    return float(stats.norm.sf((loss - margin) / error))


def _equal_held(errors: Sequence[float], margin: float, level: float) -> float:
    """The chance that equal candidates fail on any slice: as if slices were independent and tested at ``level`` over their number."""
    bar = stats.norm.isf(level / len(errors))
    return 1 - math.prod(float(stats.norm.cdf(bar + margin / error)) if error > 0 else 1.0 for error in errors)
