"""What Prometheus is told of the window: one figure for each feature and for the predictions, from 300 rows on."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from ...psi import FEWEST_ROWS, psi
from .channels import Channels

if TYPE_CHECKING:
    from .log_writer import Log


class Figures(NamedTuple):
    """The window as it was at one moment: nobody changes these."""

    channels: Channels | None = None
    counts: np.ndarray = np.zeros(0, dtype=np.int64)
    rows: int = 0


def metrics(figures: Figures, watched: int, dropped: int, log: "Log | None") -> Iterable[Metric]:
    """Every metric of the watcher. A share or an index that cannot be told yet is absent, never 0."""
    of_many = "of very many at once an even share is counted"
    yield CounterMetricFamily("model_watched_rows", f"Rows that were scored and watched; {of_many}.", value=watched)
    yield CounterMetricFamily("model_unwatched_rows", "Rows that were scored and not counted: too many came at once.", value=dropped)
    yield GaugeMetricFamily("model_window_rows", "Rows in the window that drift is told of.", value=figures.rows)
    if log is not None:
        yield CounterMetricFamily("model_logged_rows", "Rows that are in the prediction log.", value=log.written)
        yield CounterMetricFamily("model_lost_log_rows", "Sampled rows that the prediction log could not take.", value=log.lost)
    if figures.channels is not None and figures.rows >= FEWEST_ROWS:
        yield from _drift(figures.channels, figures)


def _drift(channels: Channels, figures: Figures) -> Iterator[Metric]:
    index = GaugeMetricFamily("model_feature_psi", "PSI of a feature against the training rows.", labels=["feature"])
    missing = GaugeMetricFamily("model_feature_missing_share", "Share of rows without a value.", labels=["feature"])
    new = GaugeMetricFamily("model_feature_new_share", "Share of rows with a category that training never had.", labels=["feature"])
    own = GaugeMetricFamily("model_prediction_psi", "PSI of the predictions against those of the validation rows.")
    shares = GaugeMetricFamily("model_prediction_share", "Share of predictions in a bin: a range, or a class.", labels=["bin"])
    for channel, counts in channels.parts(figures.counts):
        value = psi(channel.reference, counts)
        if channel is channels.predictions:
            own.add_metric([], value)
            for title, count in zip(channel.titles, counts.tolist(), strict=False):  # the last count is of missing ones: there are none
                shares.add_metric([title], count / figures.rows)
            continue
        index.add_metric([channel.name], value)
        missing.add_metric([channel.name], int(counts[-1]) / figures.rows)
        if channel.is_category:
            new.add_metric([channel.name], channel.new(counts) / figures.rows)
    yield from (index, missing, new, own, shares)
