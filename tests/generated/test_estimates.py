"""Metrics, gaps and rates: known values, and None where nothing is defined."""

import math
import warnings
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from churn import gate
from churn.intervals.delong import covariance, placements
from churn.intervals.estimates import Answers, Question, estimate, gaps, rates
from churn.review import Estimate, Metric
from fairlearn.metrics import demographic_parity_difference, equal_opportunity_difference
from intervals_kit import pair
from sklearn import metrics

pytestmark = pytest.mark.usefixtures("one_thread")


# ---- DeLong ----


def _slow(positive: np.ndarray, scores: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """AUCs and their covariance pair by pair, as in DeLong's paper."""
    wins = [np.array([[1.0 if a > b else 0.5 if a == b else 0.0 for b in one[~positive]] for a in one[positive]]) for one in scores]
    values = np.array([win.mean() for win in wins])

    def spread(axis: int) -> np.ndarray:
        parts = [win.mean(axis=axis) - win.mean() for win in wins]
        return np.array([[sum(a * b) / (len(a) - 1) / len(a) for b in parts] for a in parts])

    return values, spread(1) + spread(0)


def test_delong_equals_the_slow_reference_with_ties() -> None:
    rng = np.random.default_rng(5)
    for _ in range(200):
        rows, levels = rng.integers(8, 60), rng.integers(2, 12)
        positive = rng.permutation(np.arange(rows) < rng.integers(2, rows - 2))
        scores = [rng.integers(0, levels, rows) / levels + 0.0 * positive for _ in range(2)]
        placed = [placements(positive, one) for one in scores]
        values, spread = _slow(positive, scores)
        assert [one.auc for one in placed] == pytest.approx(values, abs=1e-12)
        assert covariance(placed) == pytest.approx(spread, abs=1e-12)
        assert (placed[0] - placed[1]).variance == pytest.approx(spread[0, 0] + spread[1, 1] - 2 * spread[0, 1], abs=1e-12)


# ---- values ----


def _ece(targets: np.ndarray, scores: np.ndarray) -> float:
    bins: dict[int, list[float]] = {}
    for target, score in zip(targets.tolist(), scores.tolist(), strict=True):
        bins.setdefault(min(math.floor(score * 10), 9), []).append(score - target)
    return sum(abs(math.fsum(gap)) for gap in bins.values()) / len(targets)


def _expected(question: Question, model: Answers) -> dict[str, float]:
    targets, scores = question.targets, model.scores
    if question.problem == "regression":
        far = targets != 0
        return {
            "mae": metrics.mean_absolute_error(targets, scores),
            "rmse": metrics.root_mean_squared_error(targets, scores),
            "r2": metrics.r2_score(targets, scores),
            "pinball": metrics.mean_pinball_loss(targets, scores, alpha=0.9),
            "mape": metrics.mean_absolute_percentage_error(targets[far], scores[far]),
        }
    if question.problem == "multi-class":
        chosen = scores.argmax(axis=1)
        recalls = metrics.recall_score(targets, chosen, average=None)
        return {
            "f1_macro": metrics.f1_score(targets, chosen, average="macro"),
            "f1_weighted": metrics.f1_score(targets, chosen, average="weighted"),
            "log_loss": metrics.log_loss(targets, scores),
            "roc_auc_ovr": metrics.roc_auc_score(targets, scores, multi_class="ovr"),
            "accuracy": metrics.accuracy_score(targets, chosen),
            **{f"recall[{name}]": value for name, value in zip(question.classes, recalls, strict=True)},
        }
    chosen = scores >= model.threshold
    return {
        "roc_auc": metrics.roc_auc_score(targets, scores),
        "pr_auc": metrics.average_precision_score(targets, scores),
        "log_loss": metrics.log_loss(targets, scores),
        "brier": metrics.brier_score_loss(targets, scores),
        "ece": _ece(targets, scores),
        "f1": metrics.f1_score(targets, chosen),
        "precision": metrics.precision_score(targets, chosen),
        "recall": metrics.recall_score(targets, chosen),
        "accuracy": metrics.accuracy_score(targets, chosen),
        "profit": np.mean(np.where(chosen, question.gains * targets - 20.0, 0.0)),
    }


@pytest.mark.parametrize("rows", [700, 20_000])
@pytest.mark.parametrize("problem", ["binary", "multi-class", "regression"])
def test_values_are_those_of_scikit_learn(problem: str, rows: int) -> None:
    question, one, other = pair(problem, rows, ties=True)
    part = np.arange(rows) % 3 > 0
    for mask in (None, part):
        chosen = np.ones(rows, dtype=bool) if mask is None else mask
        found = estimate(replace(question, resamples=20), one, other, mask)
        assert [metric.name for metric in found] == list(gate.metric_names(problem, question.classes, problem == "binary"))
        expected, champion = (_expected(question.part(chosen), model.part(chosen)) for model in (one, other))
        for metric in found:
            assert metric.candidate.value == pytest.approx(expected[metric.name], rel=1e-9), metric.name
            assert metric.champion.value == pytest.approx(champion[metric.name], rel=1e-9), metric.name
            assert metric.difference.value == pytest.approx(expected[metric.name] - champion[metric.name], abs=1e-9), metric.name
            assert metric.difference.low <= metric.difference.high, metric.name
            assert metric.higher_is_better == (metric.name not in gate.LOWER_IS_BETTER)


def test_certain_and_wrong_costs_what_scikit_learn_says() -> None:
    targets, scores = np.array([0, 1, 1, 0]), np.array([1.0, 0.0, 1.0, 0.0], dtype=np.float32)
    found = estimate(Question("binary", targets, resamples=10), Answers(scores), only=("log_loss",))[0]
    assert found.candidate.value == pytest.approx(metrics.log_loss(targets, scores.astype(float)))


# ---- what is not defined ----


@pytest.fixture
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def _values(found: list[Metric], role: str = "candidate") -> dict[str, float | None]:
    return {metric.name: getattr(metric, role).value for metric in found}


@pytest.mark.parametrize("rows", [300, 20_000])
@pytest.mark.usefixtures("quiet")
def test_a_score_that_is_no_number_leaves_no_value(rows: int) -> None:
    for problem in ("binary", "multi-class", "regression"):
        question, one, other = pair(problem, rows)
        broken = one.scores.copy()
        broken[5] = np.nan
        found = estimate(replace(question, resamples=20), Answers(broken), other)
        for metric in found:
            assert (metric.candidate, metric.difference, metric.p) == (Estimate(None), Estimate(None), None)
            assert metric.champion.low <= metric.champion.value <= metric.champion.high or metric.name == "ece"
        elsewhere = np.arange(rows) > 5
        assert None not in _values(estimate(replace(question, resamples=20), Answers(broken), other, elsewhere)).values()


@pytest.mark.parametrize("rows", [300, 20_000])
@pytest.mark.usefixtures("quiet")
def test_one_class_leaves_out_what_needs_two(rows: int) -> None:
    question, one, other = pair("binary", rows)
    question = replace(question, resamples=20)
    negatives = _values(estimate(question, one, other, question.targets == 0))
    assert {name for name, value in negatives.items() if value is None} == {"roc_auc", "pr_auc", "f1", "precision", "recall"}
    positives = _values(estimate(question, one, other, question.targets == 1))
    assert {name for name, value in positives.items() if value is None} == {"roc_auc", "pr_auc"}
    question, one, other = pair("multi-class", rows)
    without = _values(estimate(replace(question, resamples=20), one, other, question.targets != 1))
    assert {name for name, value in without.items() if value is None} == {"roc_auc_ovr", "recall[b]"}
    question, one, other = pair("regression", rows)
    level = _values(estimate(replace(question, targets=np.zeros(rows), resamples=20), one, other))
    assert {name for name, value in level.items() if value is None} == {"r2", "mape"}


@pytest.mark.usefixtures("quiet")
def test_nothing_is_defined_on_no_rows_and_one_row_has_no_interval() -> None:
    for problem in ("binary", "multi-class", "regression"):
        question, one, other = pair(problem, 50)
        assert set(_values(estimate(question, one, other, np.zeros(50, dtype=bool))).values()) == {None}
        for metric in estimate(question, one, other, np.arange(50) == 7):
            assert (metric.candidate.low, metric.difference.low, metric.p) == (None, None, None)
    question, one, other = pair("binary", 50)
    kept = (question.targets == 0) | (np.cumsum(question.targets) == 1)
    lone = {metric.name: metric.candidate.low is None for metric in estimate(question, one, other, kept)}
    assert {name for name, missing in lone.items() if missing} == {"roc_auc", "pr_auc", "f1", "precision", "recall"}


@pytest.mark.usefixtures("quiet")
def test_constant_scores_rank_nothing() -> None:
    question, one, _ = pair("binary", 300)
    found = {metric.name: metric for metric in estimate(question, Answers(np.full(300, 0.2)), one)}
    assert found["roc_auc"].candidate == Estimate(0.5, 0.5, 0.5)
    assert (found["f1"].candidate.value, found["precision"].candidate.value, found["recall"].candidate.value) == (0.0, 0.0, 0.0)
    assert found["pr_auc"].candidate.value == pytest.approx(question.targets.mean())


# ---- fairness ----


def test_gaps_are_those_of_fairlearn() -> None:
    for seed in range(20):
        question, one, other = pair("binary", 600, seed)
        values = np.random.default_rng(seed + 100).choice(["red", "green", "blue"], size=600, p=[0.6, 0.3, 0.1])
        for found, reference in zip(
            gaps(question, one, other, {name: values == name for name in ("red", "green", "blue")}),
            (equal_opportunity_difference, demographic_parity_difference),
            strict=True,
        ):
            for model, estimated in ((one, found.candidate), (other, found.champion)):
                expected = reference(question.targets, model.scores >= model.threshold, sensitive_features=values)
                assert estimated.value == pytest.approx(expected, abs=1e-12)
                assert 0 <= estimated.low <= estimated.value <= estimated.high <= 1


def test_a_group_without_positive_rows_has_no_true_positive_rate() -> None:
    question, one, _ = pair("binary", 300)
    lone = np.flatnonzero(question.targets == 0)[:30]
    groups = {"few": np.isin(np.arange(300), lone), "rest": ~np.isin(np.arange(300), lone)}
    opportunity, parity = gaps(question, one, None, groups)
    assert (opportunity.candidate, opportunity.champion, parity.champion) == (Estimate(None), None, None)
    assert parity.candidate.value is not None
    broken = Answers(np.where(groups["few"], np.nan, one.scores), one.threshold)
    assert [gap.candidate for gap in gaps(question, broken, None, groups)] == [Estimate(None)] * 2


def test_rates_are_shares_of_rows() -> None:
    question, one, other = pair("binary", 300)
    part = np.arange(300) < 120
    found, champion = rates(question, one, other, part)
    chosen, targets = (one.scores >= one.threshold)[part], question.targets[part]
    assert found.selection == pytest.approx(chosen.mean())
    assert found.true_positive == pytest.approx(chosen[targets == 1].mean())
    assert found.false_positive == pytest.approx(chosen[targets == 0].mean())
    assert champion.selection == pytest.approx((other.scores >= other.threshold)[part].mean())
    assert rates(question, one, None, question.targets == 0)[0].true_positive is None
