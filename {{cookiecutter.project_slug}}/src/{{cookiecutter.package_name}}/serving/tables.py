"""Tables as bodies: CSV, Arrow and Parquet become rows, a few thousand at a time."""

import csv
import importlib.util
import io
import re
from collections.abc import Callable, Iterator
from typing import Any

from ..contract import NUMBER, Column, Contract, Violation
from .reader import Table
from .refused import RefusedError, broken

CHUNK = 4096
_IS_NUMBER = re.compile(NUMBER, re.ASCII).fullmatch
_IS_WHOLE = re.compile(r"[-+]?[0-9]{1,15}").fullmatch

Format = Callable[[bytes, Contract], Iterator[Table]]


def from_csv(body: bytes, contract: Contract) -> Iterator[Table]:
    """The rows of a CSV body with a header, by commas, in UTF-8; an empty cell is a missing value.

    Raises :class:`RefusedError` when it is no such thing, or its columns are not those of the contract. Values are not checked.
    """
    reader = csv.reader(io.StringIO(_text(body), newline=""), strict=True)
    try:
        header = next(reader, [])
        places = _places(header, contract)
        typed = [_typed(column) for column in contract.columns]
        rows: list[tuple[Any, ...]] = []
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                raise RefusedError(400, f"line {reader.line_num} has {len(cells)} fields, the header has {len(header)}; correct the table")
            rows.append(tuple([kind(cells[place]) for kind, place in zip(typed, places, strict=True)]))
            if len(rows) == CHUNK:
                yield rows
                rows = []
    except csv.Error as error:
        raise RefusedError(400, f"line {reader.line_num} of the table cannot be read ({error}); is there a quote too many?") from None
    if rows:
        yield rows


def from_arrow(body: bytes, contract: Contract) -> Iterator[Table]:
    """The rows of an Arrow IPC body, a stream or a file; raises :class:`RefusedError` like :func:`from_csv`."""
    pyarrow = _pyarrow()
    from pyarrow import ipc  # only here: an image has it only where it was added

    is_file = body.startswith(b"ARROW1")
    yield from _batches(pyarrow, lambda: ipc.open_file(body).read_all() if is_file else ipc.open_stream(body).read_all(), contract)


def from_parquet(body: bytes, contract: Contract) -> Iterator[Table]:
    """The rows of a Parquet body; raises :class:`RefusedError` like :func:`from_csv`."""
    pyarrow = _pyarrow()
    from pyarrow import parquet

    yield from _batches(pyarrow, lambda: parquet.read_table(pyarrow.BufferReader(body)), contract)


FORMATS: dict[bytes, Format] = {
    b"text/csv": from_csv,
    b"application/vnd.apache.arrow.stream": from_arrow,
    b"application/vnd.apache.arrow.file": from_arrow,
    b"application/vnd.apache.parquet": from_parquet,
}


def readable() -> list[str]:
    """The media types of the tables that this server can read."""
    return [kind.decode() for kind, table in FORMATS.items() if table is from_csv or _has_pyarrow()]


def _has_pyarrow() -> bool:
    return importlib.util.find_spec("pyarrow") is not None


def _pyarrow() -> Any:
    if not _has_pyarrow():
        raise RefusedError(415, "this server has no pyarrow to read Arrow or Parquet with; send CSV, or install it", kind="media_type")
    import pyarrow

    return pyarrow


def _batches(pyarrow: Any, read: Callable[[], Any], contract: Contract) -> Iterator[Table]:
    try:
        table = read()
        _places(table.column_names, contract)
        for batch in table.select([column.name for column in contract.columns]).to_batches(max_chunksize=CHUNK):
            columns = [values.to_pylist() for values in batch.columns]
            yield [tuple([_plain(value) for value in row]) for row in zip(*columns, strict=True)]
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        reason = str(error).partition("\n")[0][:200]
        raise RefusedError(400, f"the body is not a table that can be read ({reason})") from None


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value != value:  # NaN: pandas writes a missing number so
        return None
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RefusedError(400, f"line {body.count(10, 0, error.start) + 1} of the table is not UTF-8; save it as UTF-8") from None


def _places(header: list[str], contract: Contract) -> list[int]:
    names = [column.name for column in contract.columns]
    rules = {name: "this column is required" for name in names if name not in header}
    rules |= {name: "this column is not known" for name in header if name not in names}
    rules |= {name: "this column stands twice" for name in header if header.count(name) > 1}
    if rules:
        raise broken([Violation(0, name[:60], None, rule) for name, rule in rules.items()])
    return [header.index(name) for name in names]


def _typed(column: Column) -> Callable[[str], float | str | None]:
    if column.type == "category":
        return lambda cell: cell or None
    return _number


def _number(cell: str) -> float | str | None:
    if _IS_WHOLE(cell):
        return int(cell)
    if _IS_NUMBER(cell):
        return float(cell)
    return cell or None
