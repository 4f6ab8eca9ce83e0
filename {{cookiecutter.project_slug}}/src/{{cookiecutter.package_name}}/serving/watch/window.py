"""The newest rows as counts, in constant memory: at most so many rows, and none older than so many seconds."""

from collections import deque
from typing import NamedTuple

import numpy as np

PANES = 20


class _Pane(NamedTuple):
    opened: float
    rows: int
    counts: np.ndarray


class Window:
    """A row of *panes*; whole panes leave it, so it holds up to one pane (a twentieth) less than ``most_rows`` and ``seconds`` allow.

    A batch that alone has more than a pane's rows is a pane of its own.
    """

    def __init__(self, size: int, most_rows: int, seconds: float) -> None:
        """An empty window of rows of ``size`` counts."""
        self._most_rows, self._seconds = most_rows, seconds
        self._panes: deque[_Pane] = deque()
        self.counts = np.zeros(size, dtype=np.int64)
        self.rows = 0

    def add(self, counts: np.ndarray, rows: int, now: float) -> None:
        """Take in some rows; ``now`` is in seconds and never goes back."""
        last = self._panes[-1] if self._panes else None
        if last and last.rows + rows <= self._most_rows / PANES and now - last.opened <= self._seconds / PANES:
            self._panes[-1] = _Pane(last.opened, last.rows + rows, last.counts + counts)
        else:
            self._panes.append(_Pane(now, rows, counts))
        self.counts = self.counts + counts
        self.rows += rows
        self.expire(now)

    def expire(self, now: float) -> None:
        """Let go of what is too old or too much; the newest pane stays as long as it is not too old."""
        while self._panes and (now - self._panes[0].opened > self._seconds or (self.rows > self._most_rows and len(self._panes) > 1)):
            gone = self._panes.popleft()
            self.counts = self.counts - gone.counts
            self.rows -= gone.rows
