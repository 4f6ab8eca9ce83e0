"""Features that alone say what the target is: most often something that is known only after the outcome."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import stats

from . import dataset
from .params import Params

TELLING_AUC = 0.99
TELLING_CORRELATION = 0.999
FEWEST_OF_A_CLASS = 5
BINS = 20


def strengths(frame: pd.DataFrame, sides: np.ndarray, params: Params) -> Iterator[tuple[str, str, float]]:
    """Each feature that alone ranks the test rows as only the target itself could, the measure of it, and the value that it reaches.

    Binary: a ROC AUC above 0.99; multi-class: the mean over the classes of the AUC of one against the rest (a feature may well tell a
    single class apart); regression: a rank correlation (Spearman) above 0.999. Numbers are taken as they are, in either direction, a
    missing one as the smallest and as the largest. Categories are replaced by the mean of the target among the training rows there;
    so are numbers where there are more than two classes, :data:`BINS` quantiles of them where they have more values than that. A
    feature that is constant among the test rows, or a class of a handful of them, says nothing.
    """
    train, test = sides == "train", sides == "test"
    targets = np.asarray(dataset.targets(frame, params))
    limit, name = (TELLING_CORRELATION, "rank correlation") if params.problem == "regression" else (TELLING_AUC, "ROC AUC")
    for feature in (*params.features.numeric, *params.features.categorical):
        column = frame[feature]
        if column[test].nunique(dropna=False) < 2:
            continue
        if params.problem == "multi-class":
            reached = _of_classes(column, targets, train, test)
        else:
            reached = max(_strength(scores[test], targets[test], params.problem) for scores in _scores(column, targets, train))
        if reached > limit:
            yield feature, name, reached


def _of_classes(column: pd.Series, targets: np.ndarray, train: np.ndarray, test: np.ndarray) -> float:
    places = _binned(column) if column.dtype.kind == "f" else column.to_numpy()
    marks = [targets == one for one in np.unique(targets)]
    found = [_strength(_means(places, mark, train)[test], mark[test], "multi-class") for mark in marks]
    defined = [value for value in found if value > 0]
    return float(np.mean(defined)) if defined else 0.0


def _scores(column: pd.Series, targets: np.ndarray, train: np.ndarray) -> Iterator[np.ndarray]:
    """A feature as a number for every row, in each way that is tried."""
    if column.dtype.kind != "f":
        yield _means(column.to_numpy(), targets, train)
        return
    values = column.to_numpy()
    missing = np.isnan(values)
    yield np.where(missing, -np.inf, values)
    if missing.any():
        yield np.where(missing, np.inf, values)


def _means(places: np.ndarray, targets: np.ndarray, train: np.ndarray) -> np.ndarray:
    """For each row the mean target of the training rows of the same place; their overall mean where there are none."""
    known = pd.Series(targets[train], dtype=float).groupby(places[train]).mean()
    return pd.Series(places).map(known).fillna(float(np.mean(targets[train]))).to_numpy(dtype=float)


def _binned(column: pd.Series) -> np.ndarray:
    few = column.nunique() <= BINS
    return (column if few else pd.qcut(column, BINS, labels=False, duplicates="drop")).fillna(-np.inf).to_numpy()


def _strength(scores: np.ndarray, mark: np.ndarray, problem: str) -> float:
    """ROC AUC or rank correlation in the better direction; 0 where it is not defined or rests on a handful of rows."""
    ranks = stats.rankdata(scores)
    if problem == "regression":
        varies = len(scores) > FEWEST_OF_A_CLASS and np.ptp(ranks) > 0 and np.ptp(mark) > 0
        return abs(float(np.corrcoef(ranks, stats.rankdata(mark))[0, 1])) if varies else 0.0
    positive = mark.astype(bool)
    ours, rest = int(positive.sum()), int((~positive).sum())
    if min(ours, rest) < FEWEST_OF_A_CLASS:
        return 0.0
    auc = (ranks[positive].sum() - ours * (ours + 1) / 2) / (ours * rest)
    return float(max(auc, 1 - auc))
