"""The columns that are no inputs: the one that names the rows, and the one of their times."""

import re
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd

from . import AdoptError, decide, texts
from .look import Column
from .options import Options

_NUMERALS: tuple[tuple[str | None, str, Literal["s", "ms"] | None], ...] = (
    ("%Y%m%d", r"(?:19|20)\d{6}", None),
    (None, r"\d{9,10}", "s"),
    (None, r"\d{12,13}", "ms"),
)


def found_id(columns: Mapping[str, Column], chosen: Options) -> str | None:
    """The first column that is called like an id and names every row."""
    for name, column in columns.items():
        if name in (chosen.target, chosen.time, *chosen.keep) or not decide.is_id_name(name):
            continue
        if column.numbers is not None:
            unique = not column.pointed and not np.isnan(column.numbers).any() and len(np.unique(column.numbers)) == column.rows
        else:
            unique = len(column.texts) == column.rows and all(text.strip() for text in column.texts)
        if unique:
            return name
    return None


def check_id(column: Column) -> None:
    """Raises :class:`AdoptError` unless the column names every row, each otherwise."""
    counts = column.counts()
    if "" in column.texts:
        raise AdoptError(f"ID={column.name}: is empty in {counts[column.texts.index('')]:,} rows; leave ID out to have one made")
    if len(column.texts) < column.rows:
        most = int(counts.argmax())
        raise AdoptError(
            f"ID={column.name}: does not name single rows, {column.texts[most]!r} stands in {counts[most]:,} of them; leave ID out to "
            "have one made"
        )


def times(column: Column, chosen: Options) -> tuple[str, ...]:
    """What each distinct text of a column is by ISO 8601, empty where it is missing; raises :class:`AdoptError` for other things."""
    clean = decide.written(column, chosen)
    present = [text for text in clean if text and not texts.is_missing_word(text)]
    found = texts.dates(present, chosen.dates) or _years(present)
    if found is None:
        raise AdoptError(f"TIME={column.name}: holds other things than dates, for instance {present[0][:30] if present else ''!r}")
    written, unsure = found
    if unsure:
        raise AdoptError(f"TIME={column.name}: is {present[0]!r} written day first or month first? Say DATES=dmy or DATES=mdy")
    iso = dict(zip(present, written, strict=True))
    return tuple(iso.get(text, "") for text in clean)


def _years(present: Sequence[str]) -> tuple[list[str], bool] | None:
    """Years, months as 2024-05, days as 20240531, and seconds or milliseconds since 1970."""
    if present and all(re.fullmatch(r"(?:1[5-9]|2[01])\d\d(?:-(?:0[1-9]|1[0-2]))?", text) for text in present):
        return list(present), False
    for form, pattern, unit in _NUMERALS:
        if present and all(re.fullmatch(pattern, text) for text in present):
            values = pd.Series(present)
            found = pd.to_datetime(values, format=form, errors="coerce") if form else pd.to_datetime(values.astype("int64"), unit=unit)
            return None if found.isna().any() else ([one.isoformat() for one in found], False)
    return None
