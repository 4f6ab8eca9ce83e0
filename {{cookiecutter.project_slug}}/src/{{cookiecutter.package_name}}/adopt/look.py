"""Goes over the cells of a table once, column by column, in little memory: numbers as numbers, texts once each."""

import hashlib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from . import AdoptError
from .read import Source

CHUNK = 20_000
_SIGNS = b"0123456789+-.eE\n"
_LEADING_ZERO = re.compile(r"^[+-]?0[0-9]", re.MULTILINE)


@dataclass
class Column:
    """One column: either ``numbers`` (float64, NaN where a cell is empty), or ``texts`` with ``codes``, the place of each row's among them.

    ``pointed``: a number is written with a point or an exponent. ``zeros``: one begins with 0, as codes and telephone numbers do.
    """

    name: str
    numbers: np.ndarray | None = None
    texts: list[str] = field(default_factory=list)
    codes: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    pointed: bool = False
    zeros: bool = False

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.codes if self.numbers is None else self.numbers)

    def counts(self) -> np.ndarray:
        """How many rows have each of the texts."""
        return np.bincount(self.codes, minlength=len(self.texts))

    def fingerprint(self) -> bytes:
        """Equal for columns with equal cells."""
        made = hashlib.blake2b(digest_size=16)
        if self.numbers is not None:
            made.update(self.numbers.data)
        else:
            made.update(np.ascontiguousarray(self.codes).data)
            made.update("\0".join(self.texts).encode("utf-8", "surrogatepass"))
        return made.digest()


def look(source: Source, as_text: Collection[str], only: Collection[str] | None = None) -> dict[str, Column]:
    """Every column (or ``only`` some) by its name; those in ``as_text`` with their cells exactly as they are written."""
    columns = _scan(source, [name for name in source.names if only is None or name in only], as_text)
    again = [name for name, column in columns.items() if column is None]  # numbers at first, and something else far below
    if again:
        columns |= _scan(source, again, again)
    found = {name: column for name, column in columns.items() if column is not None}
    if not next(iter(found.values())).rows:
        raise AdoptError(f"{source.origin}: has a header and no rows")
    return found


def _scan(source: Source, names: list[str], as_text: Collection[str]) -> dict[str, Column | None]:
    builders = [(source.names.index(name), _Builder(name, name not in as_text)) for name in names]
    rows = source.rows()
    for chunk in _chunks(rows):
        cells = list(zip(*chunk, strict=True))
        for place, builder in builders:
            builder.add(cells[place])
    return {builder.name: builder.column() for _, builder in builders}


def _chunks(rows: Iterator[list[str]]) -> Iterator[list[list[str]]]:
    while chunk := list(islice(rows, CHUNK)):
        yield chunk


class _Builder:
    """Takes a column in parts."""

    def __init__(self, name: str, numeric: bool) -> None:
        self.name, self.numeric, self.flipped = name, numeric, False
        self.pointed = self.zeros = False
        self.numbers: list[np.ndarray] = []
        self.texts: dict[str, int] = {}
        self.codes: list[NDArray[np.int32]] = []

    def add(self, cells: tuple[str, ...]) -> None:
        if self.flipped:
            return
        if self.numeric:
            found = self._numbers(cells)
            if found is not None:
                self.numbers.append(found)
                return
            self.numeric, self.flipped, self.numbers = False, bool(self.numbers), []
            if self.flipped:
                return
        known = self.texts
        self.codes.append(np.fromiter((known.setdefault(text, len(known)) for text in cells), dtype=np.int32, count=len(cells)))

    def _numbers(self, cells: tuple[str, ...]) -> np.ndarray | None:
        joined = "\n".join(cells)
        if not joined.isascii() or joined.encode().translate(None, _SIGNS):
            return None
        try:
            found = np.array([text or "nan" for text in cells], dtype=object).astype(np.float64)
        except ValueError:
            return None
        if np.isinf(found).any():
            return None
        self.pointed = self.pointed or "." in joined or "e" in joined or "E" in joined
        self.zeros = self.zeros or (not self.pointed and _LEADING_ZERO.search(joined) is not None)
        return found

    def column(self) -> Column | None:
        """None when it must be gone over again as text."""
        if self.flipped:
            return None
        if self.numeric:
            return Column(self.name, np.concatenate(self.numbers or [np.zeros(0)]), pointed=self.pointed, zeros=self.zeros)
        return Column(self.name, texts=list(self.texts), codes=np.concatenate(self.codes or [np.zeros(0, dtype=np.int32)]))
