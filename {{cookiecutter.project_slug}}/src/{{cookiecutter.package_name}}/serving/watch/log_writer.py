"""Writes the prediction log: what the server was asked and answered, sampled (:mod:`...prediction_log` is its format).

What was sampled since the last file is lost when a process is killed. Columns that the contract calls protected are left out unless they
are asked for; free text never comes here, for a contract knows numbers and listed categories alone.
"""

import logging
import zlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import numpy as np

from ...contract import Contract
from ...prediction_log import Line, name_of, pack, time_of
from ...store import StoreError
from ...store.filesystem import connect_light, in_one_line
from ...store.settings import Settings as Place
from .settings import LogSettings, WatchError

if TYPE_CHECKING:
    from . import Seen

log = logging.getLogger("serving")

MOST_ROWS = 200_000  # that wait in memory while a folder or bucket cannot be written; then the oldest are lost
_GOLDEN = 2654435769  # 2**32 over the golden ratio (Knuth, TAOCP 6.4)
_HOUR = 3600.0
_DAY = 24 * _HOUR


class Log:
    """A log that is being written, by one thread. ``written`` and ``lost`` count rows."""

    def __init__(self, settings: LogSettings) -> None:
        """Nothing is written yet; raises :class:`WatchError` when the URL is of a kind that is not installed."""
        self._settings = settings
        self._waiting: list[Line] = []
        self._since: float | None = None
        self._cleaned = 0.0
        self.written = self.lost = 0
        try:
            with _writing(settings.url):
                self._system, self._folder = connect_light(Place("", settings.url))
        except StoreError as error:
            raise WatchError(f"--log: {error}") from None

    def add(self, group: Sequence["Seen"]) -> None:
        """Sample rows of what was seen of one model, and keep them for the next file."""
        if not (sampled := lines(group, self._settings)):
            return
        self._waiting += sampled
        self._since = group[0].time if self._since is None else self._since
        if (over := len(self._waiting) - MOST_ROWS) > 0:
            del self._waiting[:over]
            self.lost += over

    def tick(self, now: float) -> None:
        """Write a file if it is time, and once in an hour delete those that are too old."""
        if self._since is not None and (now - self._since >= self._settings.seconds or len(self._waiting) >= self._settings.rows):
            self.write(now)
        if self._settings.days is not None and now - self._cleaned >= _HOUR:
            self._cleaned = now
            self._delete_old(now - _DAY * self._settings.days)

    def write(self, now: float) -> None:
        """Write what waits as one file. Where that fails it waits on, for the time of one more file."""
        if not self._waiting:
            return
        try:
            with _writing(self._settings.url):
                self._put(name_of(self._waiting[0].time), pack(self._waiting))
        except StoreError as error:
            log.error("%s; %d rows wait", error, len(self._waiting))
            self._since = now
            return
        self.written += len(self._waiting)
        self._waiting, self._since = [], None

    def _put(self, name: str, data: bytes) -> None:
        """A bucket shows an object when it is whole; a folder shows a file under its name when it is."""
        day, _, file = name.partition("/")
        self._system.makedirs(f"{self._folder}/{day}", exist_ok=True)
        hidden = f"{self._folder}/{day}/.{file}"
        if "file" in self._system.protocol:
            self._system.pipe_file(hidden, data)
            self._system.mv(hidden, f"{self._folder}/{name}")
        else:
            self._system.pipe_file(f"{self._folder}/{name}", data)

    def _delete_old(self, before: float) -> None:
        try:
            with _writing(self._settings.url):
                self._system.invalidate_cache()
                for path in self._system.find(self._folder):
                    if (begun := time_of(path)) is not None and begun < before:
                        self._system.rm_file(path)
        except StoreError as error:
            log.error("old files stay: %s", error)


def _writing(url: str) -> AbstractContextManager[None]:
    return in_one_line(url, "written", "the prediction log", "name another")


def lines(group: Sequence["Seen"], settings: LogSettings) -> list[Line]:
    """The sampled rows of what was seen of one model, as they are logged."""
    if not (chosen := _sampled(group, settings.share)):
        return []
    model = group[0].model
    matrices = model.scorer.coding.apart(np.stack([seen.rows[row] for seen, row in chosen]))
    inputs = _columns(model.scorer.bundle.contract, *matrices, settings.columns)
    answers = np.stack([seen.answers[row] for seen, row in chosen]).astype(np.float64).round(9).tolist()
    values = zip(*inputs.values(), strict=True) if inputs else [()] * len(chosen)
    return [
        Line(round(seen.time, 3), seen.request_id, row, model.digest, dict(zip(inputs, one, strict=True)), answer, settings.share)
        for (seen, row), one, answer in zip(chosen, values, answers, strict=True)
    ]


def _sampled(group: Sequence["Seen"], share: float) -> list[tuple["Seen", int]]:
    """The rows that are logged. Each draws a lot from its request's id and its place there, so it is the same in every process.

    The lots of a request's rows are steps of the golden ratio: they spread evenly from wherever the id lets them begin.
    """
    if share >= 1:
        return [(seen, row) for seen in group for row in range(len(seen.answers))]
    lengths = [len(seen.answers) for seen in group]
    owners = np.repeat(np.arange(len(group)), lengths)
    rows = np.arange(len(owners)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    begun = np.array([zlib.crc32(seen.request_id.encode()) for seen in group], dtype=np.uint32)
    lots = begun[owners] + rows.astype(np.uint32) * np.uint32(_GOLDEN)  # modulo 2**32
    chosen = np.flatnonzero(lots < share * 2**32)
    return [(group[owner], row) for owner, row in zip(owners[chosen].tolist(), rows[chosen].tolist(), strict=True)]


def _columns(contract: Contract, numeric: np.ndarray, categorical: np.ndarray, wanted: tuple[str, ...] | None) -> dict[str, list[Any]]:
    chosen = set(contract.numeric + contract.categorical) - set(contract.protected) if wanted is None else set(wanted)
    whole = {column.name for column in contract.columns if column.type == "integer"}
    found: dict[str, list[Any]] = {}
    for place, name in enumerate(contract.numeric):
        if name in chosen:
            kind: Callable[[float], float] = int if name in whole else _short
            found[name] = [None if value != value else kind(value) for value in numeric[:, place].tolist()]
    for place, name in enumerate(contract.categorical):
        if name in chosen:
            found[name] = [value or None for value in categorical[:, place].tolist()]
    return found


def _short(value: float) -> float:
    """A number of 32 bits in the digits that it has."""
    return float(f"{value:.9g}")
