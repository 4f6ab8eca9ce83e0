"""Reads a CSV file as text, and says what is wrong with the file itself: its place, encoding, delimiter or shape.

Nothing here needs pandas, so that the most frequent mistakes are found in no time.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

from .contract import ContractError
from .params import Params
from .params_check import did_you_mean

OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def check(path: str | Path, params: Params) -> None:
    """Raises :class:`ContractError` unless the file's header has every column that ``params`` names."""
    found = header(path)
    for name, key in wanted(params).items():
        if name not in found:
            raise ContractError(f"{path}: has no column {name!r}, which params.yaml names at {key}{did_you_mean(name, found)}")


def wanted(params: Params) -> dict[str, str]:
    """Each column that is read, and where ``params.yaml`` names it."""
    time = {} if params.split.time is None else {params.split.time: "split.time"}
    return {params.data.id: "data.id", params.data.target: "data.target"} | time | {name: f"columns.{name}" for name in params.columns}


def header(path: str | Path) -> list[str]:
    """The column names. Raises :class:`ContractError` when the file is missing, empty, not UTF-8 or not separated by commas."""
    return names(path, _first_row(path))


def names(path: str | Path, first: list[str]) -> list[str]:
    """The first row of a file as column names; raises :class:`ContractError` when it cannot be that."""
    if not any(name.strip() for name in first):
        raise ContractError(f"{path}: is empty; restore it with `git checkout -- {path}` or `dvc pull`, or bring data")
    for name in first:
        if first.count(name) > 1:
            raise ContractError(f"{path}: column {name!r} stands twice in the header; rename one")
    if len(first) == 1:
        for delimiter, words in OTHER_DELIMITERS.items():
            if delimiter in first[0]:
                raise ContractError(f"{path}: is separated by {words}, not commas; save it as a comma-separated file")
    return first


def read(path: str | Path, columns: list[str]) -> tuple[list[int], list[list[str]]]:
    """The line on which each row begins, and the named columns as text exactly as they stand. Blank lines are left out.

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
        raise _not_utf8(path) from None
    except csv.Error as error:
        last = lines[-1] + 1 if lines else 2
        raise ContractError(f"{path}: line {last} or below cannot be read ({error}); is there a quote too many?") from None
    return lines[1:], rows[1:]


def shown(text: object, limit: int = 40) -> str:
    """A cell for a message: quoted, on one line, not too long."""
    value = repr(str(text))
    return "empty" if text == "" else value if len(value) <= limit else value[: limit - 1] + "…"


def _not_utf8(path: str | Path) -> ContractError:
    data = Path(path).read_bytes()
    try:
        data.decode()
    except UnicodeDecodeError as error:
        number = data.count(b"\n", 0, error.start) + 1
        what = f"line {number} (byte 0x{data[error.start]:02x}) is not UTF-8"
        return ContractError(f"{path}: {what}; save the file with the encoding UTF-8")
    return ContractError(f"{path}: is not UTF-8; save the file with the encoding UTF-8")


def _first_row(path: str | Path) -> list[str]:
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as stream:
            return next(csv.reader(stream, strict=True), [])
    except FileNotFoundError:
        beside = did_you_mean(Path(path).as_posix(), (other.as_posix() for other in Path(path).parent.glob("*.csv")))
        what = f"no such file (params.yaml names it at data.path){beside}"
        raise ContractError(f"{path}: {what}; if it was there, restore it with `git checkout -- {path}` or `dvc pull`") from None
    except UnicodeDecodeError:
        raise _not_utf8(path) from None
    except csv.Error as error:
        raise ContractError(f"{path}: line 1 cannot be read ({error}); is a quote missing?") from None
    except OSError as error:
        raise ContractError(f"{path}: cannot be read ({error.strerror}); data.path in params.yaml must name a CSV file") from None


def _rows(stream: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(stream, strict=True)
    begin = 1
    for row in reader:
        if row:
            yield begin, row
        begin = reader.line_num + 1


def _advice(row: list[str], names: list[str]) -> str:
    return "is the file cut off?" if len(row) < len(names) else "is there a comma or a quote too many?"
