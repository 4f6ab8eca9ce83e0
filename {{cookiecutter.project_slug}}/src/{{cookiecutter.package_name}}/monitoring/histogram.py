"""Two samples of a column as shares per bin, to look at."""

from collections import Counter
from itertools import pairwise
from typing import Literal

import numpy as np

BARS = 10
MISSING = "missing"


def histogram(reference: np.ndarray, current: np.ndarray, kind: Literal["number", "category"]) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Titles of at most 12 bins and the shares of both samples in them, to look at.

    Numbers: ten bins of equal width between the 1st and 99th percentile of both, open at both ends. Categories: the eleven with the
    largest share on either side, and the others. Missing values are the last bin, where there are any.
    """
    if kind == "category":
        return _shares_of_text(reference, current)
    present = [side[~np.isnan(side)] for side in (reference, current)]
    low, high = np.quantile(np.concatenate(present), [0.01, 0.99]) if any(map(len, present)) else (0.0, 1.0)
    edges = np.linspace(low, high, BARS + 1)[1:-1] if high > low else np.array([low])
    titles = [f"< {edges[0]:.3g}", *(f"{a:.3g} to {b:.3g}" for a, b in pairwise(edges)), f"≥ {edges[-1]:.3g}"]
    counts = [np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(titles)) for values in present]
    sides = zip(counts, present, (reference, current), strict=True)
    shares = [np.append(count, len(side) - len(values)) / max(1, len(side)) for count, values, side in sides]
    return _without_empty_end([*titles, MISSING], *shares)


def _shares_of_text(reference: np.ndarray, current: np.ndarray) -> tuple[list[str], np.ndarray, np.ndarray]:
    counts = [Counter(side.tolist()) for side in (reference, current)]
    share = [{value: count / len(side) for value, count in one.items()} for one, side in zip(counts, (reference, current), strict=True)]
    ranked = sorted({*share[0], *share[1]} - {""}, key=lambda value: (-max(one.get(value, 0.0) for one in share), value))
    shown = sorted(ranked[: BARS + 1])
    rest = [sum(one.get(value, 0.0) for value in ranked[BARS + 1 :]) for one in share]
    made = [np.array([*(one.get(value, 0.0) for value in shown), more, one.get("", 0.0)]) for one, more in zip(share, rest, strict=True)]
    kept = np.array([True] * len(shown) + [len(ranked) > len(shown), True])
    titles = [title for title, keep in zip([*map(str, shown), "others", MISSING], kept, strict=True) if keep]
    return _without_empty_end(titles, made[0][kept], made[1][kept])


def _without_empty_end(titles: list[str], *shares: np.ndarray) -> tuple[list[str], np.ndarray, np.ndarray]:
    end = len(titles) if any(share[-1] for share in shares) else len(titles) - 1
    return titles[:end], shares[0][:end], shares[1][:end]
