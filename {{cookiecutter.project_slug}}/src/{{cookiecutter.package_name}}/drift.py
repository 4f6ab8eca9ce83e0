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

from .psi import FEWEST_ROWS, psi

LEVEL = 0.05
LARGE = 0.1
FEW_VALUES = 20
MANY_ROWS = 10_000


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
    then, now = (np.sort(side[~np.isnan(side)]) for side in (reference, current))
    effect, p = _kolmogorov_smirnov(then, now)
    missing = [np.array([len(side) - len(there), len(there)]) for side, there in ((reference, then), (current, now))]
    if missing[0][0] or missing[1][0]:
        p = min(1.0, 2 * min(p, association(*missing)[1]))
    expected, actual = (np.append(counts, gone[0]) for counts, gone in zip(_counts_of_numbers(then, now), missing, strict=True))
    return Drift(psi(expected, actual), effect, p)


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


def _kolmogorov_smirnov(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """D and p of two sorted samples, as ``scipy.stats.ks_2samp(method="asymp")`` gives them, in a third of its time.

    Between two values of the smaller sample its distribution function is flat and the other rises, so D lies beside one of them. For
    many rows p is that of the limit: the law for their number differs by less than a hundredth of p, and takes 80 ms where p is tiny.
    """
    few, many = sorted((one, other), key=len)
    if not len(few):
        return 0.0, 1.0
    starts = np.flatnonzero(_is_first(few))
    before = starts / len(few) - np.searchsorted(many, few[starts], "left") / len(many)
    after = np.append(starts[1:], len(few)) / len(few) - np.searchsorted(many, few[starts], "right") / len(many)
    d = float(np.abs([before, after]).max())
    rows = round(len(few) * len(many) / (len(few) + len(many)))
    p = stats.kstwobign.sf(d * np.sqrt(rows)) if rows > MANY_ROWS else stats.kstwo.sf(d, rows)
    return d, float(np.clip(p, 0, 1))


def _counts_of_text(reference: np.ndarray, current: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    ours, theirs = Counter(reference.tolist()), Counter(current.tolist())
    values = sorted(ours | theirs)
    return np.array([ours[value] for value in values]), np.array([theirs[value] for value in values])


def _counts_of_numbers(reference: np.ndarray, current: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Counts per bin of two sorted samples: each value of the reference and *other* where they are few, else the reference's tenths."""
    known = reference[_is_first(reference)]
    if len(known) > FEW_VALUES:
        edges = np.unique(np.quantile(reference, np.linspace(0.1, 0.9, 9)))
        ends = [np.searchsorted(side, edges, "right") for side in (reference, current)]
        return np.diff(ends[0], prepend=0, append=len(reference)), np.diff(ends[1], prepend=0, append=len(current))
    equal = [np.searchsorted(side, known, "right") - np.searchsorted(side, known, "left") for side in (reference, current)]
    return np.append(equal[0], 0), np.append(equal[1], len(current) - equal[1].sum())


def _is_first(values: np.ndarray) -> np.ndarray:
    """Which of some sorted values differ from the one before."""
    return np.append(True, values[1:] != values[:-1])[: len(values)]
