"""Values and resampled values of the metrics of one or two models: one pass over the draws serves all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import block_diag

from . import formulas
from .answers import Answers, Question
from .bootstrap import Cells, cells, normal
from .formulas import Formula
from .precision_curve import Ranking


@dataclass(frozen=True)
class Resampled:
    """A metric of m models: ``values`` [m] of all rows, ``draws`` [m, resamples] of the resamples; NaN where it is not defined."""

    values: np.ndarray
    draws: np.ndarray


def measure(question: Question, models: Sequence[Answers], seeds: Mapping[str, int]) -> dict[str, Resampled]:
    """The metrics that are keys of ``seeds``; their values are different numbers for the noise that metrics do not share.

    ``models`` are one or two whose scores are all finite, on at least one row.
    """
    parts = _cells(question, models)
    recipes = {name: formulas.formula(name, question) for name in seeds}
    columns = _Columns(question, models, parts, sorted({column for recipe in recipes.values() for column in recipe.columns}))
    rankings = [_ranking(question, model, parts) for model in models] if "pr_auc" in seeds and parts.exact else []
    sums, precision = _drawn(question, parts, columns.table, rankings)
    found = {name: columns.resampled(recipe, sums, (question.seed, seeds[name])) for name, recipe in recipes.items()}
    if rankings:
        found["pr_auc"] = Resampled(found["pr_auc"].values, precision)
    return found


def _drawn(question: Question, parts: Cells, table: np.ndarray, rankings: Sequence[Ranking]) -> tuple[np.ndarray, np.ndarray]:
    """Of each resample the sums of the ``table`` [resamples, ...] and the average precision of the rankings [rankings, resamples]."""
    sums = np.empty((question.resamples, table.shape[1]))
    precision = np.empty((len(rankings), question.resamples))
    means, start = table / parts.sizes[:, None], 0
    for block in parts.weights(question.resamples, question.seed):
        stop = start + len(block)
        sums[start:stop] = block.astype(float) @ means
        for index, ranking in enumerate(rankings):
            precision[index, start:stop] = ranking.average_precision(block)
        start = stop
    return sums, precision


class _Columns:
    """Columns of the models and their sums in cells.

    ``table`` [cells, ...] holds for each column the sums of the first model, then, of two models, those of the first less the second: a
    difference that is 0 for every row is so exactly 0 in every resample.
    """

    def __init__(self, question: Question, models: Sequence[Answers], parts: Cells, names: Sequence[str]) -> None:
        self._counts, self._parts, self._models = question.counts, parts, len(models)
        self._rows = {name: [formulas.column(name, question, model) for model in models] for name in names}
        self._where: dict[str, slice] = {}
        blocks: list[np.ndarray] = [np.empty((len(parts.sizes), 0))]
        for name, pair in self._rows.items():
            first, *second = (parts.sums(one) for one in pair)
            start = sum(block.shape[1] for block in blocks)
            self._where[name] = slice(start, start + first.shape[1] * len(models))
            blocks += [first, *(first - other for other in second)]
        self.table = np.concatenate(blocks, axis=1)

    def resampled(self, recipe: Formula, sums: np.ndarray, seed: tuple[int, int]) -> Resampled:
        """A metric from the ``sums`` [resamples, ...] of the table's columns."""
        drawn = {name: sums[:, self._where[name]] for name in recipe.columns}
        if not self._parts.exact:
            missed, start = self._missed(recipe.columns, len(sums), seed), 0
            for name, known in drawn.items():
                drawn[name] = known + missed[:, start : start + known.shape[1]]
                start += known.shape[1]
        totals = self.table.sum(axis=0)[None]
        return Resampled(self._values(recipe, {name: totals[:, self._where[name]] for name in drawn})[:, 0], self._values(recipe, drawn))

    def _missed(self, names: Sequence[str], resamples: int, seed: tuple[int, int]) -> np.ndarray:
        """What rows of a cell differ in, for some columns of the table."""
        covariance = self._parts.within([column for name in names for column in self._rows[name]])
        if self._models == 2:
            slots = [self._rows[name][0].slots for name in names]
            apart = block_diag(*(np.kron([[1, 0], [1, -1]], np.eye(count)) for count in slots))
            covariance = apart @ covariance @ apart.T
        return normal(covariance, resamples, seed)

    def _values(self, recipe: Formula, sums: Mapping[str, np.ndarray]) -> np.ndarray:
        """The metric of each model [models, resamples]."""
        width = {name: both.shape[1] // self._models for name, both in sums.items()}
        first = {name: both[:, : width[name]] for name, both in sums.items()}
        second = {name: both[:, : width[name]] - both[:, width[name] :] for name, both in sums.items()} if self._models == 2 else None
        return np.stack([recipe.value(one, self._counts) for one in (first, second) if one is not None])


def _cells(question: Question, models: Sequence[Answers]) -> Cells:
    """Rows of one label that every model decides alike and scores nearly alike are near each other."""
    alike = np.zeros(len(question.targets), dtype=np.int64)
    for model in models:
        alike = alike * max(len(question.counts), 1) + formulas.decisions(question, model)
    orders = [model.order if question.problem == "binary" else np.argsort(formulas.nearness(question, model)) for model in models]
    return cells(question.labels, alike, orders)


def _ranking(question: Question, model: Answers, parts: Cells) -> Ranking:
    """The ranking of cells of one row."""
    row = np.argsort(parts.of_row)
    return Ranking(model.scores[row], question.targets[row] == 1, parts.of_row[model.order])
