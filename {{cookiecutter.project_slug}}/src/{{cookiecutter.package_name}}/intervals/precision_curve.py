"""Average precision (PR AUC) of many resamples at once."""

import numpy as np


class Ranking:
    """Cells in the order of a model's scores.

    ``scores`` [cells] rank them, ``positive`` [cells] marks those whose rows are all positive (the others have none), ``order`` sorts
    the scores where it is known.
    """

    def __init__(self, scores: np.ndarray, positive: np.ndarray, order: np.ndarray | None = None) -> None:
        falling = (np.argsort(scores, kind="stable") if order is None else order)[::-1]
        ranked, hit = scores[falling], positive[falling]
        ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
        hits = np.cumsum(hit)[ends]
        useful = np.diff(hits, prepend=0) > 0  # recall grows at these thresholds only
        self._all, self._hits, self._positive = falling, falling[hit], positive
        self._ends, self._hit_ends = ends[useful], hits[useful] - 1

    def average_precision(self, weights: np.ndarray) -> np.ndarray:
        """The mean over positive rows of the precision at their score [b], for weights [b, cells] of which some are of positive rows.

        scikit-learn's ``average_precision_score``: no interpolation; rows of equal scores are accepted together.
        """
        if not len(self._ends):
            return np.full(len(weights), np.nan)
        accepted = np.cumsum(weights[:, self._all], axis=1)[:, self._ends]
        hits = np.cumsum(weights[:, self._hits], axis=1)[:, self._hit_ends]
        steps = np.diff(hits, axis=1, prepend=0)
        means: np.ndarray = (steps * hits / np.maximum(accepted, 1)).sum(axis=1) / hits[:, -1]
        return means

    def influence(self) -> np.ndarray:
        """How fast the average precision of cells of one row grows with the weight of each [cells], where the totals of positive and of
        other rows stay; the mean is 0."""
        accepted, hits = self._ends + 1.0, self._hit_ends + 1.0
        steps = np.diff(hits, prepend=0)
        for_hit = np.append(np.cumsum((steps * (accepted - hits) / accepted**2)[::-1])[::-1], 0.0)
        for_miss = np.append(np.cumsum((steps * hits / accepted**2)[::-1])[::-1], 0.0)
        first = np.searchsorted(self._ends, np.arange(len(self._all)))  # the first threshold that accepts each cell
        ranked = np.where(self._positive[self._all], for_hit[first] + np.append(hits / accepted, 0.0)[first], -for_miss[first])
        found = np.empty(len(ranked))
        found[self._all] = ranked / max(len(self._hits), 1)
        found -= found.mean()
        return found
