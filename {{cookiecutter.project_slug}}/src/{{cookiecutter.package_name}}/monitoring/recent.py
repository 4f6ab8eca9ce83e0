"""Reads the newest rows of the prediction log, and the labels that came for them later."""

import csv
import io
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
import numpy as np
import pandas as pd

from ..contract import Contract
from ..prediction_log import Line, time_of, unpack
from ..store.filesystem import connect_light, in_one_line
from ..store.settings import Settings as Place
from . import MonitorError

MOST_ROWS = 200_000
_DAY = 86_400.0  # no file of the log covers more time


@dataclass(frozen=True)
class Recent:
    """Rows of one model in the order of their times ``[n]``.

    ``frame`` has the logged columns of the contract (numbers as float64 with NaN, text with ``""`` for missing), ``answers`` ``[n, k]``
    what the model said, ``keys`` what its clients were told of each row.
    """

    times: np.ndarray
    keys: list[str]
    frame: pd.DataFrame
    answers: np.ndarray

    def part(self, rows: np.ndarray) -> "Recent":
        """The rows of a boolean mask."""
        keys = [key for key, chosen in zip(self.keys, rows.tolist(), strict=True) if chosen]
        return Recent(self.times[rows], keys, self.frame[rows].reset_index(drop=True), self.answers[rows])


class Found(NamedTuple):
    """The lines about one model, oldest first; how many are of other versions; whether there is any file of a log at all."""

    lines: list[Line]
    others: int
    is_log: bool


def read(url: str, since: float, digest: str) -> Found:
    """What the log holds of one model from a Unix time on; of more than 200,000 lines the newest.

    Raises:
        StoreError: the folder or bucket is not there or cannot be read. LogError: a file is no log.
    """
    found: list[Line] = []
    others = 0
    with _reading("log", url):
        system, folder = connect_light(Place("", url))
        if "file" in system.protocol and not system.isdir(folder):  # in a bucket a folder is there with its first file
            raise FileNotFoundError("there is no such folder")
        times = {path: begun for path in system.find(folder) if (begun := time_of(path)) is not None}
    newer = [path for path, begun in times.items() if begun >= since - _DAY]
    for path in sorted(newer, key=lambda path: (times[path], path), reverse=True):
        with _reading("log", url):
            data = system.cat_file(path)
        lines = [line for line in unpack(data, path) if line.time >= since]
        found += (own := [line for line in lines if line.digest == digest])
        others += len(lines) - len(own)
        if len(found) >= MOST_ROWS:
            break
    return Found(sorted(found, key=lambda line: line.time)[-MOST_ROWS:], others, bool(times))


def _reading(key: str, url: str) -> AbstractContextManager[None]:
    return in_one_line(url, "read", f"monitoring.{key}", f"correct monitoring.{key} in params.yaml")


def typed(lines: Iterable[Line], contract: Contract) -> Recent:
    """The lines as columns; those that no line has are left out. A line whose answers do not fit the contract is left out."""
    width = max(1, len(contract.classes))
    kept = [line for line in lines if len(line.answers) == width and None not in line.answers]
    present = {name for line in kept for name in line.inputs}
    frame = {column.name: _typed(kept, column.name, column.type == "category") for column in contract.columns if column.name in present}
    answers = np.array([line.answers for line in kept], dtype=np.float64).reshape(len(kept), width)
    return Recent(np.array([line.time for line in kept]), [line.key for line in kept], pd.DataFrame(frame, index=range(len(kept))), answers)


def _typed(lines: list[Line], name: str, is_text: bool) -> np.ndarray:
    values = [line.inputs.get(name) for line in lines]
    if is_text:
        return np.array(["" if value is None else str(value) for value in values], dtype=object)
    return np.array([value if isinstance(value, int | float) else np.nan for value in values], dtype=np.float32).astype(np.float64)


def labels(url: str, target: str) -> dict[str, dict[str, str]]:
    """Rows of CSV files (one, or all of a folder) with the columns ``request_id`` and ``target``, by request id; later rows win.

    ``request_id`` is ``<request>.<row>``, as the server told its client. Further columns are kept: those that the log may not hold.

    Raises:
        StoreError: the files cannot be read. MonitorError: one lacks a column, or is not UTF-8.
    """
    with _reading("labels", url):
        system, path = connect_light(Place("", url))
        if "file" in system.protocol and not system.exists(path):
            raise FileNotFoundError("there is no such file or folder")
        paths = [path] if system.isfile(path) else sorted(one for one in system.find(path) if one.endswith(".csv"))
        contents = {one: system.cat_file(one) for one in paths}
    found: dict[str, dict[str, str]] = {}
    for one, data in contents.items():
        found |= {row["request_id"]: row for row in _rows(one, data, target)}
    return found


def _rows(path: str, data: bytes, target: str) -> Iterator[dict[str, str]]:
    try:
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        missing = [name for name in ("request_id", target) if name not in (reader.fieldnames or ())]
        if missing:
            raise MonitorError(f"{path}: has no column {missing[0]!r}; labels need 'request_id' and {target!r} (monitoring.labels)")
        yield from reader
    except (UnicodeDecodeError, csv.Error) as error:
        raise MonitorError(f"{path}: cannot be read as CSV in UTF-8 ({error}); correct monitoring.labels") from None


def filled(lines: list[Line], known: dict[str, dict[str, str]], contract: Contract) -> list[Line]:
    """Lines with what their labels' rows hold of the contract's columns, where the log does not have it."""
    numbers, names = set(contract.numeric), [column.name for column in contract.columns]
    made = []
    for line in lines:
        row = known.get(line.key, {})
        more = {name: _value(row[name], name in numbers) for name in names if name in row and name not in line.inputs}
        made.append(msgspec.structs.replace(line, inputs=line.inputs | more) if more else line)
    return made


def _value(text: str | None, is_number: bool) -> float | str | None:
    if not text:
        return None
    try:
        return float(text) if is_number else text
    except ValueError:
        return None
