"""ROC AUC, its variance, and the covariance of two models on the same rows, after DeLong.

DeLong, DeLong, Clarke-Pearson: Comparing the areas under two or more correlated receiver operating characteristic curves (Biometrics 44,
1988); in the fast form by midranks of Sun and Xu: Fast implementation of DeLong's algorithm (IEEE Signal Processing Letters 21, 2014).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Placements:
    """The structural components of one AUC: for each positive row the share of negative rows ranked below it (ties count half), for
    each negative row the share of positive rows ranked above it. Both have the AUC as their mean."""

    positives: np.ndarray
    negatives: np.ndarray

    @property
    def auc(self) -> float:
        """The area under the ROC curve; NaN without rows of both classes."""
        return float(self.positives.mean()) if len(self.positives) and len(self.negatives) else np.nan

    @property
    def variance(self) -> float:
        """The variance of the AUC; NaN with fewer than two rows of a class."""
        return float(covariance([self])[0, 0])

    def __sub__(self, other: "Placements") -> "Placements":
        """The components of the difference of two AUCs on the same rows."""
        return Placements(self.positives - other.positives, self.negatives - other.negatives)


def placements(positive: np.ndarray, scores: np.ndarray, order: np.ndarray | None = None) -> Placements:
    """The components of the AUC of ``scores`` [n] for the mask of ``positive`` rows [n]; ``order`` sorts the scores, where it is known."""
    order = np.argsort(scores, kind="stable") if order is None else order
    chosen = positive[order]
    above, below = int(chosen.sum()), int(len(chosen) - chosen.sum())
    if not above or not below:
        return Placements(np.full(above, np.nan), np.full(below, np.nan))
    ranks = _midranks(scores[order])
    ranks[chosen] = (ranks[chosen] - _midranks(scores[order[chosen]])) / below
    ranks[~chosen] = 1 - (ranks[~chosen] - _midranks(scores[order[~chosen]])) / above
    placed = np.empty(len(order))
    placed[order] = ranks
    return Placements(placed[positive], placed[~positive])


def covariance(models: Sequence[Placements]) -> np.ndarray:
    """The covariance [k, k] of the AUCs of k models on the same rows; NaN with fewer than two rows of a class."""
    above, below = np.stack([model.positives for model in models]), np.stack([model.negatives for model in models])
    if min(above.shape[1], below.shape[1]) < 2:
        return np.full((len(models), len(models)), np.nan)
    return np.atleast_2d(np.cov(above) / above.shape[1] + np.cov(below) / below.shape[1])


def _midranks(ordered: np.ndarray) -> np.ndarray:
    """Ranks from 1 of sorted values; equal values share the mean of their ranks."""
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    ends = np.append(starts[1:], len(ordered))
    return np.repeat((starts + ends + 1) / 2, ends - starts)
