"""Chooses the decision threshold of a binary model on the validation rows."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from .. import ProblemError, dataset, metrics
from ..params import Params, Threshold
from ..scorer import Scorer

DIGITS = 4


class ThresholdError(ProblemError):
    """No threshold does what ``params.yaml`` asks for."""


def choose_threshold(scorer: Scorer, validation: pd.DataFrame, chosen: Params) -> float:
    """The fixed value of ``params.yaml``, or what :func:`best` finds for its objective."""
    wanted = chosen.threshold or Threshold()
    if wanted.value is not None:
        return wanted.value
    contract = scorer.bundle.contract
    scores = contract.scores(scorer.answers(*dataset.matrices(validation, contract)))
    cost = chosen.money.cost if chosen.money is not None else 0.0
    return best(wanted, dataset.targets(validation, chosen), scores, metrics.gains(validation, chosen), cost)


def best(wanted: Threshold, labels: np.ndarray, probabilities: np.ndarray, gains: np.ndarray | None = None, cost: float = 0.0) -> float:
    """The threshold with the best objective; of equally good ones the lowest, or with ``recall_at_precision`` the most precise.

    Candidates lie midway between neighbouring probabilities that differ by at least 0.0001 (no row of a model with few distinct
    probabilities then lies on the threshold itself, where rounding would decide), and below and above all of them.

    Raises:
        ThresholdError: no threshold reaches the precision.
    """
    probabilities = probabilities.astype(np.float64)
    steps = np.unique(np.concatenate([[0.0, 1.0], np.round(probabilities, DIGITS)]))
    candidates = np.round((steps[1:] + steps[:-1]) / 2, 6)
    found = _count(candidates, labels, probabilities, gains)
    values = _objective(wanted, found, labels, cost)
    last = len(values) - 1
    place = last - int(np.argmax(values[::-1])) if wanted.objective == "recall_at_precision" else int(np.argmax(values))
    return float(candidates[place])


class _Counts(NamedTuple):
    """For each candidate: rows predicted positive, those that are, and what these bring."""

    predicted: np.ndarray
    right: np.ndarray
    gain: np.ndarray


def _count(candidates: np.ndarray, labels: np.ndarray, probabilities: np.ndarray, gains: np.ndarray | None) -> _Counts:
    order = np.argsort(-probabilities, kind="stable")
    predicted = np.searchsorted(-probabilities[order], -candidates, side="right")
    brings = labels if gains is None else labels * gains
    right, gain = (np.concatenate([[0], np.cumsum(values[order])])[predicted] for values in (labels, brings))
    return _Counts(predicted, right, gain)


def _objective(wanted: Threshold, found: _Counts, labels: np.ndarray, cost: float) -> np.ndarray:
    rows, positives = len(labels), labels.sum()
    values: np.ndarray
    if wanted.objective == "profit":
        values = found.gain - cost * found.predicted
    elif wanted.objective == "accuracy":
        values = 2 * found.right - found.predicted + (rows - positives)
    elif wanted.objective == "recall_at_precision":
        values = _recall_at(wanted.precision or 0.0, found)
    else:
        values = 2 * found.right / (found.predicted + positives)
    return values


def _recall_at(precision: float, found: _Counts) -> np.ndarray:
    """Positives found where the precision is reached, -1 where it is not."""
    reached = found.right / np.maximum(found.predicted, 1)
    values = np.where((found.predicted > 0) & (reached >= precision), found.right, -1)
    if values.max() < 0:
        raise ThresholdError(
            f"params.yaml: threshold.precision {precision:g} is reached by no threshold on the validation rows, the best is "
            f"{reached.max():.3f}; lower it or train a better model"
        )
    return values
