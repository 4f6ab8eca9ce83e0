"""Where pieces are scored: in this process, in several of this machine, or on a Dask cluster. All run :func:`.work.score`."""

import os
import signal
import sys
import threading
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from types import FrameType
from typing import Any

from . import ScoringError, work
from .source import Piece
from .work import Work

_AHEAD = 2  # pieces under way for each worker: one that is scored, and one that waits
Scored = Generator[tuple[Piece, bytes]]


def here(job: Work, pieces: Iterable[Piece]) -> Scored:
    """Score the pieces one after the other in this process."""
    work.begin(job)
    try:
        for piece in pieces:
            yield piece, work.score(job.name, piece)
    finally:
        work.end(job.name)


def processes(job: Work, pieces: Iterable[Piece], workers: int) -> Scored:
    """Score the pieces in processes of this machine; they end when this one does, however it does.

    Raises:
        ScoringError: one of them was killed.
    """
    pool = _Pool(workers, get_context("spawn"), _begin, (job,))
    try:
        yield from spread(pool, job, pieces, workers)
    except BrokenProcessPool:
        advice = "with less memory in use or fewer --workers; it goes on from here"
        raise ScoringError(f"a worker process ended before its piece was done; run the same command again {advice}") from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def spread(pool: Executor, job: Work, pieces: Iterable[Piece], workers: int) -> Scored:
    """Score the pieces by an executor, a few at a time, and give each as soon as it is done."""
    rest = iter(pieces)
    under_way: dict[Future[bytes], Piece] = {}
    while True:
        while len(under_way) < workers * _AHEAD and (piece := next(rest, None)):
            under_way[pool.submit(work.score, job.name, piece)] = piece
        if not under_way:
            return
        done, _ = wait(under_way, return_when=FIRST_COMPLETED)
        for future in done:
            yield under_way.pop(future), future.result()


class _Pool(ProcessPoolExecutor):
    """Its processes never hear Ctrl-C, which reaches all of a terminal, not even while they start: the one that made them ends them."""

    def submit(self, *task: Any, **options: Any) -> Future[Any]:
        """Start processes, where more are needed, while the signal is blocked: they inherit that."""
        with _undisturbed():
            return super().submit(*task, **options)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Ctrl-C counts from the end of the block on; in the main thread only. To block the signal is not enough: another thread hears it."""
    heard: list[tuple[int, FrameType | None]] = []
    handler = signal.signal(signal.SIGINT, lambda *what: heard.append(what))
    mask = None if sys.platform == "win32" else signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        if sys.platform != "win32" and mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, handler)
        if heard and callable(handler):
            handler(*heard[0])


def _begin(job: Work) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    work.begin(job)


def _end_with_parent() -> None:
    """A pool's processes would wait for work for ever when the one that made them is killed."""
    parent = parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)
