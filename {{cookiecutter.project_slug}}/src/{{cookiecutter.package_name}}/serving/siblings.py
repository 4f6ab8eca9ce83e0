"""The figures of several workers as one: Prometheus asks any of them, and that one asks the others.

Each worker answers on an abstract socket of Linux: no file is needed, which a read-only container would not have.
"""

import asyncio
import re
import socket
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

_PATIENCE = 1.0
_SUMMED = re.compile(r".*_(rows|bytes|fds)")
_AVERAGED = re.compile(r"model_.*_(psi|share)")
_WEIGHT = "model_window_rows"

Place = tuple[str, tuple[tuple[str, str], ...]]


class Worker(NamedTuple):
    """One of ``total`` workers of a server; ``secret`` names what they share."""

    number: int
    total: int
    secret: str

    def address(self, number: int) -> str:
        """Where worker ``number`` tells its figures."""
        return f"\0serving-{self.secret}-{number}"


class Siblings:
    """One worker among the others of its server."""

    def __init__(self, worker: Worker, text: Callable[[], bytes]) -> None:
        """``text`` gives this worker's own figures."""
        self._worker, self._text = worker, text

    async def start(self) -> None:
        """Begin to tell the others."""
        own = socket.socket(socket.AF_UNIX)  # made here, because uvloop takes the name of an abstract socket for an empty path
        own.bind(self._worker.address(self._worker.number))
        self._server = await asyncio.start_unix_server(self._tell, sock=own)

    async def gather(self, own: bytes) -> bytes:
        """This worker's figures with those of all others that answer; ``serving_workers`` says how many they are."""
        others = [number for number in range(self._worker.total) if number != self._worker.number]
        found = await asyncio.gather(*map(self._ask, others))
        return merged([own, *(text for text in found if text is not None)])

    async def _tell(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(self._text())
        await writer.drain()
        writer.close()

    async def _ask(self, number: int) -> bytes | None:
        other = socket.socket(socket.AF_UNIX)
        other.setblocking(False)
        try:
            other.connect(self._worker.address(number))  # at once: nothing goes over a network
            async with asyncio.timeout(_PATIENCE):
                reader, writer = await asyncio.open_unix_connection(sock=other)
                text = await reader.read(-1)
                writer.close()
                return text
        except OSError:  # a timeout is one as well: the worker is being started again
            other.close()
            return None


def merged(texts: list[bytes]) -> bytes:
    """Several workers' figures as those of one server.

    Counts and amounts are added. Shares are those of all rows together; so are indices of drift, which come out a trifle too high. Of every
    other gauge the largest is told: the worst, or the newest.
    """
    families: dict[str, Metric] = {}
    values: dict[str, dict[Place, list[tuple[float, float]]]] = {}
    for text in texts:
        found = list(text_string_to_metric_families(text.decode()))
        rows = next((sample.value for family in found if family.name == _WEIGHT for sample in family.samples), 0.0)
        for family in found:
            families.setdefault(family.name, family)
            for sample in family.samples:
                place = (sample.name, tuple(sample.labels.items()))
                values.setdefault(family.name, {}).setdefault(place, []).append((sample.value, rows))
    for name, family in families.items():
        told = values.get(name, {}).items()
        family.samples = [Sample(sample, dict(labels), _together(family, some)) for (sample, labels), some in told]
    workers = GaugeMetricFamily("serving_workers", "Workers whose figures these are.", len(texts))
    registry = CollectorRegistry()
    registry.register(_Collected([*families.values(), workers]))
    return generate_latest(registry)


def _together(family: Metric, values: list[tuple[float, float]]) -> float:
    """One figure from those of some workers, each with the rows that it was made from."""
    rows = sum(weight for _, weight in values)
    if rows and _AVERAGED.fullmatch(family.name):
        return sum(value * weight for value, weight in values) / rows
    if family.type != "gauge" or _SUMMED.fullmatch(family.name):
        return sum(value for value, _ in values)
    return max(value for value, _ in values)


class _Collected:
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families
