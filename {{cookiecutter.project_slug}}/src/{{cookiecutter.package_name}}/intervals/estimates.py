"""Every metric of candidate and champion with its interval, on the same rows.

ROC AUC: DeLong (:mod:`.delong`). Everything else: a paired bootstrap stratified by label (:mod:`.bootstrap`) with percentile intervals; the
interval of ``ece`` is the basic one, since a resample adds its own noise to every bin and so is biased upward about as much as the
value itself: the basic interval takes that off. p-values of differences are two-sided and normal, from the standard error.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.stats import norm

from .. import gate
from . import Estimate, Metric
from .answers import Answers, Question
from .delong import Placements, placements
from .gaps import Gap, Rates, gaps, rates
from .measure import Resampled, measure

__all__ = ["Answers", "Gap", "Question", "Rates", "equal_held", "estimate", "gaps", "rates"]

NEED_POSITIVES = {"pr_auc", "f1", "precision", "recall"}
Estimates = dict[str, tuple[Estimate, float]]
"""By *candidate*, *champion* and *difference*: the estimate and its standard error."""


def estimate(
    question: Question,
    candidate: Answers,
    champion: Answers | None = None,
    rows: np.ndarray | None = None,
    only: Sequence[str] | None = None,
) -> list[Metric]:
    """The metrics of :func:`gate.metric_names` in that order, or those of them in ``only``, on the rows of a boolean mask.

    A metric that is not defined there, or of a model with a score that is not a number, has no value; one that too few rows define has a
    value without an interval. Equal questions, answers and rows give equal estimates, whatever ``only`` leaves out.
    """
    names = gate.metric_names(question.problem, question.classes, question.gains is not None)
    wanted = [name for name in names if only is None or name in only]
    models = {"candidate": candidate} if champion is None else {"candidate": candidate, "champion": champion}
    if rows is not None:
        question, models = question.part(rows), {role: model.part(rows) for role, model in models.items()}
    usable = {role: model for role, model in models.items() if len(question.targets) and model.finite}
    resampled = [name for name in wanted if name != "roc_auc"]
    found = measure(question, list(usable.values()), {name: names.index(name) for name in resampled}) if usable and resampled else {}
    table = []
    for name in wanted:
        spreads = _delong(question, usable) if name == "roc_auc" else _bootstrap(name, question, usable, found.get(name))
        table.append(_metric(name, champion is not None, spreads))
    return table


def equal_held(metric: Metric, margin: float, confidence: float) -> float:
    """The share of candidates exactly as good as the champion that "the lower end of the interval of the difference > -margin" holds.

    Normal approximation from the width of ``metric.difference``, whose level is ``confidence``. 0 where the difference cannot vary, NaN
    where it has no interval.
    """
    if metric.difference is None or metric.difference.low is None or metric.difference.high is None:
        return math.nan
    width = metric.difference.high - metric.difference.low
    quantile = float(norm.ppf((1 + confidence) / 2))
    return float(norm.cdf(quantile - 2 * quantile * margin / width)) if width > 0 else 0.0


def _metric(name: str, compared: bool, found: Estimates) -> Metric:
    undefined = (Estimate(None), math.nan)
    candidate, champion, (difference, error) = (found.get(role, undefined) for role in ("candidate", "champion", "difference"))
    return Metric(
        name=name,
        candidate=candidate[0],
        champion=champion[0] if compared else None,
        difference=difference if compared else None,
        p=_p(difference.value, error) if compared else None,
        higher_is_better=name not in gate.LOWER_IS_BETTER,
        method="DeLong" if name == "roc_auc" else "bootstrap",
    )


def _p(difference: float | None, error: float) -> float | None:
    """The two-sided p-value that a normal difference with this standard error is 0."""
    if difference is None or math.isnan(error):
        return None
    if error == 0:
        return 1.0 if difference == 0 else 0.0
    return float(2 * norm.sf(abs(difference) / error))


def _delong(question: Question, models: Mapping[str, Answers]) -> Estimates:
    placed = {role: placements(question.targets == 1, model.scores, model.order) for role, model in models.items()}
    if len(placed) == 2:
        placed["difference"] = placed["candidate"] - placed["champion"]
    return {role: _normal(one, question.confidence, -1.0 if role == "difference" else 0.0) for role, one in placed.items()}


def _normal(placed: Placements, confidence: float, lowest: float) -> tuple[Estimate, float]:
    """An AUC or a difference of two, with the normal interval of DeLong's variance, cut at what is possible."""
    if math.isnan(placed.auc):
        return Estimate(None), math.nan
    error = math.sqrt(placed.variance)
    reach = float(norm.ppf((1 + confidence) / 2)) * error
    if math.isnan(error):
        return Estimate(placed.auc), error
    return Estimate(placed.auc, max(placed.auc - reach, lowest), min(placed.auc + reach, 1.0)), error


def _bootstrap(name: str, question: Question, models: Mapping[str, Answers], found: Resampled | None) -> Estimates:
    if found is None:
        return {}
    values, draws = dict(zip(models, found.values, strict=True)), dict(zip(models, found.draws, strict=True))
    if len(values) == 2:
        values["difference"] = values["candidate"] - values["champion"]
        draws["difference"] = draws["candidate"] - draws["champion"]
    enough = _rows(name, question) > 1
    return {
        role: _resampled(float(values[role]), draws[role][: None if enough else 0], question.confidence, role if name == "ece" else None)
        for role in values
    }


def _resampled(value: float, draws: np.ndarray, confidence: float, biased: str | None) -> tuple[Estimate, float]:
    """A value, the interval of its resamples, and their standard deviation; ``biased`` is the role of an estimate to take bias off."""
    draws = draws[np.isfinite(draws)]
    if math.isnan(value):
        return Estimate(None), math.nan
    if not len(draws):
        return Estimate(value), math.nan
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2]).tolist()
    if biased:
        least = -1.0 if biased == "difference" else 0.0
        low, high = min(max(2 * value - high, least), value), max(2 * value - low, value)
    return Estimate(value, low, high), float(draws.std())


def _rows(name: str, question: Question) -> int:
    """The rows that a metric's resamples exchange: of one, nothing can be learnt about its spread."""
    if name.startswith("recall["):
        return int(question.counts[question.classes.index(name[len("recall[") : -1])])
    return int(question.counts[1]) if question.problem == "binary" and name in NEED_POSITIVES else len(question.targets)
