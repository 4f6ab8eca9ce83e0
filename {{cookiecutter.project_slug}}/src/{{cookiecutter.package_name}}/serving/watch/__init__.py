"""Watches what the server scores: drift against the training rows, and the prediction log. Off the path of requests.

A request only appends to a bounded queue (:meth:`Watcher.saw`); a thread of its own counts and logs. What does not fit into the queue
is not watched, and counted: watching never slows answers down.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from prometheus_client.core import Metric

from .. import Model
from . import collector
from .channels import Channels
from .settings import LogSettings, Settings
from .window import Window

if TYPE_CHECKING:
    from .log_writer import Log

log = logging.getLogger("serving")

MOST_WAITING = 50_000
_CHUNK = 512  # rows that are counted in one go: a few hundred microseconds, in which no request is answered
_PAUSE = 0.2
_FEW = 50  # calls between two looks at the queue that tell enough of all: the rows of one call can be much alike
_MANY = 1000  # rows between two looks at the queue; of more, an even share is counted: 5,000 in a second tell as much as all of them


class Seen(NamedTuple):
    """What a call of :meth:`Watcher.saw` brought."""

    time: float
    model: Model
    rows: np.ndarray
    answers: np.ndarray
    request_id: str


class Watcher:
    """Counts and logs what the server scores. :meth:`saw` and :meth:`metrics` belong to one thread, that of the requests."""

    def __init__(self, settings: Settings | None = None, clock: Callable[[], float] = time.time) -> None:
        """Nothing runs before the first rows come, so a watcher may be made before a process forks. ``clock`` gives Unix time."""
        self._settings = settings or Settings()
        self._clock = clock
        self._log = _log(self._settings.log) if self._settings.log else None
        self._queue: deque[Seen] = deque()
        self._put = self._took = self._counted = self._dropped = self._passed = 0  # rows; each is written by one thread alone
        self._calls, self._every = 0, 1
        self._digest = ""
        self._channels: Channels | None = None
        self._window = Window(0, self._settings.rows, self._settings.seconds)
        self._figures = collector.Figures()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def saw(self, model: Model, rows: np.ndarray, answers: np.ndarray, request_id: str) -> None:
        """Take note of coded rows that were scored; the arrays are kept, so nobody may write into them afterwards.

        Row i is logged as row i of ``request_id``. Costs microseconds, whatever happens behind it, and raises nothing.
        """
        self._calls += 1
        if self._calls % self._every:
            self._passed += len(rows)
            return
        if self._put - self._took + len(rows) > MOST_WAITING:
            self._dropped += len(rows)
            return
        self._put += len(rows)
        self._queue.append(Seen(self._clock(), model, rows, answers, request_id))
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
            self._thread.start()

    def metrics(self) -> Iterable[Metric]:
        """What Prometheus scrapes; drift is there from 300 rows in the window on."""
        return collector.metrics(self._figures, self._took + self._passed, self._dropped, self._log)

    collect = metrics  # the name by which prometheus_client asks

    def settle(self, seconds: float = 10.0) -> bool:
        """Wait until everything that was seen is counted; whether it is."""
        end = time.monotonic() + seconds
        while self._counted != self._put and time.monotonic() < end:
            time.sleep(0.005)
        return self._counted == self._put

    def close(self) -> None:
        """Work off the queue and write what the log holds."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._stopping.wait(_PAUSE):
            self._work()
        self._work()
        if self._log:
            self._log.write(self._clock())

    def _work(self) -> None:
        """Take what waits; whatever is wrong with some rows, the next ones are watched."""
        self._every = self._next_every(len(self._queue), self._put - self._took)
        step = max(1, (self._put - self._took) // _MANY)
        while self._queue:
            group = self._next(step)
            if self._log:
                self._keep(self._log, group)
            self._took += sum(len(seen.answers) for seen in group)
            if group[0].model.digest != self._digest:
                self._begin(group[0].model)
            self._count(group, step)
        now = self._clock()
        self._window.expire(now)
        self._figures = collector.Figures(self._channels, self._window.counts, self._window.rows)
        self._counted = self._took
        if self._log:
            self._log.tick(now)

    def _next_every(self, calls: int, rows: int) -> int:
        """One of how many calls to take note of until the next look, when as many come as did since the last one.

        Rows that are not counted anyway are better forgotten at once, while their memory is in the cache. The log samples all rows.
        """
        return 1 if self._log else max(1, min(rows * self._every // _MANY, calls * self._every // _FEW))

    def _next(self, step: int) -> list[Seen]:
        """What was seen of one model, of as many rows as are counted in one go: one takes as long as a hundred."""
        group = [self._queue.popleft()]
        rows = len(group[0].answers)
        while self._queue and self._queue[0].model is group[0].model and (rows := rows + len(self._queue[0].answers)) <= step * _CHUNK:
            group.append(self._queue.popleft())
        return group

    def _keep(self, kept: "Log", group: list[Seen]) -> None:
        try:
            kept.add(group)
        except Exception as error:
            log.error("%d batches were not logged: %s", len(group), type(error).__name__)  # its text could hold a row

    def _count(self, group: list[Seen], step: int) -> None:
        """Count each ``step``-th row."""
        if self._channels is None:
            return
        try:
            rows, answers = (np.concatenate(part) for part in zip(*_thinned(group, step), strict=True))
            for chunk in (slice(start, start + _CHUNK) for start in range(0, len(rows), _CHUNK)):
                inputs = group[0].model.scorer.coding.apart(rows[chunk])
                self._window.add(self._channels.count(*inputs, answers[chunk]), len(answers[chunk]), group[-1].time)
                time.sleep(0)  # let requests go first
        except Exception as error:
            if len(group) == 1:
                return log.error("%d rows were not watched: %s", len(group[0].answers), type(error).__name__)
            for seen in group:
                self._count([seen], step)

    def _begin(self, model: Model) -> None:
        """Another model has another reference: its window begins empty."""
        self._digest, self._channels = model.digest, None
        try:
            self._channels = Channels(model.scorer.bundle.contract, model.scorer.bundle.profile)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            log.error("drift is not watched: profile.json of %s cannot be read (%s); train again", model.digest, type(error).__name__)
        self._window = Window(self._channels.size if self._channels else 0, self._settings.rows, self._settings.seconds)


def _thinned(group: list[Seen], step: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Each ``step``-th row of all that a group has, and no copy of the others."""
    before = 0
    for seen in group:
        taken = slice(-before % step, None, step)
        yield seen.rows[taken], seen.answers[taken]
        before += len(seen.answers)


def _log(settings: LogSettings) -> "Log":
    from .log_writer import Log  # only here: what it writes with takes a tenth of the server's start

    return Log(settings)
