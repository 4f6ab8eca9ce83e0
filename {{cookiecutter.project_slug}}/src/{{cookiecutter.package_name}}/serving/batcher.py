"""Collects the rows of many requests and scores them together. No timer: what came in two turns of the event loop is one batch.

After a batch of one request the first of each turn is scored at once: a client that is alone does not wait for company.

The queue in front of the model is bounded in rows, because rows are what takes time. Above the bound a request is refused at once, so
those that were accepted never wait for more than the bound's worth of work.
"""

import asyncio
import logging
import secrets
from collections import deque
from typing import Any

import msgspec
import numpy as np

from ..contract import Violation
from ..scorer import NOT_FINITE
from . import Live, Model
from .reader import Rows
from .refused import RefusedError, broken, busy

log = logging.getLogger("serving")

PATIENCE = 1.0
_MOST_ROWS = 4096


class Scored(msgspec.Struct, frozen=True, gc=False):
    """The answers to the rows of one request; row i of them is known to the watchers as ``<batch>.<first + i>``."""

    predictions: list[dict[str, Any]]
    batch: bytes
    first: int

    @property
    def header(self) -> tuple[bytes, bytes]:
        """The header that tells a client the id of its first row."""
        return b"x-request-id", b"%s.%d" % (self.batch, self.first)


class _Waiting(msgspec.Struct, frozen=True, gc=False):
    model: Model
    rows: Rows
    deadline: float
    answer: asyncio.Future[Scored]


class Batcher:
    """Scores each request's rows with the model that it was given.

    ``limit`` bounds the rows that wait: a request is refused when others wait and it would exceed the bound; without it the model says
    how many rows it can take. A request that has waited for more than ``patience`` seconds is refused and not scored.
    """

    def __init__(self, live: Live, limit: int | None = None, patience: float = PATIENCE) -> None:
        self._live, self._limit, self._patience = live, limit, patience
        self._queue: deque[_Waiting] = deque()
        self._name, self._number = secrets.token_hex(4), 0
        self._lonely = self._served = False
        self.waiting = self.batches = self.rows = 0

    @property
    def limit(self) -> int:
        """The most rows that may wait."""
        return (self._live.model or Model).at_once if self._limit is None else self._limit

    def refuse_if_full(self, rows: int = 1) -> None:
        """Raise :class:`RefusedError` when no request with so many rows can be taken on.

        Ask before a body is read, and again before it is decoded: most of the work is in there.
        """
        if self._queue and self.waiting + rows > self.limit:
            raise busy(f"{self.waiting} rows wait already")

    def score(self, model: Model, rows: Rows) -> asyncio.Future[Scored]:
        """The model's answers for rows that passed its contract; the future raises what the model raises.

        Raises:
            RefusedError: too many rows wait already. From the future: the request has waited for too long, or the model has no finite
                answer for one of its rows.
        """
        self.refuse_if_full(rows.count)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Scored] = loop.create_future()
        waiting = _Waiting(model, rows, loop.time() + self._patience, answer)
        if self._lonely and not self._served and not self._queue:
            self._served = True
            loop.call_soon(self._next_turn)
            self._score([waiting])
            return answer
        if not self._queue:
            loop.call_soon(self._wait_a_turn)
        self.waiting += rows.count
        self._queue.append(waiting)
        return answer

    def next_name(self) -> str:
        """The name of the next batch, different from every other."""
        self._number += 1
        return f"{self._name}-{self._number:x}"

    def saw(self, model: Model, rows: np.ndarray, answers: np.ndarray, batch: str) -> None:
        """Tell the watchers of a batch that was scored, here or elsewhere."""
        self.batches += 1
        self.rows += len(answers)
        for watcher in self._live.watchers:
            try:
                watcher.saw(model, rows, answers, batch)
            except Exception as error:  # what only watches must not cost an answer
                log.error("a watcher failed: %s", type(error).__name__)

    def _next_turn(self) -> None:
        self._served = False

    def _wait_a_turn(self) -> None:
        """Let those in whose requests came while this turn's were read: a tenth less processor time at 16 connections."""
        asyncio.get_running_loop().call_soon(self._drain)

    def _drain(self) -> None:
        batch: list[_Waiting] = []
        rows, now = 0, asyncio.get_running_loop().time()
        while self._queue and rows < _MOST_ROWS and (not batch or self._queue[0].model is batch[0].model):
            waiting = self._queue.popleft()
            self.waiting -= waiting.rows.count
            if waiting.deadline < now:
                _fail([waiting], RefusedError(503, "the request has waited for too long; send it again", kind="deadline", wait=1))
            elif not waiting.answer.done():
                batch.append(waiting)
                rows += waiting.rows.count
        if self._queue:
            asyncio.get_running_loop().call_soon(self._drain)
        if batch:
            self._lonely = len(batch) == 1
            self._score(batch)

    def _score(self, batch: list[_Waiting]) -> None:
        model = batch[0].model
        try:
            rows = model.reader.matrix(one.rows for one in batch)
            answers = model.scorer.answers_to_coded(rows)
            predictions = model.scorer.decide(answers)
        except Exception as error:  # handed on to the requests that wait for it
            return _fail(batch, error)
        name, finite = self.next_name(), bool(np.isfinite(answers).all())
        _answer(batch, predictions, name, None if finite else np.isfinite(answers).all(axis=1))
        self.saw(model, rows, answers, name)


def require_finite(finite: np.ndarray, first: int = 0) -> None:
    """Raise :class:`RefusedError` unless every row has a finite answer; ``first`` is the number of the first row."""
    if violations := [Violation(first + int(row), "", None, NOT_FINITE) for row in np.flatnonzero(~finite)]:
        raise broken(violations)


def _answer(batch: list[_Waiting], predictions: list[dict[str, Any]], name: str, finite: np.ndarray | None) -> None:
    first, told = 0, name.encode()
    for waiting in batch:
        end = first + waiting.rows.count
        if not waiting.answer.done():
            try:
                if finite is not None:
                    require_finite(finite[first:end])
            except RefusedError as refused:
                waiting.answer.set_exception(refused)
            else:
                waiting.answer.set_result(Scored(predictions[first:end], told, first))
        first = end


def _fail(batch: list[_Waiting], error: Exception) -> None:
    for waiting in batch:
        if not waiting.answer.done():
            waiting.answer.set_exception(error)
