"""Reads a CSV file as text, and says what is wrong with the file itself: its encoding or its shape."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from .contract import ContractError
from .csv_header import header, not_utf8


def read(path: str | Path, columns: list[str]) -> pd.DataFrame:
    """The named columns as text, exactly as they stand; the index is the line on which a row begins. Blank lines are left out.

    Python's own reader is used because pandas fills up a row that is cut short without a word.
    """
    names = header(path)
    places = [names.index(name) for name in columns]
    lines: list[int] = []
    rows: list[list[str]] = []
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as stream:
            for line, row in _rows(stream):
                if len(row) != len(names):
                    raise ContractError(f"{path}: line {line} has {len(row)} fields, the header has {len(names)}; {_advice(row, names)}")
                lines.append(line)
                rows.append([row[place] for place in places])
    except UnicodeDecodeError:
        raise not_utf8(path) from None
    except csv.Error as error:
        last = lines[-1] + 1 if lines else 2
        raise ContractError(f"{path}: line {last} or below cannot be read ({error}); is there a quote too many?") from None
    return pd.DataFrame(rows[1:], columns=columns, index=pd.Index(lines[1:], dtype=int), dtype=object)


def shown(text: object, limit: int = 40) -> str:
    """A cell for a message: quoted, on one line, not too long."""
    value = repr(str(text))
    return "empty" if text == "" else value if len(value) <= limit else value[: limit - 1] + "…"


def _rows(stream: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(stream, strict=True)
    begin = 1
    for row in reader:
        if row:
            yield begin, row
        begin = reader.line_num + 1


def _advice(row: list[str], names: list[str]) -> str:
    return "is the file cut off?" if len(row) < len(names) else "is there a comma or a quote too many?"
