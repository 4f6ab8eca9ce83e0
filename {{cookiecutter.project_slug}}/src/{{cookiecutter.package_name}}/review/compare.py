"""Holds a candidate against the champion on the same test rows: metrics with intervals, slices, fairness, charts, importance, speed."""

from dataclasses import dataclass, field, replace

import msgspec
import numpy as np
import pandas as pd

from .. import ProblemError, dataset, drift, metrics, slices
from ..bundle import Bundle
from ..intervals import Metric
from ..intervals.estimates import Answers, Question, estimate, gaps, rates
from ..mermaid import Chart
from ..params import Params
from ..scorer import Scorer
from . import Confusion, Fairness, GateResult, Importance, Slice, Speed, curves, exam, speed
from .importance import importance


@dataclass(frozen=True)
class Comparison:
    """Everything that test rows tell about both models; ``champion_problem`` says why the champion could not score them, if so."""

    metrics: list[Metric]
    slices: list[Slice]
    fairness: list[Fairness]
    conditions: list[GateResult]
    charts: list[Chart] = field(default_factory=list)
    confusion: Confusion | None = None
    importance: list[Importance] = field(default_factory=list)
    speed: Speed | None = None
    champion_speed: Speed | None = None
    champion_problem: str | None = None


class Bench:
    """Test rows with the answers of candidate and champion; ``ours`` are main's parameters, ``theirs`` the pull request's."""

    def __init__(self, candidate: Bundle, champion: Bundle | None, rows: pd.DataFrame, ours: Params, theirs: Params) -> None:
        self.candidate, self.rows, self.ours = candidate, rows, ours
        self.split_changed = ours.split != theirs.split or ours.data.id != theirs.data.id
        self.question = _question(rows, ours, theirs, candidate.contract.classes)
        self.mine = _answers(candidate, rows)
        self.champion, self.theirs, self.champion_problem = _champion(champion, candidate, rows)
        self.parts = slices.parts(rows, ours)

    def again(self, metric: str, part: str | None = None, confidence: float | None = None) -> Metric | None:
        """One metric of both models on all rows or on a slice, at a confidence; None for an unknown metric or slice."""
        mask = None
        if part is not None:
            mask = next((one.mask for one in self.parts if one.name == part), None)
            if mask is None:
                return None
        question = self.question if confidence is None else replace(self.question, confidence=confidence)
        return next(iter(estimate(question, self.mine, self.theirs, mask, only=(metric,))), None)

    def compare(self) -> Comparison:
        """The whole comparison."""
        conditions = exam.conditions(self.question, self.mine, self.split_changed)
        mine, *theirs = speed.measure([self.candidate, *([self.champion] if self.champion else [])], self.rows.iloc[:200])
        return Comparison(
            metrics=estimate(self.question, self.mine, self.theirs),
            slices=self._slices(),
            fairness=self._fairness(),
            conditions=conditions,
            charts=curves.charts(self.question, self.mine, self.theirs),
            confusion=curves.confusion(self.question, self.mine),
            importance=self._importance(),
            speed=mine,
            champion_speed=theirs[0] if theirs else None,
            champion_problem=self.champion_problem,
        )

    def _importance(self) -> list[Importance]:
        return importance(self.candidate, self.rows, self.question, self.ours.headline, self.mine.threshold)

    def _slices(self) -> list[Slice]:
        found = [self._slice(part) for part in self.parts]
        tested = [(item.name, item.metric.p) for item in found if item.judged and item.metric is not None and item.metric.p is not None]
        adjusted = drift.benjamini_hochberg([p for _, p in tested])
        corrected = {name: p for (name, _), p in zip(tested, adjusted, strict=True)}
        return [msgspec.structs.replace(item, p_adjusted=corrected.get(item.name)) for item in found]

    def _slice(self, part: slices.Part) -> Slice:
        size = int(part.mask.sum())
        shares = rates(self.question, self.mine, None, part.mask)[0] if self.question.problem == "binary" and size else None
        return Slice(
            name=part.name,
            column=part.column,
            rows=size,
            judged=size >= self.ours.review.min_n,
            protected=part.protected,
            metric=self.again(self.ours.headline, part.name) if size else None,
            selection_rate=shares.selection if shares else None,
            true_positive_rate=shares.true_positive if shares else None,
        )

    def _fairness(self) -> list[Fairness]:
        if self.question.problem != "binary":
            return []
        found = []
        for column in self.ours.protected:
            groups = {part.name: part.mask for part in self.parts if part.protected and part.column == column}
            groups = {name: mask for name, mask in groups.items() if mask.sum() >= self.ours.review.min_n}
            if len(groups) > 1:
                opportunity, parity = gaps(self.question, self.mine, self.theirs, groups)
                found.append(Fairness(column, "equal_opportunity", opportunity.candidate, opportunity.champion))
                found.append(Fairness(column, "demographic_parity", parity.candidate, parity.champion))
        return found


def _question(rows: pd.DataFrame, ours: Params, theirs: Params, classes: tuple[str, ...]) -> Question:
    gains = metrics.gains(rows, ours)
    return Question(
        problem=theirs.problem,
        targets=dataset.targets(rows, theirs),
        classes=classes,
        gains=gains,
        cost=ours.money.cost if ours.money is not None and gains is not None else 0.0,
        confidence=ours.review.confidence,
        resamples=ours.review.resamples,
        seed=0,
    )


def _answers(model: Bundle, rows: pd.DataFrame) -> Answers:
    found = Scorer(model).answers(*dataset.matrices(rows, model.contract))
    threshold = model.manifest.threshold
    return Answers(model.contract.scores(found).astype(np.float64), 0.5 if threshold is None else threshold)


def _champion(champion: Bundle | None, candidate: Bundle, rows: pd.DataFrame) -> tuple[Bundle | None, Answers | None, str | None]:
    """The champion and its answers, or None and why it has none."""
    if champion is None:
        return None, None, None
    if (champion.manifest.problem, champion.contract.classes) != (candidate.manifest.problem, candidate.contract.classes):
        return None, None, _unable("it answers another question: its problem or classes differ")
    try:
        answers = _answers(champion, rows)
    except (ProblemError, KeyError, ValueError) as error:
        missing = [name for name in (*champion.contract.numeric, *champion.contract.categorical) if name not in rows.columns]
        return None, None, _unable(f"it needs the column {missing[0]!r}, which is gone" if missing else " ".join(str(error).split()))
    if not np.isfinite(answers.scores).all():
        return None, None, _unable("it gives no number for some of them")
    return champion, answers, None


def _unable(why: str) -> str:
    return f"the champion cannot score these rows ({why}); only absolute gates decide"
