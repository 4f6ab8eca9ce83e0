"""Scores pieces on a Dask cluster: one that runs already, or one of this machine for as long as the run takes.

The bundle travels to the workers, IN does not: they must see it under the same path. Their libraries are those of requirements/batch.txt.
"""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from distributed import Client, KilledWorker, LocalCluster, WorkerPlugin
from distributed.worker import Worker

from .. import ProblemError
from . import ScoringError, work
from .engine import Scored, spread
from .source import Piece
from .work import Work

_PATIENCE = 30  # seconds for the scheduler to answer


class _Ready(WorkerPlugin):
    """Loads the model on each worker, also on those that come later or come back."""

    def __init__(self, job: Work) -> None:
        self.name, self._job = f"scoring-{job.name}", job

    def setup(self, worker: Worker) -> None:
        work.begin(self._job)

    def teardown(self, worker: Worker) -> None:
        work.end(self._job.name)


def on_dask(job: Work, pieces: Iterable[Piece], scheduler: str | None, workers: int) -> Scored:
    """Score the pieces on the cluster of ``scheduler``, or on ``workers`` processes here. A worker that dies costs its pieces' time only.

    Raises:
        ScoringError: the scheduler does not answer, has no workers, or its workers cannot do the work.
    """
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with _client(scheduler, workers) as client:
        plugin = _Ready(job)
        _prepare(client, plugin, scheduler)
        try:
            with client.get_executor(pure=False) as pool:
                yield from spread(pool, job, pieces, max(1, sum(client.nthreads().values())))
        except KilledWorker as error:
            raise ScoringError(f"{_named(scheduler)}: workers died again and again at one piece ({error}); give them more memory") from None
        except FileNotFoundError:
            raise ScoringError(f"{_named(scheduler)}: its workers do not see {job.source.path}; put it on a disk that they share") from None
        finally:
            client.unregister_worker_plugin(plugin.name)


@contextmanager
def _client(scheduler: str | None, workers: int) -> Iterator[Client]:
    if scheduler is None:
        with LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
            yield client
        return
    try:
        client = Client(scheduler, timeout=_PATIENCE)
    except (OSError, ValueError) as error:
        raise ScoringError(f"--scheduler {scheduler}: does not answer ({error}); start it, or leave the option out") from None
    with client:
        if not client.nthreads():
            raise ScoringError(f"--scheduler {scheduler}: has no workers; start some")
        yield client


def _prepare(client: Client, plugin: _Ready, scheduler: str | None) -> None:
    try:
        client.register_plugin(plugin)
    except ProblemError:
        raise
    except Exception as error:  # whatever a worker of another environment stumbles over, or that the scheduler cannot read it
        advice = "start scheduler and workers in an environment of requirements/batch.txt with this package"
        raise ScoringError(f"{_named(scheduler)}: cannot load the model ({type(error).__name__}: {error}); {advice}") from None


def _named(scheduler: str | None) -> str:
    return f"--scheduler {scheduler}" if scheduler else "--engine dask"
