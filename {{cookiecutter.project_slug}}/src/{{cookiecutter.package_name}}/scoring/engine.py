"""Where pieces are scored: one after the other, several at once, or on a Dask cluster. All run :func:`.work.score`."""

from collections.abc import Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait

from . import work
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


def threads(job: Work, pieces: Iterable[Piece], workers: int) -> Scored:
    """Score several pieces at once in this process.

    Threads and no processes: reading, checking and the model itself all work outside of the interpreter's lock, and processes take as
    long to start as a linear model takes for a million rows.
    """
    work.begin(job)
    pool = ThreadPoolExecutor(workers)
    try:
        yield from spread(pool, job, pieces, workers)
    finally:
        work.end(job.name)  # first: pieces that are under way when a run is cut off stop at their next call
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
