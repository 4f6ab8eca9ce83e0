"""A new model beside the one that answers: it scores a sample of the live requests before it may take over.

The event loop only puts batches into a short queue. The follower's thread scores them, with both models, and compares.
"""

import random
import statistics
import time
from collections import deque
from typing import Any

import numpy as np

from ..bundle import BundleError
from ..serving_rules import Shadow
from . import Model
from .reader import Table

_MOST_WAITING = 256
_MOST_ROWS = 256
_MOST_TIMES = 1000
_FEWEST_ROWS = 100
_FEWEST_BATCHES = 20


class ShadowError(BundleError):
    """A shadow period speaks against a model: the one before it goes on answering."""


class Trial:
    """The shadow period of ``candidate``. It is a watcher of batches while it lasts."""

    def __init__(self, candidate: Model, rule: Shadow) -> None:
        self.candidate, self._rule = candidate, rule
        self._end = time.monotonic() + rule.seconds
        self._seen: deque[tuple[Model, np.ndarray]] = deque(maxlen=_MOST_WAITING)
        self._errors = self.rows = 0
        self._difference = self._value = 0.0
        self._seconds: tuple[deque[float], deque[float]] = (deque(maxlen=_MOST_TIMES), deque(maxlen=_MOST_TIMES))

    def saw(self, model: Model, rows: np.ndarray, answers: np.ndarray, request_id: str) -> None:
        """Keep a share of the batches."""
        if random.random() < self._rule.sample:  # noqa: S311 - a sample, not a secret
            self._seen.append((model, rows))

    def is_over(self) -> bool:
        """Score what was kept; returns whether the period has ended."""
        while self._seen:
            model, rows = self._seen.popleft()
            self._compare(model, rows[:_MOST_ROWS])
        return time.monotonic() >= self._end

    def judge(self) -> str:
        """What was seen, in words; raises :class:`ShadowError` when a limit was passed.

        Rows that the candidate cannot answer count from the first one. Decisions are compared among 100 rows or more, times among 20
        batches or more: fewer say nothing, and a server without requests must not wait for them.
        """
        rule, rows, good = self._rule, self.rows, self.rows - self._errors
        errors = self._errors / rows if rows else 0.0
        differs = self._disagreement() if good >= _FEWEST_ROWS else 0.0
        slower = self._slower() if len(self._seconds[1]) >= _FEWEST_BATCHES else 0.0
        told = f"{rows} rows in {rule.seconds:g} s: errors {errors:.3g}, disagreement {differs:.3g}, latency {slower:.3g}x"
        for name, found in (("errors", errors), ("disagreement", differs), ("latency", slower)):
            if not found <= (most := getattr(rule, name)):
                limit = f"serving.shadow.{name} in params.yaml allows {most:g}"
                raise ShadowError(
                    f"{self.candidate} is not taken over, its shadow period saw {told}; {limit}; promote another, or change it"
                )
        return told

    def _compare(self, model: Model, rows: np.ndarray) -> None:
        good, table = np.full(len(rows), True), _table(rows, model, self.candidate)
        found = self.candidate.reader.table(table)
        if isinstance(found, list):
            good[[violation.row for violation in found]] = False
            found = self.candidate.reader.table([row for row, holds in zip(table, good, strict=True) if holds])
        self.rows += len(rows)
        self._errors += int((~good).sum())
        if not good.any() or isinstance(found, list):
            return
        ours = _timed(model, rows[good], self._seconds[0])
        try:
            theirs = _timed(self.candidate, self.candidate.reader.matrix([found]), self._seconds[1])
        except Exception:  # whatever the candidate does wrong is counted, not raised
            self._errors += int(good.sum())
            return
        finite = np.isfinite(theirs).all(axis=1)
        self._errors += int((~finite).sum())
        self._note(model.scorer.decide(ours[finite]), self.candidate.scorer.decide(theirs[finite]))

    def _note(self, ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> None:
        for one, other in zip(ours, theirs, strict=True):
            mine, its = one["prediction"], other["prediction"]
            numbers = isinstance(mine, float) and isinstance(its, float)
            self._difference += abs(mine - its) if numbers else float(mine != its)
            self._value += abs(mine) if numbers else 1.0

    def _disagreement(self) -> float:
        return self._difference / self._value if self._value else float(self._difference > 0)

    def _slower(self) -> float:
        ours, theirs = (statistics.median(seconds) for seconds in self._seconds)
        return theirs / ours


def _table(rows: np.ndarray, of: Model, wanted: Model) -> Table:
    """What requests held, in the order of the columns of the model ``wanted``; a column that they did not have is missing."""
    numeric, categorical = of.scorer.coding.apart(rows)
    columns: dict[str, list[Any]] = {}
    for name, values in zip(of.reader.names, [*numeric.T, *categorical.T], strict=True):
        columns[name] = [None if value == "" or value != value else value for value in values.tolist()]
    absent = [None] * len(rows)
    return list(zip(*(columns.get(name, absent) for name in wanted.reader.names), strict=True))


def _timed(model: Model, rows: np.ndarray, seconds: deque[float]) -> np.ndarray:
    began = time.perf_counter()
    answers = model.scorer.answers_to_coded(rows)
    seconds.append(time.perf_counter() - began)
    return answers
