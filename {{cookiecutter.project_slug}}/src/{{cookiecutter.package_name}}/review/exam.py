"""Conditions of the examination itself, which no ``params.yaml`` can switch off: without them no metric means anything."""

import numpy as np

from ..intervals.estimates import Answers, Question
from . import GateResult


def conditions(question: Question, candidate: Answers, split_changed: bool) -> list[GateResult]:
    """What stands in the way of a judgement; empty when nothing does."""
    found = [_numbers(candidate), _differ(candidate), _classes(question)]
    if split_changed:
        detail = (
            "params.yaml: split differs from main's, so the pull request chooses the rows it is tested on; "
            "change the split in a pull request that is overridden by its label"
        )
        found.append(GateResult("the test rows are those of main", "test rows", "cannot be judged", detail))
    return [result for result in found if result is not None]


def origin(rewritten: str | None) -> list[GateResult]:
    """The condition that main's own workflow made the candidate; empty where nothing was ``rewritten``."""
    return [GateResult("what makes the candidate is main's", "origin", "cannot be judged", rewritten)] if rewritten else []


def _numbers(candidate: Answers) -> GateResult | None:
    wrong = int((~np.isfinite(candidate.scores.reshape(len(candidate.scores), -1))).any(axis=1).sum())
    if not wrong:
        return None
    detail = f"the candidate gives no number (NaN or infinity) for {wrong:,} of {len(candidate.scores):,} test rows"
    return GateResult("every prediction is a number", "predictions", "cannot be judged", detail)


def _differ(candidate: Answers) -> GateResult | None:
    first = candidate.scores[:1]
    if len(candidate.scores) < 2 or not np.isfinite(candidate.scores).all() or not (candidate.scores == first).all():
        return None
    told = ", ".join(f"{value:.4g}" for value in np.ravel(first)[:5])
    return GateResult("predictions differ", "predictions", "fail", f"the candidate predicts the same, {told}, for every test row")


def _classes(question: Question) -> GateResult | None:
    if question.problem == "regression":
        if len(np.unique(question.targets)) > 1:
            return None
        detail = "all test rows have the same target"
    else:
        present = {int(value) for value in np.unique(question.targets)}
        absent = [name for place, name in enumerate(question.classes) if place not in present]
        if not absent:
            return None
        detail = f"no test row is {' or '.join(repr(name) for name in absent[:5])} ({len(question.targets):,} test rows)"
    return GateResult("the test rows hold every class", "test rows", "cannot be judged", f"{detail}; bring rows")
