"""Holds the findings about a candidate against the gates, and draws the verdict."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .. import drift
from ..gate import METRICS, Gate, text, times
from ..intervals import Metric
from ..markdown import is_number, p_value
from ..psi import FEWEST_ROWS
from . import Alarm, DataChange, Fairness, GateResult, Outcome, Slice, Speed, Verdict, gate_metric
from .gate_metric import Judged, beside, number

MOST_ALARMS = 5
NO_CHAMPION = "no champion yet"


@dataclass(frozen=True)
class Findings:
    """What gates look at.

    ``data`` is None where the raw data is main's. ``champion_problem`` says why a champion that is there cannot be compared with.
    ``again`` gives a metric on a slice (None: all ``rows`` test rows) at another confidence, or None where it cannot be computed.
    """

    metrics: Sequence[Metric]
    slices: Sequence[Slice]
    fairness: Sequence[Fairness]
    speed: Speed | None
    champion_speed: Speed | None
    data: DataChange | None
    alarms: Sequence[Alarm]
    rows: int
    has_champion: bool
    champion_problem: str | None
    confidence: float
    again: Callable[[str, str | None, float], Metric | None]


def judge(gates: Sequence[Gate], found: Findings) -> list[GateResult]:
    """How each gate ends, in their order.

    A gate that needs a champion is *not applied* where there is none to compare with. What is missing or not a number *cannot be
    judged*. A gate with ``on: warn`` that would end in *fail* or *cannot be judged* ends in *warn*.
    """
    return [_result(gate, _judge(gate, found)) for gate in gates]


def verdict(results: Sequence[GateResult]) -> tuple[Verdict, list[str]]:
    """The verdict over all gates and, when it is not *promote*, the reasons. Warnings never stop; no gate at all cannot be judged.

    Where no gate of a metric could be applied, nothing says that the model is any good: that cannot be judged either.
    """
    if not results:
        return "cannot judge", ["params.yaml on main has no gates; add at least one under `gates:`"]
    unknown = [f"{item.gate}: {item.detail}" for item in results if item.outcome == "cannot be judged"]
    failed = [f"{item.gate}: {item.detail}" for item in results if item.outcome == "fail"]
    if unknown:
        return "cannot judge", unknown + failed
    measured = [item for item in results if _is_metric(item.subject)] or results
    if not failed and all(item.outcome == "not applied" for item in measured):
        why = f"there is {NO_CHAMPION}" if measured[0].detail == NO_CHAMPION else measured[0].detail
        return "cannot judge", [f"{why} and no gate of a metric has an absolute limit; add one, for example {{metric: roc_auc, min: 0.8}}"]
    return ("hold", failed) if failed else ("promote", [])


def _is_metric(subject: str) -> bool:
    return subject.startswith("recall[") or any(subject in names for names in METRICS.values())


def _result(gate: Gate, judged: Judged) -> GateResult:
    outcome: Outcome = "warn" if gate.on == "warn" and judged.outcome in ("fail", "cannot be judged") else judged.outcome
    return GateResult(text(gate), gate.subject, outcome, judged.detail, judged.equal_held)


def _judge(gate: Gate, found: Findings) -> Judged:
    if gate.metric is not None:
        return _metric(gate, found)
    if gate.fairness is not None:
        return _fairness(gate, found)
    if gate.latency_p99 is not None:
        return _latency(gate, found)
    if gate.size_mb is not None:
        return _size(gate.size_mb, found.speed)
    if gate.drift is not None:
        return _drift(gate, found.data)
    if gate.labels_changed is not None:
        return _labels(gate.labels_changed, found.data)
    return _leakage(found.alarms)


def _metric(gate: Gate, found: Findings) -> Judged:
    confidence = gate.confidence or found.confidence
    if gate.not_worse_than_champion is not None and (missing := _no_champion(found)):
        return missing
    if gate.slices is not None:
        parts = [item for item in found.slices if item.judged]
        return gate_metric.each_slice(gate, [(item, _of_slice(gate, item, found, confidence)) for item in parts], confidence)
    part = next((item for item in found.slices if item.name == gate.slice), None)
    if gate.slice is not None and (part is None or not part.judged):
        many = f"only {part.rows:,} test rows are" if part else "no test row is"
        return Judged("cannot be judged", f"{many} in {gate.slice}, fewer than review.min_n asks for")
    return _one(gate, _find(gate, found, confidence), part.rows if part else found.rows, confidence)


def _one(gate: Gate, metric: Metric | None, rows: int, confidence: float) -> Judged:
    if metric is None:
        return Judged("cannot be judged", f"{gate.metric} was not computed")
    if not is_number(metric.candidate.value):
        return Judged("cannot be judged", f"the candidate's {gate.metric} is not defined on these {rows:,} rows")
    if gate.not_worse_than_champion is None:
        return gate_metric.limit(gate, metric)
    return gate_metric.against_champion(gate, metric, rows, confidence)


def _find(gate: Gate, found: Findings, confidence: float) -> Metric | None:
    if gate.slice is None and confidence == found.confidence:
        return next((item for item in found.metrics if item.name == gate.metric), None)
    return found.again(str(gate.metric), gate.slice, confidence)


def _of_slice(gate: Gate, item: Slice, found: Findings, confidence: float) -> Metric | None:
    if item.metric is not None and item.metric.name == gate.metric and confidence == found.confidence:
        return item.metric
    return found.again(str(gate.metric), item.name, confidence)


def _no_champion(found: Findings) -> Judged | None:
    if not found.has_champion:
        return Judged("not applied", NO_CHAMPION)
    return Judged("not applied", found.champion_problem) if found.champion_problem else None


def _fairness(gate: Gate, found: Findings) -> Judged:
    gap = next((item for item in found.fairness if (item.measure, item.column) == (gate.fairness, gate.column)), None)
    if gap is None or gap.candidate.value is None or gap.candidate.value != gap.candidate.value:
        why = "needs two values with at least review.min_n test rows each, and for equal_opportunity positive rows among them"
        return Judged("cannot be judged", f"the gap of {gate.column} was not computed: it {why}")
    before = f", the champion's is {number(gap.champion.value)}" if gap.champion and gap.champion.value is not None else ""
    return beside((gate.max or 0.0) - gap.candidate.value, f"{gate_metric.interval(gap.candidate)}{before}")


def _latency(gate: Gate, found: Findings) -> Judged:
    if missing := _no_champion(found):
        return missing
    mine, theirs, most = found.speed, found.champion_speed, times(gate.latency_p99) or 0.0
    if mine is None or theirs is None or not theirs.p99_loops > 0:
        return Judged("cannot be judged", f"the {'candidate' if mine is None else 'champion'} was not timed")
    ratio = mine.p99_loops / theirs.p99_loops
    told = f"{ratio:.3g} times the champion's: {mine.p99_us:,.0f} µs against {theirs.p99_us:,.0f} µs"
    return Judged("pass" if ratio <= most else "fail", told)


def _size(most: float, speed: Speed | None) -> Judged:
    if speed is None:
        return Judged("cannot be judged", "the candidate's size was not measured")
    return Judged("pass" if speed.size_mb <= most else "fail", f"{speed.size_mb:.3g} MB")


def _drift(gate: Gate, data: DataChange | None) -> Judged:
    """Only a column whose drift is shown counts: among few rows or many categories the PSI of equal samples is not small."""
    if data is None:
        return Judged("pass", "the data is main's")
    columns = [item for item in data.columns if gate.column in (None, item.name)]
    if not columns:
        return Judged("cannot be judged", f"{gate.column or 'no column'} is in main's data and the pull request's")
    if (rows := min(data.rows_main, data.rows_candidate)) < FEWEST_ROWS:
        return Judged("cannot be judged", f"{rows:,} rows are too few for a PSI, which needs {FEWEST_ROWS}")
    shown = [item for item in columns if item.p_adjusted < drift.LEVEL]
    worst = max(shown or columns, key=lambda item: item.psi)
    told = f"at most {worst.psi:.3f}, in {worst.name} (effect {worst.effect:.3f}, adjusted p {p_value(worst.p_adjusted)})"
    over = [item.name for item in shown if item.psi > (gate.max or 0.0)]
    if not over:
        return Judged("pass", told if shown else f"{told}: no more than chance explains")
    return Judged("fail", told + (f"; {len(over)} columns are above the limit" if len(over) > 1 else ""))


def _labels(most: float, data: DataChange | None) -> Judged:
    if data is None:
        return Judged("pass", "the data is main's")
    both = data.rows_main - data.removed
    if both <= 0:
        return Judged("cannot be judged", "main's data and the pull request's share no id")
    share = data.labels_changed / both
    told = f"{data.labels_changed:,} of {both:,} rows in both have another label ({100 * share:.2g} %)"
    return Judged("pass" if share <= most else "fail", told)


def _leakage(alarms: Sequence[Alarm]) -> Judged:
    if not alarms:
        return Judged("pass", "no sign of leakage")
    more = f"; and {len(alarms) - MOST_ALARMS} more" if len(alarms) > MOST_ALARMS else ""
    return Judged("fail", "; ".join(alarm.detail for alarm in alarms[:MOST_ALARMS]) + more)
