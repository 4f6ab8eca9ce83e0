"""Which columns are no longer as the training rows were, how much, and since when."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .. import drift
from ..contract import Contract
from ..drift import Drift
from ..mermaid import Chart, Series
from ..psi import FEWEST_ROWS
from . import ColumnDrift
from .histogram import histogram
from .recent import Recent
from .reference import Reference

PREDICTIONS = "predictions"
MOST_PARTS = 14
Kind = Literal["number", "category"]


@dataclass(frozen=True)
class _Pair:
    name: str
    kind: Kind
    then: np.ndarray
    now: np.ndarray


def columns(reference: Reference, recent: Recent) -> list[ColumnDrift]:
    """Every logged column and the predictions, drifted ones first, the largest effect on top.

    Two-sample tests with an effect gate, Benjamini-Hochberg over all of them (:mod:`..drift`); at least 300 rows on both sides.
    """
    pairs = list(_pairs(reference, recent))
    found = [drift.compare(pair.then, pair.now, pair.kind) for pair in pairs]
    adjusted = drift.benjamini_hochberg([item.p for item in found])
    told = [_told(pair, item, p, recent.times) for pair, item, p in zip(pairs, found, adjusted, strict=True)]
    return sorted(told, key=lambda item: (not item.drifted, -max(item.effect, item.psi)))


def _pairs(reference: Reference, recent: Recent) -> Iterator[_Pair]:
    contract = reference.model.contract
    for column in contract.columns:
        if column.name in recent.frame:
            kind: Kind = "category" if column.type == "category" else "number"
            yield _Pair(column.name, kind, reference.train[column.name].to_numpy(), recent.frame[column.name].to_numpy())
    then, now = _outcomes(contract, reference.answers), _outcomes(contract, recent.answers)
    yield _Pair(PREDICTIONS, "category" if contract.problem == "multi-class" else "number", then, now)


def _outcomes(contract: Contract, answers: np.ndarray) -> np.ndarray:
    scores = contract.scores(answers)
    if contract.problem == "multi-class":
        likeliest: NDArray[np.intp] = scores.argmax(axis=1)
        return np.array(contract.classes, dtype=object)[likeliest]
    return scores.astype(np.float32).astype(np.float64)


def _told(pair: _Pair, found: Drift, p: float, times: np.ndarray) -> ColumnDrift:
    drifted = drift.has_drifted(found, p, min(len(pair.then), len(pair.now)))
    new = sorted(set(pair.now.tolist()) - set(pair.then.tolist()) - {""}) if pair.kind == "category" else []
    return ColumnDrift(
        name=pair.name,
        drifted=drifted,
        psi=found.psi,
        effect=found.effect,
        p_adjusted=p,
        missing_then=_missing(pair.then),
        missing_now=_missing(pair.now),
        new_categories=[str(value) for value in new],
        since=_since(pair, times) if drifted else None,
        chart=_chart(pair) if drifted else None,
    )


def _missing(values: np.ndarray) -> float:
    return float(np.mean(np.isnan(values) if values.dtype.kind == "f" else values == "")) if len(values) else 0.0


def _since(pair: _Pair, times: np.ndarray) -> float | None:
    """The time of the first row of the oldest part from which on every part is far off; parts have 300 rows or more."""
    since = None
    for part in reversed(np.array_split(np.arange(len(times)), min(MOST_PARTS, max(1, len(times) // FEWEST_ROWS)))):
        found = drift.compare(pair.then, pair.now[part], pair.kind)
        if max(found.psi, found.effect) < drift.LARGE:
            break
        since = float(times[part[0]])
    return since


def _chart(pair: _Pair) -> Chart:
    titles, then, now = histogram(pair.then, pair.now, pair.kind)
    lines = [Series("training", then.tolist()), Series("now", now.tolist())]
    return Chart("histogram", pair.name, "value", "share of rows", titles, lines)
