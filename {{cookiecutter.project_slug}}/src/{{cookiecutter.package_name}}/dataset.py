"""Reads a data file by the contract, and says which row of which column breaks which rule."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa

from . import csv_file
from .contract import FLOAT32_MAX, NUMBER, TIME, Contract, ContractError
from .params import ColumnRule, Params, Split

MOST_SHOWN = 5
FEWEST_ROWS = 10  # of a side
FEWEST_PER_CLASS = 2
VALUE = ColumnRule("number")  # the target of a regression


def read(path: str | Path, params: Params) -> pd.DataFrame:
    """The rows of a CSV file that hold to the contract of ``params``: id, target, the time of the split if it has one, and
    every column of ``columns``, in file order.

    Numbers (the target of a regression as well) are float64 with NaN for missing, everything else is text with ``""`` for missing;
    only an empty cell is missing, so ``NA`` and ``None`` stay text. Raises :class:`ContractError` with one line that names the file,
    the column, the rule and up to five offending rows by line number and id.
    """
    csv_file.check(path, params)
    wanted = list(csv_file.wanted(params))
    lines, rows = csv_file.read(path, wanted)
    raw = pd.DataFrame(rows, columns=wanted, index=pd.Index(lines, dtype=int), dtype=object)
    if raw.empty:
        raise ContractError(f"{path}: has a header and no rows; bring data")
    frame = pd.DataFrame({name: _typed(path, raw, name, params) for name in wanted}, index=raw.index)
    try:
        schema(params).validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        raise _broken(path, raw, error, params) from None
    return frame.reset_index(drop=True)


def schema(params: Params) -> pa.DataFrameSchema:
    """The contract as a pandera schema of the typed frame: the same rules that :class:`contract.Column` holds a record to."""
    columns = {name: _column(rule) for name, rule in params.columns.items()}
    present = pa.Check.ne("", error="is required and cannot be missing")
    columns[params.data.id] = pa.Column(
        object, [present, pa.Check(lambda ids: ~ids.duplicated(keep=False) | (ids == ""), error="must be different in every row")]
    )
    columns[params.data.target] = _target(params)
    if params.split.time is not None:
        iso = pa.Check.str_matches(f"^{TIME}$", error="must be a time by ISO 8601 without a zone, as in 2024-05-31 or 2024-05-31T12:00")
        columns[params.split.time] = pa.Column(object, [present, iso])
    return pa.DataFrameSchema(columns)


def sides(frame: pd.DataFrame, params: Params) -> np.ndarray:
    """``"train"``, ``"validation"`` or ``"test"`` for each row, by its time where ``params`` names a column of times, else by its id."""
    if params.split.time is not None:
        return side_by_time(frame[params.split.time], params.split)
    return side(frame[params.data.id], params.split)


def side_by_time(times: pd.Series, split: Split) -> np.ndarray:
    """The side of each time: test from ``split.test`` on, validation from ``split.validation`` on, else train; rows never move."""
    values = times.to_numpy(dtype=object)
    return np.where(values >= split.test, "test", np.where(values >= split.validation, "validation", "train"))


def side(ids: pd.Series, split: Split) -> np.ndarray:
    """``"train"``, ``"validation"`` or ``"test"`` for each id: SHA-256 of salt and id as a number in [0, 1), so rows never move."""
    salt = split.salt.encode()
    places = np.array([int.from_bytes(hashlib.sha256(salt + str(one).encode()).digest()[:8]) / 2**64 for one in ids])
    test, validation = float(split.test), float(split.validation)
    return np.where(places < test, "test", np.where(places < test + validation, "validation", "train"))


def matrices(frame: pd.DataFrame, contract: Contract) -> tuple[np.ndarray, np.ndarray]:
    """The model's inputs, as :meth:`contract.Contract.matrices` makes them: float32 ``[n, k]`` and text ``[n, m]``."""
    numeric = frame[list(contract.numeric)].to_numpy(dtype=np.float32)
    return numeric, frame[list(contract.categorical)].to_numpy(dtype=object)


def targets(frame: pd.DataFrame, params: Params) -> np.ndarray:
    """What is to be predicted, ``[n]``: the class as its place in the contract's classes, int64, or the value of a regression, float64.

    A binary contract names the positive class last: 1 is positive.
    """
    column = frame[params.data.target]
    if params.problem == "regression":
        return column.to_numpy(dtype=np.float64)
    return pd.Index(params.contract().classes).get_indexer(pd.Index(column)).astype(np.int64)


def _target(params: Params) -> pa.Column:
    if params.problem == "regression":
        return _column(VALUE)
    one_of = f"must be one of {', '.join(repr(value) for value in params.data.classes[:8])}" + " …" * (len(params.data.classes) > 8)
    return pa.Column(object, pa.Check.isin(params.data.classes, error=one_of))


def _column(rule: ColumnRule) -> pa.Column:
    required = pa.Check(lambda values: values.notna() & (values != ""), error="is required and cannot be missing", ignore_na=False)
    checks = [] if rule.missing else [required]
    if rule.type == "category":
        listed = ", ".join(repr(value) for value in rule.categories[:8]) + (" …" if len(rule.categories) > 8 else "")
        checks.append(pa.Check.isin((*rule.categories, ""), error=f"must be one of {listed}"))
        return pa.Column(object, checks)
    too_large = "must be a finite number that fits into 32-bit floating point"
    checks.append(pa.Check.in_range(-FLOAT32_MAX, FLOAT32_MAX, error=too_large))
    if rule.type == "integer":
        checks.append(pa.Check(lambda values: values == np.floor(values), error="must be a whole number"))
    if rule.min is not None:
        checks.append(pa.Check.ge(rule.min, error=f"must be at least {rule.min:g}"))
    if rule.max is not None:
        checks.append(pa.Check.le(rule.max, error=f"must be at most {rule.max:g}"))
    return pa.Column(float, checks, nullable=True)


def _typed(path: str | Path, raw: pd.DataFrame, name: str, params: Params) -> pd.Series:
    rule = VALUE if params.problem == "regression" and name == params.data.target else params.columns.get(name)
    if rule is None or rule.type == "category":
        return raw[name]
    is_number = raw[name].str.fullmatch(NUMBER).astype(bool)
    wrong = ~is_number & (raw[name] != "")
    if wrong.any():
        what = "must be a number" if rule.type == "number" else "must be a whole number"
        raise _error(path, raw, name, what, raw.index[wrong], params.data.id)
    return pd.to_numeric(raw[name].where(is_number)).astype(float)


def _broken(path: str | Path, raw: pd.DataFrame, error: pa.errors.SchemaErrors, params: Params) -> ContractError:
    """The first broken rule in the order of the columns; a schema reports all of them."""
    cases = error.failure_cases
    column = cases["column"].iloc[0]
    rule = cases.loc[cases["column"] == column, "check"].iloc[0]
    rows = cases.loc[(cases["column"] == column) & (cases["check"] == rule), "index"]
    return _error(path, raw, column, rule, pd.Index(rows.sort_values()), params.data.id)


def _error(path: str | Path, raw: pd.DataFrame, column: str, rule: str, rows: pd.Index, id_column: str) -> ContractError:
    shown = [f"line {row} ({raw.at[row, id_column] or 'no id'!s}): {csv_file.shown(raw.at[row, column])}" for row in rows[:MOST_SHOWN]]
    more = f" and {len(rows) - MOST_SHOWN} more rows" if len(rows) > MOST_SHOWN else ""
    return ContractError(f"{path}: column {column!r} {rule}: {', '.join(shown)}{more}; correct the file, or the rule in params.yaml")
