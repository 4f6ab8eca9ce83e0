"""Times two servers side by side, as a caller would: one row in a request, on a connection that stays open."""

import http.client
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import NamedTuple
from urllib.parse import urlsplit

import numpy as np

from ..bundle import Bundle

ROUNDS, MOST_ROUNDS = 9, 36
CALLS = 40
_WARM_UP = 20
_ANSWER = 10.0
Call = Callable[[int], float]


class Times(NamedTuple):
    """Median and 99th percentile of one answer, in seconds."""

    median: float
    p99: float


class Comparison(NamedTuple):
    """The quietest round of each: what else the machine does only ever adds time."""

    candidate: Times
    champion: Times

    @property
    def ratio(self) -> float:
        """How many times the champion's time the candidate takes, at the median and at the 99th percentile: noise seldom lifts both."""
        return min(self.candidate.median / self.champion.median, self.candidate.p99 / self.champion.p99)

    def __str__(self) -> str:
        mine, theirs = (f"{one.median * 1e3:.2f} ms (p99 {one.p99 * 1e3:.2f} ms)" for one in self)
        return f"one answer over HTTP takes {mine}, the champion's {theirs}"


def compare(candidate: tuple[str, Bundle], champion: tuple[str, Bundle], most: float | None) -> Comparison:
    """Time two servers, each given as its address and its bundle, in interleaved rounds.

    With ``most``, a candidate that takes more than that many times the champion's time gets more rounds to show that it was the machine.

    Raises:
        OSError, http.client.HTTPException: a server does not answer.
    """
    with ExitStack() as stack:
        return _compare([stack.enter_context(_caller(*one)) for one in (candidate, champion)], most)


def _compare(calls: list[Call], most: float | None) -> Comparison:
    for call in calls:
        _round(call, _WARM_UP)
    rounds: list[tuple[Times, ...]] = []
    while len(rounds) < MOST_ROUNDS:
        rounds.append(tuple(_round(call, CALLS) for call in calls))
        found = Comparison(*map(_quietest, zip(*rounds, strict=True)))
        if len(rounds) >= ROUNDS and (most is None or found.ratio <= most):
            break
    return found


def _quietest(times: tuple[Times, ...]) -> Times:
    return Times(min(one.median for one in times), min(one.p99 for one in times))


def _round(call: Call, calls: int) -> Times:
    each = [call(row) for row in range(calls)]
    return Times(float(np.median(each)), float(np.quantile(each, 0.99)))


@contextmanager
def _caller(address: str, made: Bundle) -> Iterator[Call]:
    """A function that asks for one of the golden rows and gives the seconds that this took."""
    bodies = [json.dumps(record).encode() for record in made.golden["records"]]

    def call(row: int) -> float:
        began = time.perf_counter()
        connection.request("POST", "/predict", bodies[row % len(bodies)], {"content-type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        took = time.perf_counter() - began
        if answer.status != 200:
            raise http.client.HTTPException(f"{address}/predict answers {answer.status} to a golden row")
        return took

    with closing(http.client.HTTPConnection(urlsplit(address).netloc, timeout=_ANSWER)) as connection:
        yield call
