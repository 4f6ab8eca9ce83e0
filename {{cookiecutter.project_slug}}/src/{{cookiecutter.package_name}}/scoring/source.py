"""What a file of rows is to scoring: pieces that are scored one by one, and the blocks of columns in each."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa

from ..contract import Contract, Violation
from . import ScoringError

CHUNK = 65_536  # rows that are checked and scored at once; measured: fewer are slower, more need more memory for nothing


class Piece(NamedTuple):
    """A part of a file that is scored in one go: row groups or bytes from ``start`` up to ``stop``; ``size`` is in the source's unit."""

    number: int
    start: int
    stop: int
    size: int


class Block(NamedTuple):
    """Some rows of a piece.

    ``columns`` are of one length; ``places`` says which row of the block each entry is, None when all ``rows`` are there. ``raw`` has
    the text of those columns of numbers that hold something else as well. ``broken`` are the rows that could not even be read.
    """

    rows: int
    columns: dict[str, pa.Array]
    places: np.ndarray | None = None
    raw: Mapping[str, pa.Array] = MappingProxyType({})
    broken: tuple[Violation, ...] = ()

    @property
    def entries(self) -> int:
        """The length of the columns."""
        return len(next(iter(self.columns.values())))

    def rows_of(self, entries: np.ndarray) -> np.ndarray:
        """Which rows of the block these entries of its columns are."""
        return entries if self.places is None else self.places[entries]


class Source(Protocol):
    """A file to score. It can be pickled, so that other processes read it too."""

    @property
    def path(self) -> Path:
        """The file."""
        ...

    @property
    def size(self) -> int:
        """How large it is, in its unit."""
        ...

    @property
    def unit(self) -> str:
        """What pieces are measured in, as it is written behind a number."""
        ...

    @property
    def keep(self) -> tuple[str, ...]:
        """The columns to carry over."""
        ...

    def pieces(self) -> Iterator[Piece]:
        """The pieces in the order of the file, always the same ones for the same file."""
        ...

    def blocks(self, piece: Piece) -> Iterator[Block]:
        """The rows of a piece: the contract's columns and the kept ones."""
        ...


def open_source(path: Path, contract: Contract, keep: tuple[str, ...] | None) -> Source:
    """The source for a file, by its name's ending. ``keep`` are columns to carry over; None: those that the contract does not name.

    Raises:
        ScoringError: there is no such file, it is neither CSV nor Parquet, or has no rows to read.
        ContractError: it lacks a column of the contract, or has it with another type.
    """
    if not path.is_file():
        raise ScoringError(f"{path}: no such file; name a CSV or Parquet file")
    if path.suffix == ".csv":
        from .csv_source import open_csv

        return open_csv(path, contract, keep)
    if path.suffix in (".parquet", ".pq"):
        from .parquet_source import open_parquet

        return open_parquet(path, contract, keep)
    raise ScoringError(f"{path}: ends neither in .csv nor in .parquet; convert it to one of them")


def chosen(path: Path, found: list[str], contract: Contract, keep: tuple[str, ...] | None) -> tuple[str, ...]:
    """The columns to carry over to the output, of those that a file has.

    Raises:
        ScoringError: it lacks one that is to be kept. ContractError: it lacks one of the contract's.
    """
    from ..contract import ContractError

    known = {column.name for column in contract.columns}
    if missing := [column.name for column in contract.columns if column.name not in found]:
        lacking = f"has no column {', '.join(map(repr, missing))}, which the model's contract asks for"
        raise ContractError(f"{path}: {lacking}; it has {', '.join(found)}")
    if keep is None:
        return tuple(name for name in found if name not in known)
    if missing := [name for name in keep if name not in found]:
        raise ScoringError(f"{path}: has no column {', '.join(map(repr, missing))}, which --keep names; it has {', '.join(found)}")
    return keep
