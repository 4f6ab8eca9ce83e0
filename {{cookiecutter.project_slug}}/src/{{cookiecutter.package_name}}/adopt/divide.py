"""Chooses the split: by the rows' ids, or by time; one that gives each side enough rows of each class."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd

from .. import dataset
from ..params import Split
from . import AdoptError

SHARES = ((0.2, 0.15), (0.2, 0.2), (0.25, 0.25), (0.3, 0.3))
SALTS = 20
LARGE = 20_000  # rows: with so many, and classes of a hundred, chance leaves no side short
LARGE_CLASS = 200
TIME_SHARES = (0.65, 0.8)


def by_id(ids: Callable[[], Sequence[str]], targets: np.ndarray, classes: Sequence[str], salt: str) -> Split:
    """The first of some splits that every side can be made of; raises :class:`AdoptError` when there is none.

    ``ids`` gives the rows' ids; it is asked only where there are so few rows that chance could leave a side short.
    """
    counts = [int((targets == name).sum()) for name in classes]
    if len(targets) >= LARGE and min(counts, default=LARGE_CLASS) >= LARGE_CLASS:
        return Split(*SHARES[0], salt)
    series = pd.Series(list(ids()), dtype=object)
    for split in _candidates(salt):
        if enough(dataset.side(series, split), targets, classes) is None:
            return split
    least = 3 * dataset.FEWEST_ROWS
    raise AdoptError(f"{len(series)} rows cannot be split into rows to train, to choose a threshold and to test (about {2 * least} can)")


def by_time(name: str, times: Sequence[str], targets: np.ndarray, classes: Sequence[str]) -> Split:
    """The newest fifth of the rows tests; the 15 % before it choose the threshold. Raises :class:`AdoptError` when a side lacks rows."""
    order = np.sort(np.array(times, dtype=object))
    validation, test = (str(order[int(share * len(order))]) for share in TIME_SHARES)
    split = Split(test, validation, time=name)
    short = enough(dataset.side_by_time(pd.Series(list(times), dtype=object), split), targets, classes)
    if short is not None:
        raise AdoptError(f"TIME={name}: split by it, {short}; bring rows of a longer time, or leave TIME out")
    return split


def enough(sides: np.ndarray, targets: np.ndarray, classes: Sequence[str]) -> str | None:
    """What a side lacks, or None."""
    for side in ("train", "validation", "test"):
        rows = targets[sides == side]
        if len(rows) < dataset.FEWEST_ROWS:
            return f"{side} gets {len(rows)} rows, fewer than {dataset.FEWEST_ROWS}"
        for name in classes:
            if (found := int((rows == name).sum())) < dataset.FEWEST_PER_CLASS:
                return f"{side} gets {found} rows of the class {name!r}, fewer than {dataset.FEWEST_PER_CLASS}"
    return None


def _candidates(salt: str) -> Iterator[Split]:
    for number in range(1, SALTS + 1):
        for shares in SHARES:
            yield Split(*shares, salt if number == 1 else f"{salt}-{number}")
