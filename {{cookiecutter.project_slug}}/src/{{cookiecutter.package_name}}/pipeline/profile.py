"""How the inputs of the training rows and the model's answers are distributed: what drift is measured against."""

from typing import Any

import numpy as np
import pandas as pd

from ..contract import Column, Contract

BINS = 10
FEW_VALUES = 20


def profile_of(frame: pd.DataFrame, contract: Contract) -> dict[str, Any]:
    """``{"rows": n, "features": {name: histogram}}``.

    A number has ``edges`` and one count more than edges: ``counts[i]`` are the values in ``[edges[i-1], edges[i])``, open at both ends.
    Edges are deciles, or lie between the values where there are at most 20. A category has a count for each of the contract's.
    """
    return {"rows": len(frame), "features": {column.name: _histogram(frame[column.name], column) for column in contract.columns}}


def predictions_of(answers: np.ndarray, contract: Contract) -> dict[str, Any]:
    """The histogram of a model's answers ``[n, k]`` on rows that it was not fitted to.

    Of two classes that of the probability of the positive one, of more the rows for which each class is the likeliest, of a regression
    that of the values. The forms are those of a number and of a category.
    """
    scores = contract.scores(answers)
    if contract.problem != "multi-class":
        return _numeric(pd.Series(scores))
    likeliest = np.bincount(scores.argmax(axis=1), minlength=len(contract.classes))
    return {"type": "category", "counts": dict(zip(contract.classes, likeliest.tolist(), strict=True)), "missing": 0}


def _histogram(values: pd.Series, column: Column) -> dict[str, Any]:
    return _category(values, column) if column.type == "category" else _numeric(values)


def _numeric(values: pd.Series) -> dict[str, Any]:
    present = values.dropna().to_numpy(dtype=np.float32).astype(np.float64)
    distinct = np.unique(present)
    edges = (distinct[1:] + distinct[:-1]) / 2
    if len(distinct) > FEW_VALUES:
        edges = np.unique(np.quantile(present, np.arange(1, BINS) / BINS))
    counts = np.bincount(np.searchsorted(edges, present, side="right"), minlength=len(edges) + 1)
    return {"type": "number", "edges": edges.tolist(), "counts": counts.tolist(), "missing": int(values.isna().sum())}


def _category(values: pd.Series, column: Column) -> dict[str, Any]:
    counts = {category: int((values == category).sum()) for category in column.categories}
    return {"type": "category", "counts": counts, "missing": int((values == "").sum())}
