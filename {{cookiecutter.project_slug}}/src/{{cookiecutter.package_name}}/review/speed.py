"""How long one answer takes: single rows through onnxruntime, timed beside a fixed loop so that figures travel between machines."""

import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from .. import dataset
from ..bundle import Bundle
from ..scorer import Scorer
from . import Speed

ROUNDS = 9
CALLS = 200
MOST_SECONDS = 6.0
WARM_UP = 20
# What this thread works: another process that takes the core meanwhile adds nothing. Windows counts that in steps of 16 ms.
_clock = time.perf_counter if sys.platform == "win32" else time.thread_time


def measure(models: list[Bundle], rows: pd.DataFrame) -> list[Speed]:
    """Median and 99th percentile of scoring one of ``rows`` with each model, in interleaved rounds.

    The quietest round counts: what else the machine does only ever adds time.
    """
    calls = [_call(Scorer(model), rows) for model in models]
    for call in calls:
        for row in range(WARM_UP):
            call(row)
    times: list[list[tuple[float, float]]] = [[] for _ in models]
    loops = []
    end = time.perf_counter() + MOST_SECONDS
    for _ in range(ROUNDS):
        loops.append(np.median([_timed(_loop, row) for row in range(CALLS // 4)]))
        for place, call in enumerate(calls):
            each = np.array([_timed(call, row) for row in range(CALLS)])
            times[place].append((float(np.median(each)), float(np.quantile(each, 0.99))))
        if time.perf_counter() > end:
            break
    loop = float(min(loops))
    return [_speed(found, loop, model) for found, model in zip(times, models, strict=True)]


def _speed(found: list[tuple[float, float]], loop: float, model: Bundle) -> Speed:
    median, p99 = (min(pair[place] for pair in found) for place in (0, 1))
    return Speed(round(median * 1e6, 1), round(p99 * 1e6, 1), round(p99 / loop, 3), round(len(model.model) / 1e6, 4))


def _call(scorer: Scorer, rows: pd.DataFrame) -> Callable[[int], object]:
    """What the server does for one row."""
    coded = scorer.coding.coded(*dataset.matrices(rows, scorer.bundle.contract))
    parts = [coded[row : row + 1] for row in range(len(coded))]
    return lambda row: scorer.answers_to_coded(parts[row % len(parts)])


def _loop(_: int) -> int:
    """The calibration loop: about as long as one small model's answer."""
    total = 0
    for number in range(300):
        total += number * number
    return total


def _timed(call: Callable[[int], object], row: int) -> float:
    began = _clock()
    call(row)
    return _clock() - began
