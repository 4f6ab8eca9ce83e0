"""What is watched: each feature, and the predictions, as counts per bin of the profile that training wrote.

A *channel* is one of them. Its bins are those of the reference, for a category one more for values that training never had, and the
last one for missing values. All channels lie in one row of counts, so a window of rows is one small array, however long it is.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise, repeat
from typing import Any

import numpy as np

from ...contract import Contract

PREDICTIONS = "predictions"


class Channel:
    """One feature, or the predictions. ``reference`` and every row of counts that it is held against have ``size`` bins."""

    def __init__(self, name: str, histogram: Mapping[str, Any]) -> None:
        """Take over a histogram of ``profile.json``; raises KeyError, TypeError or ValueError for anything else."""
        self.name = name
        self.is_category = histogram["type"] == "category"
        if self.is_category:
            counts = {str(value): int(count) for value, count in histogram["counts"].items()}
            self.titles = [*counts, "other"]
            self._places = {value: place for place, value in enumerate(counts)} | {"": len(counts) + 1}
            self._new = np.array([count == 0 for count in counts.values()] + [True, False])
            filled = [*counts.values(), 0]
        else:
            self._edges = np.array(histogram["edges"], dtype=np.float64)
            self.titles = list(_ranges(self._edges.tolist()))
            filled = [int(count) for count in histogram["counts"]]
        self.reference = np.array([*filled, int(histogram["missing"])], dtype=np.int64)
        if len(self.reference) != len(self.titles) + 1:
            raise ValueError(f"the histogram of {name} has {len(filled)} counts for {len(self.titles)} bins")

    @property
    def size(self) -> int:
        """The number of bins."""
        return len(self.reference)

    def count(self, values: np.ndarray) -> np.ndarray:
        """How many of the values (numbers with NaN, or text with ``""``, for missing) fall into each bin."""
        if self.is_category:
            places = np.fromiter(map(self._places.get, values.tolist(), repeat(self.size - 2)), dtype=np.intp, count=len(values))
        else:
            numbers = values.astype(np.float64)
            places = np.where(np.isnan(numbers), self.size - 1, np.searchsorted(self._edges, numbers, side="right"))
        return np.bincount(places, minlength=self.size)

    def new(self, counts: np.ndarray) -> int:
        """How many rows have a category that no training row has."""
        return int(counts[self._new].sum()) if self.is_category else 0


class Channels:
    """The channels of one model; those that its profile does not know (it is older) are left out."""

    def __init__(self, contract: Contract, profile: Mapping[str, Any]) -> None:
        self._contract = contract
        known = profile.get("features") or {}
        self._numeric = _channels(contract.numeric, known)
        self._categorical = _channels(contract.categorical, known)
        self.predictions = next(iter(_channels((PREDICTIONS,), profile)), (0, None))[1]
        self.features = [channel for _, channel in (*self._numeric, *self._categorical)]
        ends = np.cumsum([channel.size for channel in self.all()], dtype=int).tolist()
        self._slices = [slice(end - channel.size, end) for channel, end in zip(self.all(), ends, strict=True)]
        self.size = ends[-1] if ends else 0

    def all(self) -> list[Channel]:
        """Features, then the predictions."""
        return [*self.features, *([self.predictions] if self.predictions else [])]

    def count(self, numeric: np.ndarray, categorical: np.ndarray, answers: np.ndarray) -> np.ndarray:
        """The counts of some rows, all channels in a row."""
        parts = [channel.count(numeric[:, place]) for place, channel in self._numeric]
        parts += [channel.count(categorical[:, place]) for place, channel in self._categorical]
        if self.predictions is not None:
            parts.append(self.predictions.count(_outcomes(self._contract, answers)))
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)

    def parts(self, counts: np.ndarray) -> Iterator[tuple[Channel, np.ndarray]]:
        """Each channel with its part of a row of counts."""
        for channel, part in zip(self.all(), self._slices, strict=True):
            yield channel, counts[part]


def _outcomes(contract: Contract, answers: np.ndarray) -> np.ndarray:
    """What the distribution of predictions is made of: the likeliest class of several, the probability of two, the value."""
    scores = contract.scores(answers)
    return np.array(contract.classes, dtype=object)[scores.argmax(axis=1)] if contract.problem == "multi-class" else scores


def _channels(names: tuple[str, ...], histograms: Mapping[str, Any]) -> list[tuple[int, Channel]]:
    return [(place, Channel(name, histograms[name])) for place, name in enumerate(names) if name in histograms]


def _ranges(edges: list[float]) -> Iterator[str]:
    ends = ["-inf", *(f"{edge:g}" for edge in edges), "inf"]
    return (f"{low} to {high}" for low, high in pairwise(ends))
