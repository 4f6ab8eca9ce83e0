"""Scores tables beside the event loop, one at a time, so that small requests do not wait for large ones."""

import asyncio

import msgspec
import numpy as np

from ..contract import Violation
from . import Model
from .batcher import Batcher, require_finite
from .reader import Rows
from .refused import MOST_VIOLATIONS, RefusedError, broken, busy, too_many
from .tables import Format

LARGEST_TABLE = 16 * 1024 * 1024
MOST_TABLE_ROWS = 100_000


class Bulk:
    """Scores one table at a time; while one is under way others are refused."""

    def __init__(self, batcher: Batcher) -> None:
        self._batcher = batcher
        self._working = False

    def refuse_if_busy(self) -> None:
        """Raise :class:`RefusedError` while a table is under way; ask before the body is read."""
        if self._working:
            raise busy("another table is being scored")

    async def score(self, model: Model, table: Format, body: bytes) -> bytes:
        """The predictions for every row of a table, as a JSON list.

        Raises :class:`RefusedError` when the table cannot be read, has no rows or too many, or breaks the contract anywhere.
        """
        self.refuse_if_busy()
        self._working = True
        try:
            return await asyncio.to_thread(self._score, model, table, body, asyncio.get_running_loop())
        finally:
            self._working = False

    def _score(self, model: Model, table: Format, body: bytes, loop: asyncio.AbstractEventLoop) -> bytes:
        rows, parts, violations = 0, [], list[Violation]()
        for chunk in table(body, model.reader.contract):
            if (before := rows) + len(chunk) > MOST_TABLE_ROWS:
                raise too_many(f"more than {MOST_TABLE_ROWS}", MOST_TABLE_ROWS)
            rows += len(chunk)
            if isinstance(found := model.reader.table(chunk), list):
                violations += [msgspec.structs.replace(one, row=before + one.row) for one in found]
                if len(violations) >= MOST_VIOLATIONS:
                    break
            elif not violations:
                parts.append(self._chunk(model, found, before, loop))
        if violations:
            raise broken(violations)
        if not rows:
            raise RefusedError(422, "the table has a header and no rows", [], kind="contract")
        return b"[" + b",".join(parts) + b"]"

    def _chunk(self, model: Model, rows: Rows, first: int, loop: asyncio.AbstractEventLoop) -> bytes:
        coded = model.reader.matrix([rows])
        answers = model.scorer.answers_to_coded(coded)
        require_finite(np.isfinite(answers).all(axis=1), first)
        loop.call_soon_threadsafe(self._saw, model, coded, answers)
        return msgspec.json.encode(model.scorer.decide(answers))[1:-1]

    def _saw(self, model: Model, rows: np.ndarray, answers: np.ndarray) -> None:
        self._batcher.saw(model, rows, answers, self._batcher.next_name())
