"""Reads the rows of one contract: the quick way for rows that hold to it, and a slow way that says what does not.

The quick way lets msgspec check types, ranges and categories while it decodes. It accepts nothing that the contract refuses (numbers as
64-bit floating point); what it does not accept is read once more and checked by the contract itself, which also has the words for it.
"""

import math
import re
from collections.abc import Sequence
from itertools import chain
from typing import Annotated, Any, Literal

import msgspec
import numpy as np

from ..contract import FLOAT32_MAX, Column, Contract, Violation
from .refused import RefusedError, broken, deep, not_objects, too_many

MOST_ROWS = 1000
SHAPE = 'send one record {"column": value, …}, a list of records, or {"records": [...]}'
_WHOLE = 2**53
_NOTHING = Annotated[str, msgspec.Meta(min_length=1, max_length=0)]
_BOM = b"\xef\xbb\xbf"
_MANY = re.compile(rb"\s*\[")
_WRAPPED = re.compile(rb'\s*\{\s*"records"\s*:\s*\[')

Row = tuple[float | str | None, ...]
Rows = list[Row]


class Reader:
    """Reads the rows of a contract. A row is a tuple of values in the order of the contract's columns; None is a missing value."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.names = tuple(column.name for column in contract.columns)
        self._width = len(contract.numeric)
        self._no_text = any(column.missing for column in contract.columns[self._width :])
        places = {f"c{place}": name for place, name in enumerate(self.names)}
        fields = [(place, _kind(column)) for place, column in zip(places, contract.columns, strict=True)]
        record: Any = msgspec.defstruct("Record", fields, rename=places, forbid_unknown_fields=True, gc=False)
        wrapped: Any = msgspec.defstruct("Records", [("records", list[record])], forbid_unknown_fields=True, gc=False)
        row: Any = msgspec.defstruct("Row", fields, array_like=True, forbid_unknown_fields=True, gc=False)
        self._one, self._many = msgspec.json.Decoder(record), msgspec.json.Decoder(list[record])
        self._wrapped, self._rows = msgspec.json.Decoder(wrapped), list[row]

    def about(self, body: bytes) -> int:
        """About how many rows a JSON body holds, from its commas: known without the work of decoding it."""
        return max(1, body.count(b",") // len(self.names))

    def json(self, body: bytes) -> Rows:
        """The rows in a JSON body; raises :class:`RefusedError` for anything that is not 1 to 1000 rows of the contract."""
        body = body.removeprefix(_BOM)
        try:
            found = self._quick(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return self._slow(body)
        return list(map(msgspec.structs.astuple, found)) if 0 < len(found) <= MOST_ROWS else self._slow(body)

    def check(self, rows: Rows) -> list[Violation]:
        """Every rule that rows which were typed already break; their values are numbers, texts or None."""
        try:
            msgspec.convert(rows, self._rows)
        except msgspec.MsgspecError:
            return self.contract.check([dict(zip(self.names, row, strict=True)) for row in rows])
        return []

    def matrices(self, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
        """The model's inputs, as :meth:`contract.Contract.matrices` makes them of records."""
        shape = len(rows), len(self.names)
        values = np.fromiter(chain.from_iterable(rows), dtype=object, count=shape[0] * shape[1]).reshape(shape)
        numeric, texts = values[:, : self._width].astype(np.float32), values[:, self._width :].copy()
        if self._no_text:
            texts[texts == None] = ""  # noqa: E711 - compared value by value
        return numeric, texts

    def _quick(self, body: bytes) -> list[msgspec.Struct]:
        if body.startswith(b"[") or (not body.startswith(b"{") and _MANY.match(body)):
            return self._many.decode(body)
        if _WRAPPED.match(body):
            records: list[msgspec.Struct] = self._wrapped.decode(body).records
            return records
        return [self._one.decode(body)]

    def _slow(self, body: bytes) -> Rows:
        records = _records(_decode(body))
        if not records:
            raise RefusedError(422, f"there is no record in the body; {SHAPE}", [], kind="contract")
        if len(records) > MOST_ROWS:
            raise too_many(len(records), MOST_ROWS)
        try:
            violations = not_objects(records) or self.contract.check(records)
        except RecursionError:
            raise deep() from None
        if violations:
            raise broken(violations)
        return [tuple([record[name] for name in self.names]) for record in records]


def _kind(column: Column) -> Any:
    """A type for msgspec that accepts values of the column, and no others."""
    low, high = (-math.inf if column.min is None else column.min, math.inf if column.max is None else column.max)
    texts = [*(text for text in column.categories if text), *([""] if column.missing else [])]
    kind: Any = _NOTHING
    if column.type == "category" and texts:
        kind = Literal[tuple(texts)]
    elif column.type == "integer" and low <= _WHOLE and high >= -_WHOLE:
        kind = Annotated[int, msgspec.Meta(ge=math.ceil(max(low, -_WHOLE)), le=math.floor(min(high, _WHOLE)))]
    elif column.type == "number":
        kind = Annotated[float, msgspec.Meta(ge=max(low, -FLOAT32_MAX), le=min(high, FLOAT32_MAX))]
    return kind | None if column.missing else kind


def _decode(body: bytes) -> object:
    try:
        return msgspec.json.decode(body)
    except UnicodeDecodeError:
        raise RefusedError(400, "the body is not UTF-8; send JSON in UTF-8") from None
    except RecursionError:
        raise deep() from None
    except msgspec.DecodeError as error:
        reason = "it is empty" if not body.strip() else str(error)
        raise RefusedError(400, f"the body is not JSON ({reason}); {SHAPE}") from None


def _records(content: object) -> Sequence[Any]:
    if isinstance(content, dict):
        if not isinstance(content.get("records"), list):
            return [content]
        if len(content) > 1:
            raise RefusedError(400, f"beside 'records' the body holds other keys; {SHAPE}")
        content = content["records"]
    if not isinstance(content, list):
        raise RefusedError(400, f"the body is a single value; {SHAPE}")
    return content
