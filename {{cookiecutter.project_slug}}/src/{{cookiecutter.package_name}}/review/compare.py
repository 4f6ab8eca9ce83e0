"""Holds a candidate against the champion: metrics and slices on the same test rows, gates, changed parameters."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from .. import ProblemError, dataset, metrics
from ..bundle import Bundle, Scorer
from ..params import Gate, Params
from . import Change, GateResult, Metric, Slice, Verdict


@dataclass(frozen=True)
class Comparison:
    """Metrics and slices of both models; ``champion_problem`` says why the champion could not score, if so."""

    metrics: list[Metric]
    slices: list[Slice]
    champion_problem: str | None = None


def compare(candidate: Bundle, champion: Bundle | None, rows: Any, chosen: Params, slice_metric: str = "roc_auc") -> Comparison:
    """Compute every metric for both models on ``rows`` (a DataFrame of test rows, at least one of each class)."""
    labels = dataset.labels(rows, chosen)
    ours = _probabilities(candidate, rows)
    theirs, problem = None, None
    if champion is not None:
        try:
            theirs = _probabilities(champion, rows)
        except (ProblemError, KeyError, ValueError) as error:
            problem = f"the champion cannot score these rows ({' '.join(str(error).split())}); only absolute gates decide"
    mine = metrics.compute(labels, ours, candidate.manifest.threshold)
    other = metrics.compute(labels, theirs, champion.manifest.threshold) if theirs is not None else {}
    table = [Metric(name, value, other.get(name), name in metrics.HIGHER_IS_BETTER) for name, value in mine.items()]
    part = _slicer(labels, ours, theirs, slice_metric)
    slices = [part(f"{column}={value}", mask) for column in chosen.slices for value, mask in _parts(rows, column)]
    return Comparison(table, slices, problem)


def _probabilities(model: Bundle, rows: Any) -> np.ndarray:
    numeric, categorical = dataset.matrices(rows, model.contract)
    scores = Scorer(model).probabilities(numeric, categorical)
    return scores[:, model.contract.classes.index(model.contract.positive)]


def _parts(rows: Any, column: str) -> list[tuple[str, np.ndarray]]:
    values = rows[column]
    return [
        (f"{value:g}" if isinstance(value, float) else str(value), (values == value).to_numpy())
        for value in sorted(values.dropna().unique())
    ]


def _slicer(labels: np.ndarray, ours: np.ndarray, theirs: np.ndarray | None, name: str) -> Callable[[str, np.ndarray], Slice]:
    def value(scores: np.ndarray | None, mask: np.ndarray) -> float | None:
        if scores is None or len(set(labels[mask])) < 2:
            return None
        return metrics.compute(labels[mask], scores[mask], 0.5)[name]

    return lambda title, mask: Slice(title, int(mask.sum()), value(ours, mask), value(theirs, mask))


def gate_text(gate: Gate) -> str:
    """A gate as a person would say it: ``roc_auc ≥ 0.8``."""
    if gate.min is not None:
        return f"{gate.metric} ≥ {gate.min:g}"
    if gate.max is not None:
        return f"{gate.metric} ≤ {gate.max:g}"
    return f"{gate.metric} not below the champion by more than {gate.not_worse_than_champion:g}"


def judge_gate(gate: Gate, metrics: Sequence[Metric], has_champion: bool) -> GateResult:
    """Hold one gate against the metrics: a missing metric cannot be judged; without a champion, a gate that compares is not applied."""
    metric = next((item for item in metrics if item.name == gate.metric), None)
    if metric is None or metric.candidate != metric.candidate:
        known = ", ".join(item.name for item in metrics)
        return GateResult(gate_text(gate), gate.metric, "cannot be judged", f"'{gate.metric}' was not computed; known metrics: {known}")
    if gate.not_worse_than_champion is not None:
        return _against_champion(gate, metric, gate.not_worse_than_champion, has_champion)
    limit = gate.min if gate.min is not None else gate.max
    room = metric.candidate - limit if gate.min is not None else limit - metric.candidate
    return _result(gate, room, f"{metric.candidate:.4f}")


def verdict(results: Sequence[GateResult]) -> tuple[Verdict, list[str]]:
    """The verdict over all gates and, when it is not *promote*, the reasons. No gate at all cannot be judged."""
    if not results:
        return "cannot judge", ["params.yaml on main has no gates; add at least one under `gates:`"]
    unknown = [f"{item.gate}: {item.detail}" for item in results if item.outcome == "cannot be judged"]
    failed = [f"{item.gate}: {item.detail}" for item in results if item.outcome == "fail"]
    if unknown:
        return "cannot judge", unknown + failed
    if all(item.outcome == "not applied" for item in results):
        return "cannot judge", [
            "there is no champion yet and no gate has an absolute limit; add one, for example {metric: roc_auc, min: 0.8}"
        ]
    return ("hold", failed) if failed else ("promote", [])


def _against_champion(gate: Gate, metric: Metric, margin: float, has_champion: bool) -> GateResult:
    if not has_champion:
        return GateResult(gate_text(gate), gate.metric, "not applied", "no champion yet")
    if metric.champion is None:
        return GateResult(gate_text(gate), gate.metric, "not applied", "the champion cannot score the current contract")
    loss = metric.champion - metric.candidate if metric.higher_is_better else metric.candidate - metric.champion
    return _result(gate, margin - loss, f"{metric.candidate:.4f} against {metric.champion:.4f}")


def _result(gate: Gate, room: float, values: str) -> GateResult:
    if room >= 0:
        return GateResult(gate_text(gate), gate.metric, "pass", f"{values}, {room:.4f} to spare")
    return GateResult(gate_text(gate), gate.metric, "fail", f"{values}, {-room:.4f} short")


def parameters(ours: Params, theirs: Params) -> list[Change]:
    """The parameters that differ, by dotted name, in the order of ``params.yaml``."""
    old, new = _flat(msgspec.to_builtins(ours)), _flat(msgspec.to_builtins(theirs))
    names = list(dict.fromkeys([*old, *new]))
    return [Change(name, _text(old.get(name)), _text(new.get(name))) for name in names if old.get(name) != new.get(name)]


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    if isinstance(value, dict) and value:
        return {key: item for part, inner in value.items() for key, item in _flat(inner, f"{name}.{part}" if name else str(part)).items()}
    return {name: value}


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
