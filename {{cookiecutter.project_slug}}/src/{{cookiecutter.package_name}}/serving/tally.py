"""What /metrics tells. Counting a request costs well under a microsecond; prometheus_client writes the figures when they are asked for.

Its own counters take a lock for each request; here one thread counts, so numbers in a dict are enough.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from . import Live
from .batcher import Batcher

TYPE = CONTENT_TYPE_PLAIN_0_0_4
_EDGES = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)  # seconds


class Tally:
    """Counts requests, and collects these and the server's state for Prometheus."""

    def __init__(self, live: Live, batcher: Batcher) -> None:
        self._live, self._batcher = live, batcher
        self._requests: Counter[tuple[str, int]] = Counter()
        self._errors: Counter[str] = Counter()
        self._seconds: dict[str, list[int]] = {}
        self._sums: defaultdict[str, float] = defaultdict(float)
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def count(self, route: str, status: int, seconds: float) -> None:
        """One request that was answered."""
        self._requests[route, status] += 1
        counts = self._seconds.get(route)
        if counts is None:
            counts = self._seconds[route] = [0] * (len(_EDGES) + 1)
        counts[bisect_left(_EDGES, seconds)] += 1
        self._sums[route] += seconds

    def error(self, kind: str) -> None:
        """One request that was not answered as its client wished."""
        self._errors[kind] += 1

    def text(self) -> bytes:
        """All figures in Prometheus' text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """The figures of this process; prometheus_client asks for them."""
        yield from self._of_requests()
        yield from self._of_rows()
        yield from self._of_model()
        for watcher in self._live.watchers:
            told: Iterable[Metric] = watcher.metrics() if hasattr(watcher, "metrics") else ()
            yield from told

    def _of_requests(self) -> Iterator[Metric]:
        requests = CounterMetricFamily("serving_requests", "Requests answered.", labels=("route", "status"))
        for (route, status), number in sorted(self._requests.items()):
            requests.add_metric((route, str(status)), number)
        yield requests
        seconds = HistogramMetricFamily("serving_request_seconds", "Time from a request's head to its answer.", labels=("route",))
        for route, counts in sorted(self._seconds.items()):
            seconds.add_metric((route,), _cumulated(counts), self._sums[route])
        yield seconds
        errors = CounterMetricFamily("serving_errors", "Requests refused or failed, by kind.", labels=("kind",))
        for kind, number in sorted(self._errors.items()):
            errors.add_metric((kind,), number)
        yield errors

    def _of_rows(self) -> Iterator[Metric]:
        batcher = self._batcher
        yield CounterMetricFamily("serving_rows", "Rows scored.", batcher.rows)
        yield CounterMetricFamily("serving_batches", "Calls of the model; rows per call is what batching brings.", batcher.batches)
        yield GaugeMetricFamily("serving_queue_rows", "Rows that wait for the model.", batcher.waiting)
        yield GaugeMetricFamily("serving_queue_limit_rows", "Above so many waiting rows a request is refused.", batcher.limit)

    def _of_model(self) -> Iterator[Metric]:
        live = self._live
        info = GaugeMetricFamily("serving_model_info", "1 for the model that answers.", labels=("model", "version", "digest"))
        since = GaugeMetricFamily("serving_model_since_timestamp_seconds", "When the model that answers was taken over.")
        if (model := live.model) is not None:
            info.add_metric((model.name, "" if model.version is None else str(model.version), model.digest), 1)
            since.add_metric((), live.since)
        yield info
        yield since
        yield GaugeMetricFamily(
            "serving_ready", "1 while there is a model and the server is not stopping.", int(bool(model) and not live.draining)
        )
        yield GaugeMetricFamily(
            "serving_degraded", "1 while the newest model is not served; the log says why.", int(live.problem is not None)
        )
        yield CounterMetricFamily("serving_swaps", "Models taken over.", live.swaps)
        yield CounterMetricFamily("serving_follow_failures", "Tries to follow the pointer that failed.", live.failures)
        yield CounterMetricFamily("serving_shadow_refusals", "Models that a shadow period spoke against.", live.refused)


def _cumulated(counts: list[int]) -> list[tuple[str, float]]:
    total = 0
    found: list[tuple[str, float]] = []
    for edge, number in zip((*map(str, _EDGES), "+Inf"), counts, strict=True):
        total += number
        found.append((edge, total))
    return found
