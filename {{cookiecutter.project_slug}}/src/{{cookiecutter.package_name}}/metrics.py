"""The metrics of a model as points, from its scores on some rows; names and order are those of :func:`gate.metric_names`."""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
from sklearn import metrics

from .gate import metric_names
from .params import Params

BINS = 10  # of the expected calibration error: [0, 0.1), [0.1, 0.2), ..., [0.9, 1]
ALPHA = 0.9  # of the pinball loss: the level of the quantile
LEAST_TARGET = 1e-9  # rows with a target nearer to 0 are left out of the percentage error


def compute(
    problem: str,
    targets: np.ndarray,
    scores: np.ndarray,
    threshold: float | None = None,
    classes: tuple[str, ...] = (),
    gains: np.ndarray | None = None,
    cost: float = 0.0,
    only: str | None = None,
) -> dict[str, float]:
    """Every metric of the problem, or that of the name ``only``, if it has it; ``profit`` only with ``gains``.

    ``targets`` are those of :func:`dataset.targets`, ``scores`` those of :meth:`contract.Contract.scores`. A binary row counts as
    positive when its probability is at least ``threshold``, a multi-class row as its likeliest class. Precision is 0 when no row counts
    as positive, and ``f1_macro`` is the mean over the classes that have rows or predictions. ``gains`` is the money that each
    row brings when it is positive and predicted so, ``cost`` what each row predicted positive costs. A metric that is not defined (a
    ranking when all targets are equal, recall, precision and F1 of a class without rows, anything of no rows or of scores that are no
    numbers) is NaN: it is never replaced by a guess.
    """
    names = [name for name in metric_names(problem, classes, money=gains is not None) if only in (None, name)]
    if len(targets) == 0 or not np.isfinite(scores).all():
        return dict.fromkeys(names, math.nan)
    if problem == "regression":
        values = _regression(targets, scores.astype(np.float64))
    elif problem == "multi-class":
        values = _multi_class(targets, scores.astype(np.float64), classes)
    else:
        scores = scores.astype(np.float64)
        chosen = scores >= (0.5 if threshold is None else threshold)
        values = _binary(targets, scores, chosen)
        values["profit"] = lambda: math.nan if gains is None else np.mean(chosen * (gains * targets - cost))
    return {name: float(values[name]()) for name in names}


def gains(frame: pd.DataFrame, params: Params) -> np.ndarray | None:
    """The money that each row brings when it is positive and predicted so, ``[n]``.

    None where ``params`` names no money, or the rows (of a pull request with other data) do not have its column as numbers.
    """
    money = params.money
    if money is None:
        return None
    if money.gain_column is not None and (money.gain_column not in frame or frame[money.gain_column].dtype.kind != "f"):
        return None
    factors = 1.0 if money.gain_column is None else frame[money.gain_column].to_numpy(dtype=np.float64)
    return np.full(len(frame), money.gain) * factors


def calibration_error(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The expected calibration error (Naeini and others 2015) of the positive class.

    Over bins of equal width, the mean of the distance between the mean probability and the share of positives, weighted by rows.
    """
    places = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    surplus = np.bincount(places, weights=probabilities - labels, minlength=BINS)
    return float(np.abs(surplus).sum() / len(labels))


def _binary(labels: np.ndarray, probabilities: np.ndarray, chosen: np.ndarray) -> dict[str, Callable[[], float]]:
    some = bool(labels.any())
    both = some and not labels.all()
    return {
        "roc_auc": lambda: metrics.roc_auc_score(labels, probabilities) if both else math.nan,
        "pr_auc": lambda: metrics.average_precision_score(labels, probabilities) if both else math.nan,
        "log_loss": lambda: metrics.log_loss(labels, probabilities, labels=[0, 1]),
        "brier": lambda: metrics.brier_score_loss(labels, probabilities, pos_label=1),
        "ece": lambda: calibration_error(labels, probabilities),
        "f1": lambda: metrics.f1_score(labels, chosen, zero_division=0.0) if some else math.nan,
        "precision": lambda: metrics.precision_score(labels, chosen, zero_division=0.0) if some else math.nan,
        "recall": lambda: metrics.recall_score(labels, chosen) if some else math.nan,
        "accuracy": lambda: metrics.accuracy_score(labels, chosen),
    }


def _multi_class(targets: np.ndarray, probabilities: np.ndarray, classes: tuple[str, ...]) -> dict[str, Callable[[], float]]:
    chosen = probabilities.argmax(axis=1)
    return {
        "f1_macro": lambda: metrics.f1_score(targets, chosen, average="macro", zero_division=0.0),
        "f1_weighted": lambda: metrics.f1_score(targets, chosen, average="weighted", zero_division=0.0),
        "log_loss": lambda: -np.log(np.maximum(probabilities[np.arange(len(targets)), targets], np.finfo(np.float64).eps)).mean(),
        "roc_auc_ovr": lambda: _one_against_rest(targets, probabilities),
        "accuracy": lambda: metrics.accuracy_score(targets, chosen),
        **{f"recall[{name}]": partial(_recall, targets, chosen, place) for place, name in enumerate(classes)},
    }


def _recall(targets: np.ndarray, chosen: np.ndarray, place: int) -> float:
    """The share of a class's rows that are found; not defined for a class without rows."""
    return float(metrics.recall_score(targets == place, chosen == place, zero_division=math.nan))


def _one_against_rest(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """The mean over classes; not defined when a class has no row, or all of them."""
    sides = [targets == place for place in range(probabilities.shape[1])]
    if not all(0 < side.sum() < len(targets) for side in sides):
        return math.nan
    return float(np.mean([metrics.roc_auc_score(side, scores) for side, scores in zip(sides, probabilities.T, strict=True)]))


def _regression(targets: np.ndarray, values: np.ndarray) -> dict[str, Callable[[], float]]:
    far = np.abs(targets) >= LEAST_TARGET
    return {
        "mae": lambda: metrics.mean_absolute_error(targets, values),
        "rmse": lambda: metrics.root_mean_squared_error(targets, values),
        "r2": lambda: metrics.r2_score(targets, values) if len(np.unique(targets)) > 1 else math.nan,
        "pinball": lambda: metrics.mean_pinball_loss(targets, values, alpha=ALPHA),
        "mape": lambda: metrics.mean_absolute_percentage_error(targets[far], values[far]) if far.any() else math.nan,
    }
