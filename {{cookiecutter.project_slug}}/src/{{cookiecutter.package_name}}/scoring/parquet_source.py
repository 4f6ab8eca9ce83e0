"""Reads Parquet by row groups, with texts as codes into the few different ones, so that no Python string is made per row."""

import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import types

from ..contract import Contract, ContractError
from . import ScoringError
from .source import CHUNK, Block, Piece, chosen

PIECE = 262_144  # rows at which a piece is closed; a row group is never divided
_BUFFER = 1024**2


class ParquetSource(msgspec.Struct, frozen=True):
    """A Parquet file, see :class:`.source.Source`."""

    path: Path
    size: int
    coded: tuple[str, ...]
    columns: tuple[str, ...]
    keep: tuple[str, ...]
    unit: str = " rows"

    def pieces(self) -> Iterator[Piece]:
        """Neighbouring row groups of at least :data:`PIECE` rows together."""
        about = _open(self.path, self.coded).metadata
        start, rows, number = 0, 0, 0
        for group in range(about.num_row_groups):
            rows += about.row_group(group).num_rows
            if rows >= PIECE or (rows and group == about.num_row_groups - 1):
                yield Piece(number, start, group + 1, rows)
                start, rows, number = group + 1, 0, number + 1

    def blocks(self, piece: Piece) -> Iterator[Block]:
        """Blocks of at most :data:`.source.CHUNK` rows."""
        file = _open(self.path, self.coded)
        groups = range(piece.start, piece.stop)
        try:
            for batch in file.iter_batches(CHUNK, row_groups=groups, columns=list(self.columns), use_threads=False):
                yield Block(batch.num_rows, {name: batch.column(name) for name in self.columns})
        except (pa.ArrowInvalid, OSError) as error:
            what = f"row groups {piece.start} to {piece.stop - 1} cannot be read ({error})"
            raise ScoringError(f"{self.path}: {what}; write it again") from None


def open_parquet(path: Path, contract: Contract, keep: tuple[str, ...] | None) -> ParquetSource:
    """The source for a Parquet file; raises what :func:`.source.open_source` does."""
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise ScoringError(f"{path}: is not a Parquet file ({error}); write it again") from None
    with file:
        schema, rows = file.schema_arrow, file.metadata.num_rows
    for name in schema.names:
        if schema.names.count(name) > 1:
            raise ContractError(f"{path}: has two columns {name!r}; rename one")
    kept = chosen(path, schema.names, contract, keep)
    for column in contract.columns:
        found = schema.field(column.name).type
        if not (_is_text(found) if column.type == "category" else _is_number(found)) and not types.is_null(found):
            wanted = "text" if column.type == "category" else "a number"
            raise ContractError(f"{path}: column {column.name!r} is of type {found}, the model's contract asks for {wanted}; convert it")
    coded = tuple(name for name in contract.categorical if not types.is_null(schema.field(name).type))
    names = tuple(dict.fromkeys((*contract.numeric, *contract.categorical, *kept)))
    return ParquetSource(path, rows, coded, names, kept)


class _Opened(threading.local):
    """The file that a thread reads from, with what it was opened for."""

    key: tuple[Path, tuple[str, ...]] | None = None
    file: pq.ParquetFile


_opened = _Opened()


def _open(path: Path, coded: tuple[str, ...]) -> pq.ParquetFile:
    if _opened.key != (path, coded):
        _opened.file = pq.ParquetFile(path, read_dictionary=list(coded), buffer_size=_BUFFER, pre_buffer=False)
        _opened.key = (path, coded)
    return _opened.file


def _is_text(kind: pa.DataType) -> bool:
    plain = kind.value_type if types.is_dictionary(kind) else kind
    return bool(types.is_string(plain) or types.is_large_string(plain) or types.is_string_view(plain))


def _is_number(kind: pa.DataType) -> bool:
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))
