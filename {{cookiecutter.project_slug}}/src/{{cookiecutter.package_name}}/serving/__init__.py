"""Serves the promoted model over HTTP. Nothing here needs scikit-learn, pandas or DVC, and nothing is ever unpickled.

Here: the model that is live, and the batches of requests that it answers.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from ..bundle import Bundle, BundleError, Scorer

_WARM_UP = (1, 64)
_MOST_ROWS = 4096

Records = list[Mapping[str, object]]
Answers = list[dict[str, Any]]


class Model(msgspec.Struct, frozen=True):
    """A verified model, ready to answer. ``version`` is None for a bundle that was never promoted."""

    scorer: Scorer
    name: str
    version: int | None

    @property
    def digest(self) -> str:
        """The digest of the bundle that answers."""
        return self.scorer.digest

    def __str__(self) -> str:
        version = "an unpromoted version" if self.version is None else f"version {self.version}"
        return f"{self.name} {version} ({self.digest})"


class Live:
    """What the server answers with now, shared by the follower (which writes) and the requests (which read).

    ``problem`` is None, or one line that says why there is no model or why the newest one is not served.
    """

    def __init__(self) -> None:
        self.model: Model | None = None
        self.problem: str | None = "the server is starting; ask again in a moment"
        self.draining = False


def prepare(bundle: Bundle, version: int | None, name: str | None = None) -> Model:
    """Make a model out of a verified bundle: load it, score its golden rows, warm it up.

    ``name`` is the model that the pointer promises.

    Raises:
        BundleError: the bundle holds another model, cannot be loaded, or scores its golden rows differently.
    """
    if name is not None and bundle.manifest.model != name:
        raise BundleError(f"{bundle.folder}: holds the model {bundle.manifest.model!r}, the pointer names {name!r}; promote again")
    scorer = Scorer(bundle, threads=1)
    scorer.check_golden()
    for rows in _WARM_UP:
        scorer.score(bundle.golden["records"][:1] * rows)
    return Model(scorer, bundle.manifest.model, version)


class _Waiting(NamedTuple):
    model: Model
    records: Records
    answer: asyncio.Future[Answers]


class Batcher:
    """Collects requests and scores them together, each with the model that it was given."""

    def __init__(self) -> None:
        self._queue: deque[_Waiting] = deque()

    def score(self, model: Model, records: Records) -> asyncio.Future[Answers]:
        """The model's answers for records that passed its contract; the future raises what the model raises."""
        loop = asyncio.get_running_loop()
        if not self._queue:
            loop.call_soon(self._drain)
        self._queue.append(_Waiting(model, records, loop.create_future()))
        return self._queue[-1].answer

    def _drain(self) -> None:
        batch: list[_Waiting] = []
        rows = 0
        while self._queue and rows < _MOST_ROWS and (not batch or self._queue[0].model is batch[0].model):
            batch.append(self._queue.popleft())
            rows += len(batch[-1].records)
        if self._queue:
            asyncio.get_running_loop().call_soon(self._drain)
        _score(batch)


def _score(batch: list[_Waiting]) -> None:
    try:
        answers = batch[0].model.scorer.score([record for waiting in batch for record in waiting.records])
    except Exception as error:  # handed on to the requests that wait for it
        for waiting in batch:
            if not waiting.answer.done():
                waiting.answer.set_exception(error)
        return
    start = 0
    for waiting in batch:
        end = start + len(waiting.records)
        if not waiting.answer.done():
            waiting.answer.set_result(answers[start:end])
        start = end
