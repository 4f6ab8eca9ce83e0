"""Reads the rows of one contract: the quick way for rows that hold to it, and a slow way that says what does not.

The quick way lets msgspec check types, ranges and categories while it decodes, and turn texts into codes. It accepts nothing that the
contract refuses (numbers as 64-bit floating point); what it does not accept is read once more and checked by the contract itself, which
also has the words for it.
"""

import enum
import math
import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Self

import msgspec
import numpy as np

from ..coding import Coding, codes_of
from ..contract import FLOAT32_MAX, Column, Contract, Violation
from .refused import RefusedError, broken, deep, not_objects, too_many

MOST_ROWS = 1000
SHAPE = 'send one record {"column": value, …}, a list of records, or {"records": [...]}'
_WHOLE = 2**53
_FEW = 256  # whole numbers that are listed: to look one up is quicker than to make it a floating point number, and lists take time to make
_NOTHING = Annotated[str, msgspec.Meta(min_length=1, max_length=0)]
_BOM = b"\xef\xbb\xbf"
_MANY = re.compile(rb"\s*\[")
_WRAPPED = re.compile(rb'\s*\{\s*"records"\s*:\s*\[')

Table = Sequence[tuple[Any, ...]]


class Rows(msgspec.Struct, frozen=True, gc=False):
    """Rows that hold to a contract: how many, and their bytes as :class:`..coding.Coding` codes them."""

    count: int
    data: bytes


class Reader:
    """Reads the rows of a contract."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.names = tuple(column.name for column in contract.columns)
        self._coding = Coding(contract)
        self._pack = struct.Struct(f"{len(self.names)}f").pack
        self._optional = [(place, self._coding.missing[place]) for place, column in enumerate(contract.columns) if column.missing]
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
        return self._packed(found) if 0 < len(found) <= MOST_ROWS else self._slow(body)

    def table(self, rows: Table) -> Rows | list[Violation]:
        """Rows whose values are typed already (numbers, texts or None, in the order of the columns), or every rule that they break."""
        try:
            return self._packed(msgspec.convert(rows, self._rows))
        except msgspec.MsgspecError:
            return self._checked([dict(zip(self.names, row, strict=True)) for row in rows])

    def matrix(self, parts: Iterable[Rows]) -> np.ndarray:
        """The rows of some requests as the model takes them, float32 ``[n, k + m]``."""
        return np.frombuffer(b"".join([part.data for part in parts]), dtype=np.float32).reshape(-1, len(self.names))

    def _packed(self, records: list[msgspec.Struct]) -> Rows:
        pack = self._pack
        try:
            return Rows(len(records), b"".join([pack(*row) for row in map(msgspec.structs.astuple, records)]))
        except struct.error:  # a value is missing, and None is no number
            return Rows(len(records), self._filled(records))

    def _filled(self, records: list[msgspec.Struct]) -> bytes:
        """The bytes of rows with missing values."""
        rows = list(map(list, map(msgspec.structs.astuple, records)))
        for row in rows:
            for place, missing in self._optional:
                if row[place] is None:
                    row[place] = missing
        return b"".join([self._pack(*row) for row in rows])

    def _checked(self, records: Sequence[Any]) -> Rows | list[Violation]:
        """Records by the contract itself."""
        if violations := self.contract.check(records):
            return violations
        return Rows(len(records), self._coding.coded(*self.contract.matrices(records)).tobytes())

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
            found = not_objects(records) or self._checked(records)
        except RecursionError:
            raise deep() from None
        if isinstance(found, list):
            raise broken(found)
        return found


class _Choice(float, enum.Enum):
    """The base of a few values that a column may have: msgspec finds a number by what stands in the body, and makes none anew."""

    def __new__(cls, value: str | int, number: float) -> Self:
        made = float.__new__(cls, number)
        made._value_ = value
        return made


def _kind(column: Column) -> Any:
    """A type for msgspec that accepts values of the column, and no others; a text becomes its code."""
    low, high = (-math.inf if column.min is None else column.min, math.inf if column.max is None else column.max)
    codes = {text: code for text, code in codes_of(column).items() if text or column.missing}
    kind: Any = _NOTHING
    if column.type == "category" and codes:
        kind = _one_of(codes)
    elif column.type == "integer" and low <= _WHOLE and high >= -_WHOLE:
        least, most = math.ceil(max(low, -_WHOLE)), math.floor(min(high, _WHOLE))
        few = 0 <= most - least < _FEW
        kind = _one_of({n: float(n) for n in range(least, most + 1)}) if few else Annotated[int, msgspec.Meta(ge=least, le=most)]
    elif column.type == "number":
        kind = Annotated[float, msgspec.Meta(ge=max(low, -FLOAT32_MAX), le=min(high, FLOAT32_MAX))]
    return kind | None if column.missing else kind


def _one_of(numbers: Mapping[str, float] | Mapping[int, float]) -> Any:
    choice: Any = _Choice
    return choice("Choice", {f"c{place}": one for place, one in enumerate(numbers.items())})


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
