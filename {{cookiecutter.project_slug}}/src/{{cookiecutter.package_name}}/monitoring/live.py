"""How well the promoted model does on rows whose labels have come: metrics, slices and gaps with the review's intervals."""

import numpy as np
import pandas as pd

from .. import dataset, metrics, slices
from ..bundle import Bundle
from ..gate import LOWER_IS_BETTER
from ..intervals.estimates import Answers, Question, estimate, gaps
from ..mermaid import Chart, Series
from ..params import Params
from . import Live, LiveGap, LiveSlice, MonitorError
from .recent import Recent

BINS = 10


def measure(recent: Recent, labels: dict[str, dict[str, str]], model: Bundle, chosen: Params, promised: dict[str, float]) -> Live:
    """Join labels by request id and measure. ``chosen`` are the parameters that the model was made with.

    Raises:
        MonitorError: a label is not one of the classes, or no number.
    """
    known = np.array([key in labels for key in recent.keys], dtype=bool)
    rows = recent.part(known)
    frame = rows.frame.assign(**{chosen.data.target: _targets([labels[key] for key in rows.keys], chosen)})
    question, answers = _question(frame, chosen), _answers(rows, model)
    return Live(
        rows=len(frame),
        unmatched=len(labels) - len(frame),
        metrics=estimate(question, answers) if len(frame) else [],
        promised=promised,
        slices=_slices(frame, question, answers, chosen),
        gaps=_gaps(frame, question, answers, chosen),
        calibration=_calibration(question, answers) if question.problem == "binary" and len(frame) else None,
    )


def fall(live: Live, headline: str, least_rows: int, limit: float) -> str | None:
    """A sentence where the headline metric is surely worse, by more than ``limit``, than it was at the promotion."""
    metric = next((item for item in live.metrics if item.name == headline), None)
    if live.rows < least_rows or metric is None or headline not in live.promised or metric.candidate.value is None:
        return None
    low, high, promised = metric.candidate.low, metric.candidate.high, live.promised[headline]
    best = low if headline in LOWER_IS_BETTER else high
    worse = None if best is None else best - promised if headline in LOWER_IS_BETTER else promised - best
    if worse is None or worse <= limit:
        return None
    return (
        f"{headline} is {metric.candidate.value:.4f} [{low:.4f}, {high:.4f}] on {live.rows:,} labelled rows, and was {promised:.4f} "
        f"at the promotion: worse by more than {limit:g}"
    )


def _targets(rows: list[dict[str, str]], chosen: Params) -> list[str] | list[float]:
    name = chosen.data.target
    if chosen.problem != "regression":
        wrong = next((row for row in rows if row[name] not in chosen.data.classes), None)
        if wrong:
            known = f"none of {list(chosen.data.classes)}"
            raise MonitorError(f"monitoring.labels: {wrong['request_id']} has the {name} {wrong[name]!r}, {known}; correct the labels")
        return [row[name] for row in rows]
    try:
        return [float(row[name]) for row in rows]
    except ValueError as error:
        raise MonitorError(f"monitoring.labels: a {name} is no number ({error}); correct the labels") from None


def _question(frame: pd.DataFrame, chosen: Params) -> Question:
    gains = metrics.gains(frame, chosen)
    return Question(
        problem=chosen.problem,
        targets=dataset.targets(frame, chosen),
        classes=chosen.contract().classes,
        gains=gains,
        cost=chosen.money.cost if chosen.money is not None and gains is not None else 0.0,
        confidence=chosen.review.confidence,
        resamples=chosen.review.resamples,
    )


def _answers(rows: Recent, model: Bundle) -> Answers:
    threshold = model.manifest.threshold
    return Answers(model.contract.scores(rows.answers), 0.5 if threshold is None else threshold)


def _slices(frame: pd.DataFrame, question: Question, answers: Answers, chosen: Params) -> list[LiveSlice]:
    found = []
    for part in slices.parts(frame, chosen) if len(frame) else []:
        size = int(part.mask.sum())
        if size >= chosen.review.min_n:
            measured = estimate(question, answers, rows=part.mask, only=[chosen.headline])
            found.append(LiveSlice(part.name, size, measured[0].candidate if measured else None))
    return found


def _gaps(frame: pd.DataFrame, question: Question, answers: Answers, chosen: Params) -> list[LiveGap]:
    if question.problem != "binary" or not len(frame):
        return []
    found = []
    parts = [part for part in slices.parts(frame, chosen) if part.protected and part.mask.sum() >= chosen.review.min_n]
    for column in dict.fromkeys(part.column for part in parts):
        groups = {part.name: part.mask for part in parts if part.column == column}
        if len(groups) > 1:
            opportunity, parity = gaps(question, answers, None, groups)
            found += [LiveGap(column, "equal_opportunity", opportunity.candidate), LiveGap(column, "demographic_parity", parity.candidate)]
    return found


def _calibration(question: Question, answers: Answers) -> Chart:
    place = np.minimum((answers.scores * BINS).astype(int), BINS - 1)
    rows = np.bincount(place, minlength=BINS)
    hits = np.bincount(place, weights=question.targets == 1, minlength=BINS)
    shares = [float(hit / count) if count else None for hit, count in zip(hits, rows, strict=True)]
    middles: list[float | None] = [(step + 0.5) / BINS for step in range(BINS)]
    lines = [Series("perfect", middles), Series("now", shares)]
    return Chart("calibration", "Calibration", "probability", "share that came true", [f"{middle:.2f}" for middle in middles], lines)
