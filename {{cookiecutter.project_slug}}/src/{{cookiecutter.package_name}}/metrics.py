"""The metrics of a binary model, from its probabilities alone."""

import math
from typing import get_args

import numpy as np
from sklearn import metrics

from .params import Metric

NAMES: tuple[str, ...] = get_args(Metric)
HIGHER_IS_BETTER = frozenset(NAMES) - {"log_loss", "brier"}


def compute(labels: np.ndarray, probabilities: np.ndarray, threshold: float) -> dict[str, float]:
    """Every metric of :data:`NAMES`, in that order.

    ``labels`` are 0 and 1, ``probabilities`` are those of label 1; a row counts as 1 when its probability is at least ``threshold``.
    A metric that is not defined (a ranking when all labels are equal, anything of no rows) is NaN: it is never replaced by a guess.
    """
    if len(labels) == 0:
        return dict.fromkeys(NAMES, math.nan)
    chosen = (probabilities >= threshold).astype(int)
    both = len(np.unique(labels)) == 2
    values = {
        "roc_auc": metrics.roc_auc_score(labels, probabilities) if both else math.nan,
        "pr_auc": metrics.average_precision_score(labels, probabilities) if both else math.nan,
        "log_loss": metrics.log_loss(labels, probabilities, labels=[0, 1]),
        "brier": metrics.brier_score_loss(labels, probabilities, pos_label=1),
        "f1": metrics.f1_score(labels, chosen, zero_division=0.0),
        "precision": metrics.precision_score(labels, chosen, zero_division=0.0),
        "recall": metrics.recall_score(labels, chosen, zero_division=0.0),
        "accuracy": metrics.accuracy_score(labels, chosen),
    }
    return {name: float(values[name]) for name in NAMES}
