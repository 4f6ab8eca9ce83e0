"""Reads the header of a CSV file without pandas, so that the most frequent mistakes are found in no time."""

import csv
from pathlib import Path

from .contract import ContractError
from .params_check import did_you_mean
from .params_types import Params

OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def check(path: str | Path, params: Params) -> None:
    """Raises :class:`ContractError` unless the file's header has every column that ``params`` names."""
    found = header(path)
    for name, key in wanted(params).items():
        if name not in found:
            raise ContractError(f"{path}: has no column {name!r}, which params.yaml names at {key}{did_you_mean(name, found)}")


def wanted(params: Params) -> dict[str, str]:
    """Each column that is read, and where ``params.yaml`` names it."""
    return {params.data.id: "data.id", params.data.target: "data.target"} | {name: f"columns.{name}" for name in params.columns}


def header(path: str | Path) -> list[str]:
    """The column names. Raises :class:`ContractError` when the file is missing, empty, not UTF-8 or not separated by commas."""
    first = _first_row(path)
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


def not_utf8(path: str | Path) -> ContractError:
    """The error that names the first line that is not UTF-8."""
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
        raise ContractError(
            f"{path}: no such file (params.yaml names it at data.path); restore it with `git checkout -- {path}` or `dvc pull`"
        ) from None
    except UnicodeDecodeError:
        raise not_utf8(path) from None
    except csv.Error as error:
        raise ContractError(f"{path}: line 1 cannot be read ({error}); is a quote missing?") from None
    except OSError as error:
        raise ContractError(f"{path}: cannot be read ({error.strerror}); data.path in params.yaml must name a CSV file") from None
