"""Chooses the decision threshold on the validation rows."""

import numpy as np
from sklearn.metrics import confusion_matrix

from ..params_types import Threshold


def choose(labels: np.ndarray, probabilities: np.ndarray, wanted: Threshold) -> float:
    """The fixed value, or the threshold with the best objective; of equally good ones the lowest.

    Candidates lie midway between neighbouring probabilities that differ by at least 0.0001: no row of a model with few distinct
    probabilities then lies on the threshold itself, where rounding would decide.
    """
    if wanted.value is not None:
        return wanted.value
    steps = np.unique(np.round(probabilities.astype(np.float64), 4))
    candidates = np.round((steps[1:] + steps[:-1]) / 2, 6)
    if len(candidates) == 0:
        return 0.5
    scores = [_score(labels, probabilities >= one, wanted.objective) for one in candidates]
    return float(candidates[int(np.argmax(scores))])


def _score(labels: np.ndarray, chosen: np.ndarray, objective: str | None) -> float:
    (true_negative, false_positive), (false_negative, true_positive) = confusion_matrix(labels, chosen, labels=[0, 1])
    if objective == "accuracy":
        return (true_positive + true_negative) / len(labels)
    return 2 * true_positive / (2 * true_positive + false_positive + false_negative)
