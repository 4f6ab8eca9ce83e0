"""Every metric but ROC AUC as a formula of sums over rows, so that a resample costs sums and not a pass over the rows.

A *column* holds what one row adds to a sum; a formula takes the sums of a sample, or of many resamples at once, to the metric.
Values are those of scikit-learn, with these choices:

* ``ece``: ten equal-width bins, [0, 0.1) to [0.9, 1]; the mean over rows of |mean score - share of positives| in the row's bin;
* ``precision`` and ``f1`` are 0 when nothing is predicted positive; both, and ``recall``, are undefined without a positive row,
  ``pr_auc`` is without rows of both classes;
* ``f1_macro`` is the mean over the classes that have rows or predictions;
* ``pr_auc`` is resampled by its influence on the logit scale where rows share cells (see :mod:`.bootstrap`), by itself where not;
* ``roc_auc_ovr`` is the mean over classes, undefined where one has no rows; it is resampled by its placements (see :mod:`.delong`),
  the linear part of what it changes;
* ``pinball`` is the loss of the 0.9 quantile; ``r2`` is undefined for equal targets;
* ``mape`` is a share, over the rows whose target is at least 1e-9 from 0.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from ..metrics import ALPHA, BINS, LEAST_TARGET
from .answers import Answers, Question
from .bootstrap import Column
from .delong import placements
from .precision_curve import Ranking

Sums = Mapping[str, np.ndarray]
"""Sums by column name, each [..., slots]."""


@dataclass(frozen=True)
class Formula:
    """A metric: the columns that it needs and its ``value(sums, counts)`` [...], NaN where it is not defined; ``counts`` are
    :attr:`Question.counts`, which no resample changes."""

    columns: tuple[str, ...]
    value: Callable[[Sums, np.ndarray], np.ndarray]


def formula(name: str, question: Question) -> Formula:
    """The formula of a metric of :func:`gate.metric_names`; a ``KeyError`` for roc_auc and pr_auc, which are not sums."""
    if name.startswith("recall["):
        index = question.classes.index(name[len("recall[") : -1])
        return Formula(("hits",), lambda sums, counts: _ratio(sums["hits"][..., index], counts[index]))
    return {"binary": BINARY, "multi-class": MULTI_CLASS, "regression": REGRESSION}[question.problem][name]


def column(name: str, question: Question, answers: Answers) -> Column:
    """A column of one model."""
    return {"binary": _binary, "multi-class": _multi_class, "regression": _regression}[question.problem](name, question, answers)


def decisions(question: Question, answers: Answers) -> np.ndarray:
    """The class that each row is predicted as [n]; 0 for regression."""
    if question.problem == "binary":
        return (answers.scores >= answers.threshold).astype(np.int64)
    return answers.scores.argmax(axis=1) if question.problem == "multi-class" else np.zeros(len(answers.scores), dtype=np.int64)


def nearness(question: Question, answers: Answers) -> np.ndarray:
    """A number [n] by which rows that a model answers alike lie close together."""
    if question.problem == "binary":
        return answers.scores
    return column("log_loss" if question.problem == "multi-class" else "error", question, answers).values


def _ratio(above: np.ndarray, below: np.ndarray | float) -> np.ndarray:
    above, below = np.broadcast_arrays(np.asarray(above, dtype=float), np.asarray(below, dtype=float))
    found = np.full(above.shape, np.nan)
    np.divide(above, below, out=found, where=below != 0)
    return found


def _mean(name: str) -> Formula:
    return Formula((name,), lambda sums, counts: _ratio(sums[name].sum(axis=-1), counts.sum()))


def _precision(sums: Sums, counts: np.ndarray) -> np.ndarray:
    hits, chosen = sums["hits"][..., 0], sums["chosen"][..., 0]
    return _ratio(hits, np.maximum(chosen, 1)) if counts[1] else np.full(hits.shape, np.nan)


def _f1(sums: Sums, counts: np.ndarray) -> np.ndarray:
    hits, chosen = sums["hits"][..., 0], sums["chosen"][..., 0]
    return _ratio(2 * hits, chosen + counts[1]) if counts[1] else np.full(hits.shape, np.nan)


def _average_precision(sums: Sums, counts: np.ndarray) -> np.ndarray:
    """On the logit scale, which keeps resamples between 0 and 1 and gives them the skewness of few positive rows."""
    value, moved = sums["precision"][..., 0], sums["precision moved"][..., 0]
    room = np.maximum(value * (1 - value), np.finfo(float).tiny)
    found = np.where(room < 1e-12, value, expit(logit(np.clip(value, 1e-12, 1 - 1e-12)) + moved / room))
    return found if counts.all() else np.full(found.shape, np.nan)


def _f1_of_classes(weigh: Callable[[np.ndarray], np.ndarray]) -> Formula:
    def value(sums: Sums, counts: np.ndarray) -> np.ndarray:
        present = sums["chosen"] + counts > 0
        weights = np.where(present, weigh(counts), 0)
        return _ratio((_ratio(2 * sums["hits"], sums["chosen"] + counts) * weights).sum(axis=-1, where=present), weights.sum(axis=-1))

    return Formula(("hits", "chosen"), value)


def _r2(sums: Sums, counts: np.ndarray) -> np.ndarray:
    total = sums["target squared"][..., 0] - sums["target"][..., 0] ** 2 / max(counts.sum(), 1)
    return 1 - _ratio(sums["squared"][..., 0], np.maximum(total, 0))


BINARY: dict[str, Formula] = {
    **{name: _mean(name) for name in ("log_loss", "brier", "accuracy", "profit")},
    "ece": Formula(("gap",), lambda sums, counts: _ratio(np.abs(sums["gap"]).sum(axis=-1), counts.sum())),
    "pr_auc": Formula(("precision", "precision moved"), _average_precision),
    "f1": Formula(("hits", "chosen"), _f1),
    "precision": Formula(("hits", "chosen"), _precision),
    "recall": Formula(("hits",), lambda sums, counts: _ratio(sums["hits"][..., 0], counts[1])),
}
MULTI_CLASS: dict[str, Formula] = {
    "f1_macro": _f1_of_classes(np.ones_like),
    "f1_weighted": _f1_of_classes(lambda counts: counts),
    "log_loss": _mean("log_loss"),
    "roc_auc_ovr": Formula(("placements",), lambda sums, counts: sums["placements"][..., 0]),
    "accuracy": _mean("hits"),
}
REGRESSION: dict[str, Formula] = {
    "mae": _mean("absolute"),
    "rmse": Formula(("squared",), lambda sums, counts: np.sqrt(np.maximum(_ratio(sums["squared"][..., 0], counts.sum()), 0))),
    "r2": Formula(("squared", "target", "target squared"), _r2),
    "pinball": _mean("pinball"),
    "mape": Formula(("relative", "related"), lambda sums, counts: _ratio(sums["relative"][..., 0], sums["related"][..., 0])),
}


def _log_loss(probabilities: np.ndarray) -> np.ndarray:
    smallest = np.finfo(np.float64).eps  # scikit-learn's
    losses: np.ndarray = -np.log(np.clip(probabilities, smallest, 1 - smallest))
    return losses


def _binary(name: str, question: Question, answers: Answers) -> Column:
    positive, scores = question.targets == 1, answers.scores
    if name == "log_loss":
        return Column(_log_loss(np.where(positive, scores, 1 - scores)))
    if name == "brier":
        return Column((scores - positive) ** 2)
    if name == "gap":
        return Column(scores - positive, np.minimum((scores * BINS).astype(np.int64), BINS - 1), BINS)
    if name in ("precision", "precision moved"):
        ranking = Ranking(scores, positive, answers.order)
        value = ranking.average_precision(np.ones((1, len(scores)), dtype=np.int64))[0]
        return Column(np.full(len(scores), value / len(scores)) if name == "precision" else ranking.influence())
    chosen = scores >= answers.threshold
    if name == "profit":
        gains = 0.0 if question.gains is None else question.gains
        return Column(np.where(chosen, np.where(positive, gains, 0.0) - question.cost, 0.0))
    values = {"accuracy": chosen == positive, "hits": chosen & positive, "chosen": chosen}[name]
    return Column(values.astype(float))


def _multi_class(name: str, question: Question, answers: Answers) -> Column:
    if name == "log_loss":
        return Column(_log_loss(answers.scores[np.arange(len(answers.scores)), question.targets]))
    if name == "placements":
        return Column(_placements(question, answers.scores))
    predicted = decisions(question, answers)
    values = predicted == question.targets if name == "hits" else np.ones(len(predicted))
    return Column(values.astype(float), predicted, len(question.classes))


def _placements(question: Question, scores: np.ndarray) -> np.ndarray:
    """What each row adds to the mean one-vs-rest AUC [n]; NaN where a class has no rows or all."""
    rows, classes = np.zeros(len(scores)), len(question.classes)
    for index in range(classes):
        positive = question.targets == index
        placed = placements(positive, scores[:, index])
        rows[positive] += (placed.positives - placed.auc) / max(len(placed.positives), 1)
        rows[~positive] += (placed.negatives - placed.auc) / max(len(placed.negatives), 1)
        rows += placed.auc / len(rows)
    return rows / classes


def _regression(name: str, question: Question, answers: Answers) -> Column:
    targets = question.targets.astype(float)
    if name in ("target", "target squared"):
        centred = targets - targets.mean() if np.ptp(targets) > 0 else np.zeros(len(targets))
        return Column(centred if name == "target" else centred**2)
    error = targets - answers.scores
    used = np.abs(targets) >= LEAST_TARGET
    if name == "relative":
        return Column(np.divide(np.abs(error), np.abs(targets), out=np.zeros(len(error)), where=used))
    if name == "pinball":
        return Column(np.maximum(ALPHA * error, (ALPHA - 1) * error))
    return Column({"error": error, "absolute": np.abs(error), "squared": error**2, "related": used.astype(float)}[name])
