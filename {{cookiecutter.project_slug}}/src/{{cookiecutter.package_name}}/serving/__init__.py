"""Serves the promoted model over HTTP. Nothing here needs scikit-learn, pandas or DVC, and nothing is ever unpickled.

Here: the model that is live, and what everything else in the server shares about it.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import msgspec
import numpy as np

from ..bundle import Bundle, BundleError
from ..scorer import Scorer
from .reader import Reader

_WARM_UP = 64
_TURN = 0.003
_MOST_AT_ONCE = 2048


@dataclass(frozen=True, eq=False)
class Model:
    """A verified model, ready to answer. ``version`` is None for a bundle that was never promoted.

    ``at_once`` rows take it about 3 ms, from their JSON to their answers: more should not wait in front of it.
    """

    scorer: Scorer
    name: str
    version: int | None
    at_once: int = 512

    @cached_property
    def digest(self) -> str:
        """The digest of the bundle that answers."""
        return self.scorer.digest

    @cached_property
    def header(self) -> tuple[bytes, bytes]:
        """The header by which every answer of this model names its digest."""
        return header(self.digest)

    @cached_property
    def reader(self) -> Reader:
        """Reads rows by the model's contract."""
        return Reader(self.scorer.bundle.contract)

    @cached_property
    def head(self) -> bytes:
        """The beginning of every answer of predictions, as JSON."""
        return msgspec.json.encode(identity(self))[:-1] + b',"predictions":'

    def __str__(self) -> str:
        version = "an unpromoted version" if self.version is None else f"version {self.version}"
        return f"{self.name} {version} ({self.digest})"


class Papers(NamedTuple):
    """What the promotion of a model left about it: figures on its test rows, and the model card in Markdown."""

    digest: str
    metrics: dict[str, float]
    card: str | None


class Watcher(Protocol):
    """Sees what was scored. It is called between two requests and so must be done in microseconds; it never raises."""

    def saw(self, model: Model, rows: np.ndarray, answers: np.ndarray, request_id: str) -> None:
        """One batch: coded rows and the answers to them; row i of it is told to its client as ``<request_id>.<i>``."""


class Collecting(Watcher, Protocol):
    """A watcher that has figures for /metrics."""

    def metrics(self) -> Iterable[Any]:
        """The figures, as ``prometheus_client`` metrics."""


class Live:
    """What the server answers with now, shared by the follower (which writes) and the requests (which read).

    ``problem`` is None, or one line that says why there is no model or why the newest one is not served; ``since`` is when the model
    was taken over, in seconds since 1970. ``papers`` are shown to people, where there are some. ``watchers`` see every batch of rows
    that was scored. ``swaps`` counts the models taken over, ``failures`` the tries that failed, ``refused`` the models that a shadow
    period spoke against.
    """

    def __init__(self) -> None:
        self.model: Model | None = None
        self.problem: str | None = "the server is starting; ask again in a moment"
        self.draining = False
        self.papers: Papers | None = None
        self.watchers: tuple[Watcher, ...] = ()
        self.since = 0.0
        self.swaps = self.failures = self.refused = 0

    def take(self, model: Model) -> None:
        """Answer with this model from now on; whatever kept another from being served is over."""
        self.since = time.time()
        self.model = model
        self.problem = None
        self.swaps += 1


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
    model = Model(scorer, bundle.manifest.model, version)
    return replace(model, at_once=_at_once(model, bundle.golden["records"][:1]))


def _at_once(model: Model, records: list[Any]) -> int:
    """Warm the model up, and see how long it takes for a row more."""
    seconds = []
    for rows in (1, _WARM_UP):
        body, times = msgspec.json.encode(records * rows), []
        for _ in range(3):
            began = time.perf_counter()
            model.scorer.decide(model.scorer.answers_to_coded(model.reader.matrix([model.reader.json(body)])))
            times.append(time.perf_counter() - began)
        seconds.append(min(times))
    a_row = max(seconds[1] - seconds[0], 1e-9) / (_WARM_UP - 1)
    return min(_MOST_AT_ONCE, max(1, round(_TURN / a_row)))


def header(digest: str) -> tuple[bytes, bytes]:
    """The header that names the digest of the model that answers."""
    return b"x-model-digest", digest.encode()


def identity(model: Model | None) -> dict[str, object]:
    """How an answer names the model that it is of."""
    if model is None:
        return {"model": None, "version": None, "digest": None}
    return {"model": model.name, "version": model.version, "digest": model.digest}
