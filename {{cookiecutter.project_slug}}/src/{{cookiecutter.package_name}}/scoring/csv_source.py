"""Reads CSV in pieces of some megabytes that end where a row ends.

A piece that is clean is read straight into numbers and codes. One that is not is read again as text, to say what stands where.
"""

from collections.abc import Iterator
from csv import Error as CsvError
from csv import reader
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from .. import csv_file
from ..contract import NUMBER, Contract, ContractError, Violation
from . import ScoringError
from .source import Block, Piece, chosen

PIECE = 16 * 1024**2
LONGEST_ROW = 64 * 1024**2


class CsvSource(msgspec.Struct, frozen=True):
    """A CSV file: comma-separated, UTF-8, with a header; see :class:`.source.Source`. ``start`` is the byte where its first row begins."""

    path: Path
    size: int
    names: tuple[str, ...]
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    keep: tuple[str, ...]
    start: int
    unit: str = "B"

    def pieces(self) -> Iterator[Piece]:
        """Byte ranges of about :data:`PIECE`. Raises ContractError where a quote is left open."""
        with self.path.open("rb") as stream:
            begin, number = self.start, 0
            while (end := _end_of_piece(stream, begin, self.path)) > begin:
                yield Piece(number, begin, end, end - begin)
                begin, number = end, number + 1

    def blocks(self, piece: Piece) -> Iterator[Block]:
        """One block: the whole piece."""
        with self.path.open("rb") as stream:
            stream.seek(piece.start)
            data = stream.read(piece.stop - piece.start)
        if len(data) != piece.stop - piece.start:
            raise ScoringError(f"{self.path}: became shorter while it was read; score it again")
        try:
            block = self._typed(data)
        except pa.ArrowInvalid:  # some cell is no number or no text: which one, shows only when all are read as they stand
            block = None
        yield block or self._text(data)

    def _typed(self, data: bytes) -> Block | None:
        """The block, or None when a number in it is not finite: the reader takes the words nan and inf for numbers."""
        kinds = dict.fromkeys(self.keep, pa.string())
        kinds |= dict.fromkeys(self.numeric, pa.float64()) | dict.fromkeys(self.categorical, pa.dictionary(pa.int32(), pa.string()))
        block = _read(data, self.names, kinds)
        clean = all(pc.all(pc.is_finite(block.columns[name])).as_py() is not False for name in self.numeric)
        return block if clean else None

    def _text(self, data: bytes) -> Block:
        block = _read(data, self.names, dict.fromkeys((*self.numeric, *self.categorical, *self.keep), pa.binary()))
        columns, raw, broken = {}, {}, list(block.broken)
        places = np.arange(block.rows) if block.places is None else block.places
        for name, cells in block.columns.items():
            text, unreadable = _decoded(cells)
            if name in self.keep:  # elsewhere the contract refuses it
                rule = "is not UTF-8; save the file with the encoding UTF-8"
                broken += [Violation(int(places[place]), name, text[place].as_py(), rule) for place in unreadable]
            columns[name] = _numbers(text) if name in self.numeric else text
            if name in self.numeric:
                raw[name] = text
        return block._replace(columns=columns, raw=raw, broken=tuple(broken))


def open_csv(path: Path, contract: Contract, keep: tuple[str, ...] | None) -> CsvSource:
    """The source for a CSV file; raises what :func:`.source.open_source` does."""
    size = path.stat().st_size
    if not size:
        raise ScoringError(f"{path}: is empty; bring a header and rows")
    line = _first_line(path)
    names = csv_file.names(path, _header(path, line))
    kept = chosen(path, names, contract, keep)
    return CsvSource(path, size - len(line), tuple(names), contract.numeric, contract.categorical, kept, len(line))


def _first_line(path: Path) -> bytes:
    """The header as it stands, up to the first end of a line that is not inside quotes."""
    line = b""
    with path.open("rb") as stream:
        while (more := stream.readline(LONGEST_ROW)) and len(line) < LONGEST_ROW:
            line += more
            if line.count(b'"') % 2 == 0:
                break
    return line


def _header(path: Path, line: bytes) -> list[str]:
    try:
        return next(reader([line.decode("utf-8-sig")], strict=True), [])
    except (UnicodeDecodeError, CsvError) as error:
        raise ContractError(f"{path}: its header cannot be read ({error}); save the file as CSV with the encoding UTF-8") from None


def _read(data: bytes, names: tuple[str, ...], kinds: dict[str, pa.DataType]) -> Block:
    broken: list[Violation] = []

    def refuse(row: csv.InvalidRow) -> str:
        rule = f"the row has {row.actual_columns} fields, the header has {row.expected_columns}"
        broken.append(Violation(row.number - 1, "", row.text, rule))
        return "skip"

    table = csv.read_csv(
        pa.BufferReader(data),
        csv.ReadOptions(column_names=names, use_threads=False, block_size=len(data) + 1),
        csv.ParseOptions(newlines_in_values=True, invalid_row_handler=refuse),
        csv.ConvertOptions(column_types=kinds, include_columns=list(kinds), null_values=[""], strings_can_be_null=True),
    ).combine_chunks()
    rows = len(table) + len(broken)
    places = np.delete(np.arange(rows), [one.row for one in broken]) if broken else None
    columns = {name: _array(table.column(name)) for name in kinds}
    return Block(rows, columns, places, broken=tuple(broken))


def _array(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks else pa.array([], column.type)


def _decoded(cells: pa.Array) -> tuple[pa.Array, list[int]]:
    """Cells as text, and the places of those that are not UTF-8, in which signs stand for what could not be read."""
    try:
        return cells.cast(pa.string()), []
    except pa.ArrowInvalid:
        values = cells.to_pylist()
    texts = [None if value is None else value.decode("utf-8", "replace") for value in values]
    return pa.array(texts, pa.string()), [place for place, (a, b) in enumerate(zip(texts, values, strict=True)) if a and a.encode() != b]


def _numbers(text: pa.Array) -> pa.Array:
    """The numbers among texts: NaN where there is another text, null where there is none."""
    right = pc.match_substring_regex(text, rf"\A(?:{NUMBER})\z")
    numbers = pc.if_else(right, pc.utf8_trim_whitespace(text), pa.scalar("nan")).cast(pa.float64())
    return pc.if_else(pc.is_null(text), pa.scalar(None, pa.float64()), numbers)


def _end_of_piece(stream: BinaryIO, begin: int, path: Path) -> int:
    stream.seek(begin)
    position, quotes = begin, 0
    while data := stream.read(PIECE):
        if end := _last_end(data, quotes):
            return position + end
        quotes += data.count(b'"')
        position += len(data)
        if position - begin > LONGEST_ROW:
            raise _open_quote(path, begin)
    if quotes % 2:
        raise _open_quote(path, begin)
    return position


def _last_end(data: bytes, quotes: int) -> int:
    """Behind the last end of a line that an even number of quotes precedes; 0 when there is none."""
    quotes, end = quotes + data.count(b'"'), len(data)
    while (place := data.rfind(b"\n", 0, end)) >= 0:
        quotes -= data.count(b'"', place, end)
        if quotes % 2 == 0:
            return place + 1
        end = place
    return 0


def _open_quote(path: Path, begin: int) -> ContractError:
    return ContractError(f"{path}: a quote that opens behind byte {begin} does not close; is there a quote too many?")
