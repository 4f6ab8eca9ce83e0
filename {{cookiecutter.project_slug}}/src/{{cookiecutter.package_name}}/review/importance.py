"""Permutation importance: what the headline metric loses when one column's values are shuffled (Breiman 2001, section 10)."""

import numpy as np
import pandas as pd

from .. import dataset, metrics
from ..bundle import Bundle
from ..gate import LOWER_IS_BETTER
from ..intervals.estimates import Question
from ..scorer import Scorer
from . import Importance

REPEATS = 5
MOST_ROWS = 2_000


def importance(model: Bundle, rows: pd.DataFrame, question: Question, metric: str, threshold: float, seed: int = 0) -> list[Importance]:
    """Mean loss and standard deviation over :data:`REPEATS` shuffles for each input column, the most important first.

    At most :data:`MOST_ROWS` rows, drawn with ``seed``, are looked at. Empty where the metric is not defined on them (one class only, or
    a metric of another problem); a column whose shuffles leave it undefined is left out.
    """
    random = np.random.default_rng(seed)
    chosen = np.sort(random.permutation(len(rows))[:MOST_ROWS])
    part = rows.iloc[chosen]
    gains = None if question.gains is None else question.gains[chosen]
    numeric, categorical = dataset.matrices(part, model.contract)
    matrices = {"numeric": np.array(numeric), "categorical": np.array(categorical)}
    scorer = Scorer(model)
    sign = -1.0 if metric in LOWER_IS_BETTER else 1.0

    def value() -> float:
        found = scorer.answers(matrices["numeric"], matrices["categorical"])
        values = metrics.compute(
            question.problem,
            question.targets[chosen],
            model.contract.scores(found),
            threshold,
            question.classes,
            gains,
            question.cost,
            metric,
        )
        return sign * values.get(metric, np.nan)

    base = value()
    if np.isnan(base):
        return []
    found = []
    for kind, names in (("numeric", model.contract.numeric), ("categorical", model.contract.categorical)):
        for place, name in enumerate(names):
            whole = matrices[kind][:, place].copy()
            losses = []
            for _ in range(REPEATS):
                matrices[kind][:, place] = whole[random.permutation(len(whole))]
                losses.append(base - value())
            matrices[kind][:, place] = whole
            if not np.isnan(losses).any():
                found.append(Importance(name, float(np.mean(losses)), float(np.std(losses, ddof=1))))
    return sorted(found, key=lambda item: -item.mean)
