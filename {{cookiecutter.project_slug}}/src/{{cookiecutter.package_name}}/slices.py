"""The parts of the rows that are looked at on their own: values of protected columns, then the slices of ``params.yaml``."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from .params import ColumnRule, Params, SliceRule

MISSING = "missing"


class Part(NamedTuple):
    """Some rows: ``mask`` is boolean, ``[n]``. ``name`` is ``column=value``, or the name of a :class:`params.SliceRule`."""

    name: str
    column: str
    protected: bool
    mask: np.ndarray


def parts(frame: pd.DataFrame, params: Params) -> list[Part]:
    """Each slice that has rows, in the order of ``protected``, then ``slices``; a column that is in both is taken once, as protected.

    The values of a column come in the order of its categories, or of its numbers; a missing value is a slice as well, the last one. A
    column that the frame does not have (rows of a pull request that drops it) gives no slice.
    """
    found: list[Part] = []
    for item in _listed(params):
        if isinstance(item, SliceRule):
            mask = _mask(frame[item.column], item) if item.column in frame else np.zeros(len(frame), dtype=bool)
            found += [Part(item.name, item.column, False, mask)] if mask.any() else []
        elif item in frame:
            found += _values(frame[item], params.columns[item], item in params.protected)
    return found


def _listed(params: Params) -> tuple[str | SliceRule, ...]:
    """Protected columns, then slices, each once."""
    return tuple(dict.fromkeys((*params.protected, *params.slices)))


def _values(column: pd.Series, rule: ColumnRule, protected: bool) -> list[Part]:
    titles = column.map(_title)
    order = [str(value) for value in rule.categories] or [_title(value) for value in sorted(column.dropna().unique())]
    present = set(titles)
    kept = [title for title in dict.fromkeys((*order, *sorted(present - {MISSING}), MISSING)) if title in present]
    return [Part(f"{column.name}={title}", str(column.name), protected, (titles == title).to_numpy(dtype=bool)) for title in kept]


def _title(value: str | float) -> str:
    if value == "" or value != value:
        return MISSING
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _mask(column: pd.Series, rule: SliceRule) -> np.ndarray:
    if rule.value is not None:
        return (column == rule.value).to_numpy(dtype=bool)
    if not pd.api.types.is_numeric_dtype(column):  # rows of a pull request that makes it a category
        return np.zeros(len(column), dtype=bool)
    low, high = (-np.inf if rule.min is None else rule.min), (np.inf if rule.max is None else rule.max)
    return column.between(low, high).to_numpy(dtype=bool)
