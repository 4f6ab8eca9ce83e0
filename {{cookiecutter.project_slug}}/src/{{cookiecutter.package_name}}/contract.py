"""The data contract: what a row must look like. Training and serving check rows by the same rules; nothing here needs pandas."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
import numpy as np

from . import ProblemError

FLOAT32_MAX = float(np.finfo(np.float32).max)
NUMBER = r"\s*[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\s*"  # a number in a cell of a CSV file
TIME = r"[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2}(?:T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)?)?)?"  # ISO 8601: as text in the order of time
Record = Mapping[str, object]


class ContractError(ProblemError):
    """Rows, or a contract file, that do not hold to the contract."""


class Violation(msgspec.Struct, frozen=True):
    """One broken rule: ``row`` counts from 0, ``value`` is a short representation of what stood there."""

    row: int
    column: str
    value: object
    rule: str


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One input column. ``min`` and ``max`` are inclusive; ``categories`` holds every allowed text; ``missing`` allows null."""

    name: str
    type: Literal["number", "integer", "category"]
    min: float | None = None
    max: float | None = None
    categories: tuple[str, ...] = ()
    missing: bool = False

    def broken(self, value: object) -> str | None:
        """The rule that ``value`` breaks, or None. ``None`` and, for a category, ``""`` mean that the value is missing."""
        if value is None or (value == "" and self.type == "category"):
            return None if self.missing else "is required and cannot be missing"
        return self._broken_text(value) if self.type == "category" else self._broken_number(value)

    def _broken_text(self, value: object) -> str | None:
        if not isinstance(value, str):
            return "must be text"
        return None if value in self.categories else f"must be one of {_listed(self.categories)}"

    def _broken_number(self, value: object) -> str | None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return "must be a number" if self.type == "number" else "must be a whole number"
        if not -FLOAT32_MAX <= value <= FLOAT32_MAX:
            return "must be a finite number that fits into 32-bit floating point"
        if self.type == "integer" and value != math.floor(value):
            return "must be a whole number"
        if self.min is not None and value < self.min:
            return f"must be at least {self.min:g}"
        if self.max is not None and value > self.max:
            return f"must be at most {self.max:g}"
        return None


class Contract(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The input columns of a model (numeric ones first, in the order of the model's inputs) and its classes.

    A binary contract names its classes as (negative, positive), which is also the order of the probabilities; a multi-class one has
    no ``positive``, one of regression no classes either. ``protected`` are the columns that must not be kept without a word.
    """

    model: str
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    columns: tuple[Column, ...]
    classes: tuple[str, ...] = ()
    positive: str | None = None
    protected: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, data: bytes) -> "Contract":
        """Read what :meth:`to_json` wrote; raises :class:`ContractError` when it is anything else."""
        try:
            contract = msgspec.json.decode(data, type=cls)
        except msgspec.DecodeError as error:
            raise ContractError(f"contract.json: {error}; train again to make a new bundle") from None
        names = tuple(column.name for column in contract.columns)
        if names != contract.numeric + contract.categorical or len(set(names)) != len(names):
            raise ContractError("contract.json: columns must be the numeric then the categorical ones, each once; train again")
        if len(set(contract.classes)) != len(contract.classes) or not contract._has_right_classes():
            rule = "classes must be two and one of them positive (binary), three or more (multi-class), or none (regression)"
            raise ContractError(f"contract.json: {rule}, each named once; train again")
        return contract

    def _has_right_classes(self) -> bool:
        if self.positive is None:
            return len(self.classes) not in (1, 2)
        return len(self.classes) == 2 and self.positive in self.classes

    @property
    def problem(self) -> Literal["binary", "multi-class", "regression"]:
        """What the classes say that the model answers."""
        if self.positive is not None:
            return "binary"
        return "multi-class" if self.classes else "regression"

    def scores(self, answers: np.ndarray) -> np.ndarray:
        """What metrics are made of, from a model's answers ``[n, k]``.

        Binary: the probability of the positive class, ``[n]``. Multi-class: the probabilities, ``[n, classes]``. Regression: the
        values, ``[n]``.
        """
        if self.problem == "multi-class":
            return answers
        return answers[:, 0 if self.positive is None else self.classes.index(self.positive)]

    def to_json(self) -> bytes:
        """The contract as JSON text: equal contracts give equal bytes."""
        content = json.dumps(msgspec.to_builtins(self), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
        return content.encode() + b"\n"

    def check(self, records: Sequence[Record]) -> list[Violation]:
        """Every rule that the records break, in the order of rows and then columns; empty when they hold to the contract."""
        violations: list[Violation] = []
        known = {column.name for column in self.columns}
        for row, record in enumerate(records):
            for column in self.columns:
                if column.name not in record:
                    violations.append(Violation(row, column.name, None, "this column is required"))
                elif (rule := column.broken(value := record[column.name])) is not None:
                    violations.append(Violation(row, column.name, short(value), rule))
            for name in sorted(record.keys() - known, key=str):
                violations.append(Violation(row, str(name)[:60], short(record[name]), "this column is not known"))
        return violations

    def matrices(self, records: Sequence[Record]) -> tuple[np.ndarray, np.ndarray]:
        """The model's inputs: float32 ``[n, k]`` with NaN for missing, and text ``[n, m]`` with ``""`` for missing.

        The records must have passed :meth:`check`.
        """
        rows = len(records)
        numbers = [[math.nan if (v := r[name]) is None else v for name in self.numeric] for r in records]
        texts = [[r[name] or "" for name in self.categorical] for r in records]
        numeric = np.array(numbers, dtype=np.float32).reshape(rows, len(self.numeric))
        return numeric, np.array(texts, dtype=object).reshape(rows, len(self.categorical))


def short(value: Any, limit: int = 60) -> str:
    """A representation of any value that fits into a message, at most ``limit`` characters."""
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 128:
        return "an integer of more than 128 bits"
    text = repr(value if not isinstance(value, str) else value[: limit + 1])
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _listed(categories: tuple[str, ...], most: int = 8) -> str:
    more = len(categories) - most
    return ", ".join(repr(text) for text in categories[:most]) + (f" and {more} more" if more > 0 else "")
