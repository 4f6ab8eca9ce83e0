"""The contract's check over whole columns: the rules of :meth:`..contract.Column.broken`, found fast and told by it."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..coding import codes_of
from ..contract import FLOAT32_MAX, Column, Contract, Violation
from .source import Block


class Checked(NamedTuple):
    """A block's good rows, coded (:mod:`..coding`), and what is wrong with the others.

    ``good`` says which entries of the block's columns they are (None: all), ``places`` which rows of the block.
    """

    rows: np.ndarray
    places: np.ndarray
    good: np.ndarray | None
    violations: list[Violation]


class _Found(NamedTuple):
    """One column, coded, and which entries break its rules, None when none does."""

    values: np.ndarray
    bad: np.ndarray | None


def check(block: Block, contract: Contract) -> Checked:
    """Check a block; violations are in the order of rows and then of the contract's columns.

    As in :meth:`..contract.Contract.check`, a null, and in a column of categories an empty text, is a missing value. Not-a-number is
    not: it is no finite number.
    """
    rules = {column.name: column for column in contract.columns}
    found = {name: _look(rule, block.columns[name]) for name, rule in rules.items()}
    violations = list(block.broken)
    for name, one in found.items():
        if one.bad is not None:
            violations += _told(rules[name], block, np.flatnonzero(one.bad))
    good = _good(block, violations)
    order = {name: number for number, name in enumerate(rules)}
    violations.sort(key=lambda one: (one.row, order.get(one.column, -1)))
    entries = np.arange(block.entries) if good is None else np.flatnonzero(good)
    rows = np.empty((block.entries, len(rules)), dtype=np.float32)
    with np.errstate(over="ignore"):  # a number too large for 32 bits is in a row that goes
        for place, one in enumerate(found.values()):
            rows[:, place] = one.values
    return Checked(rows if good is None else rows[good], block.rows_of(entries), good, violations)


def _look(rule: Column, values: pa.Array) -> _Found:
    return _look_at_texts(rule, values) if rule.type == "category" else _look_at_numbers(rule, values)


def _look_at_numbers(rule: Column, values: pa.Array) -> _Found:
    numbers = values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    missing = values.is_null().to_numpy(zero_copy_only=False) if values.null_count else None
    if _is_clean(rule, numbers if missing is None else numbers[~missing], pa.types.is_integer(values.type)):
        return _Found(numbers, None if rule.missing else missing)
    low, high = _bounds(rule)
    bad = ~((numbers >= low) & (numbers <= high))
    if rule.type == "integer":
        bad |= numbers != np.floor(numbers)
    if missing is not None:
        bad = bad & ~missing if rule.missing else bad | missing
    return _Found(numbers, bad)


def _is_clean(rule: Column, present: np.ndarray, whole: bool) -> bool:
    low, high = _bounds(rule)
    if len(present) and not (low <= present.min() and present.max() <= high):  # a comparison with NaN is false
        return False
    return rule.type != "integer" or whole or bool((present == np.floor(present)).all())


def _bounds(rule: Column) -> tuple[float, float]:
    low = -FLOAT32_MAX if rule.min is None else max(rule.min, -FLOAT32_MAX)
    high = FLOAT32_MAX if rule.max is None else min(rule.max, FLOAT32_MAX)
    return low, high


def _look_at_texts(rule: Column, values: pa.Array) -> _Found:
    coded = values.cast(pa.string()).dictionary_encode() if not pa.types.is_dictionary(values.type) else values
    texts = [*coded.dictionary.to_pylist(), None]
    indices = coded.indices
    if indices.null_count:
        indices = pc.fill_null(indices, pa.scalar(len(texts) - 1, indices.type))
    places = indices.to_numpy(zero_copy_only=False)
    wrong = np.array([rule.broken(text) is not None for text in texts])
    bad = wrong[places] if wrong[: None if coded.indices.null_count else -1].any() else None
    known = codes_of(rule)
    codes = np.array([known.get(text or "", np.nan) for text in texts], dtype=np.float32)
    return _Found(codes[places], bad)


def _told(rule: Column, block: Block, entries: np.ndarray) -> list[Violation]:
    """Each value that breaks a rule, with the rule in the contract's words."""
    column = block.columns[rule.name]
    if rule.type != "category" and not pa.types.is_integer(column.type):
        column = column.cast(pa.float64(), safe=False)
    values = column.take(pa.array(entries)).to_pylist()
    shown = block.raw[rule.name].take(pa.array(entries)).to_pylist() if rule.name in block.raw else values
    violations = []
    for place, value, text in zip(block.rows_of(entries).tolist(), values, shown, strict=True):
        judged = text if value != value else value  # what is no number at all is judged by its text
        violations.append(Violation(place, rule.name, text, str(rule.broken(judged))))
    return violations


def _good(block: Block, violations: list[Violation]) -> np.ndarray | None:
    if not violations:
        return None
    good = ~np.isin(block.rows_of(np.arange(block.entries)), [one.row for one in violations])
    return None if good.all() else good
