"""How far two samples of a column lie apart, and whether chance explains it. Needs numpy and scipy alone.

A column has drifted when the difference is both *shown* (adjusted p below :data:`LEVEL`) and *large* (effect or PSI of at least
:data:`LARGE`): among many rows every difference is shown, among few rows a large one is nothing. Under :data:`FEWEST_ROWS` rows on
either side nothing has drifted: there the PSI of equal samples, about (bins - 1)(1/n + 1/m), comes near to what counts as large.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

LEVEL = 0.05
LARGE = 0.1
FEWEST_ROWS = 300
FEW_VALUES = 20
LEAST_SHARE = 1e-4


@dataclass(frozen=True)
class Drift:
    """Two samples of a column: ``effect`` is Kolmogorov and Smirnov's D for numbers and Cramér's V for categories, both in 0 to 1."""

    psi: float
    effect: float
    p: float


def compare(reference: np.ndarray, current: np.ndarray, kind: Literal["number", "category"]) -> Drift:
    """The drift from one sample to another: numbers with NaN for missing, or text with ``""`` for missing.

    Numbers: the two-sample Kolmogorov-Smirnov test of the values that are there. Where some are missing, the share of missing values
    is tested as well and the smaller p of the two is doubled (Bonferroni), so a column that loses its values drifts too. Categories:
    the chi-squared test of independence; a missing value is a category. The PSI has a bin for missing values in both.
    """
    if kind == "category":
        expected, actual = _counts_of_text(reference, current)
        effect, p = association(expected, actual)
        return Drift(psi(expected, actual), effect, p)
    expected, actual = _counts_of_numbers(reference, current)
    effect, p = _kolmogorov_smirnov(reference[~np.isnan(reference)], current[~np.isnan(current)])
    missing = [np.array([np.isnan(side).sum(), (~np.isnan(side)).sum()]) for side in (reference, current)]
    if missing[0][0] or missing[1][0]:
        p = min(1.0, 2 * min(p, association(*missing)[1]))
    return Drift(psi(expected, actual), effect, p)


def psi(expected: np.ndarray, actual: np.ndarray) -> float:
    """The population stability index of two rows of counts per bin: the sum of (a - e) ln(a / e) over shares a and e.

    Shares below 0.0001 count as that much, so an empty bin gives a finite value. 0 where a side has no rows.
    """
    if expected.sum() == 0 or actual.sum() == 0:
        return 0.0
    e, a = (np.maximum(counts / counts.sum(), LEAST_SHARE) for counts in (expected, actual))
    return float(np.sum((a - e) * np.log(a / e)))


def association(reference: np.ndarray, current: np.ndarray) -> tuple[float, float]:
    """Cramér's V and the p-value of the chi-squared test (without Yates' correction) of two rows of counts per category."""
    table = np.array([reference, current])
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2 or not table.sum(axis=1).all():
        return 0.0, 1.0
    found = stats.chi2_contingency(table, correction=False)
    return float(np.sqrt(found.statistic / table.sum())), float(found.pvalue)


def benjamini_hochberg(p: Sequence[float]) -> list[float]:
    """The p-values adjusted for their number: those below a level hold at most that share of false ones (Benjamini & Hochberg, 1995)."""
    return [float(value) for value in stats.false_discovery_control(list(p), method="bh")] if len(p) else []


def has_drifted(drift: Drift, p_adjusted: float, rows: int) -> bool:
    """Whether a column has drifted; ``rows`` counts those of the smaller sample."""
    return rows >= FEWEST_ROWS and p_adjusted < LEVEL and max(drift.effect, drift.psi) >= LARGE


def _kolmogorov_smirnov(reference: np.ndarray, current: np.ndarray) -> tuple[float, float]:
    if not len(reference) or not len(current):
        return 0.0, 1.0
    found = stats.ks_2samp(reference, current, method="asymp")
    return float(found.statistic), float(found.pvalue)


def _counts_of_text(reference: np.ndarray, current: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    ours, theirs = Counter(reference.tolist()), Counter(current.tolist())
    values = sorted(ours | theirs)
    return np.array([ours[value] for value in values]), np.array([theirs[value] for value in values])


def _counts_of_numbers(reference: np.ndarray, current: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Counts per bin: each value of the reference and *other* where they are few, else its tenths; then the missing ones."""
    known = np.unique(reference[~np.isnan(reference)])
    if len(known) > FEW_VALUES:
        edges = np.unique(np.nanquantile(reference, np.linspace(0.1, 0.9, 9)))
        return _bincount(reference, np.searchsorted(edges, reference), 10), _bincount(current, np.searchsorted(edges, current), 10)
    return _bincount(reference, _place(known, reference), len(known) + 1), _bincount(current, _place(known, current), len(known) + 1)


def _place(known: np.ndarray, values: np.ndarray) -> np.ndarray:
    places = np.searchsorted(known, values)
    inside = np.minimum(places, len(known) - 1)
    return np.where(known[inside] == values, inside, len(known)) if len(known) else np.zeros(len(values), dtype=int)


def _bincount(values: np.ndarray, bins: np.ndarray, number: int) -> np.ndarray:
    missing = np.isnan(values)
    return np.append(np.bincount(bins[~missing], minlength=number), missing.sum())
