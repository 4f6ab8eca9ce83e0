"""Metrics with their intervals: known values, known coverage, and the same answer for the same question."""

import math
import warnings
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from churn import gate
from churn.intervals import bootstrap
from churn.intervals.delong import covariance, placements
from churn.intervals.estimates import Answers, Question, equal_held, estimate, gaps, rates
from churn.review import Estimate, Metric
from fairlearn.metrics import demographic_parity_difference, equal_opportunity_difference
from scipy.integrate import quad
from scipy.stats import norm
from sklearn import metrics
from threadpoolctl import threadpool_limits


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    with threadpool_limits(1):  # thousands of small products: threads only wait for each other, above all beside other tests
        yield


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    with threadpool_limits(1):  # thousands of small products: threads only wait for each other, above all beside other tests
        yield


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


def _pair(problem: str, rows: int, seed: int = 0, ties: bool = False) -> tuple[Question, Answers, Answers]:
    """A question and two models that see the truth through noise that is partly the same."""
    rng = np.random.default_rng(seed)
    if problem == "binary":
        targets = (rng.random(rows) < 0.3).astype(int)
        signal = rng.normal(size=rows) + 1.2 * targets - 0.9
        one, other = (_sigmoid(signal + 0.5 * rng.normal(size=rows)) for _ in range(2))
        scores = [one.round(2), other.round(2)] if ties else [one, other]
        question = Question("binary", targets, ("no", "yes"), gains=rng.exponential(100, rows), cost=20.0)
        return question, Answers(scores[0], 0.35), Answers(scores[1], 0.4)
    if problem == "multi-class":
        targets = rng.choice(3, size=rows, p=[0.5, 0.3, 0.2])
        signal = rng.normal(size=(rows, 3)) + 1.5 * np.eye(3)[targets]
        raised = [np.exp(signal + 0.5 * rng.normal(size=(rows, 3))) for _ in range(2)]
        one, other = (Answers(each / each.sum(axis=1, keepdims=True)) for each in raised)
        return Question("multi-class", targets, ("a", "b", "c")), one, other
    targets = rng.normal(size=rows) * 3 + 10
    targets[:3] = 0.0
    shared = rng.normal(size=rows)
    one, other = (Answers(targets + shared + 0.5 * rng.normal(size=rows)) for _ in range(2))
    return Question("regression", targets), one, other


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
    question, one, other = _pair(problem, rows, ties=True)
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


# ---- intervals ----

CASES = 400  # the sampling error of a share of them near 0.95 is 0.011
POSITIVES, OTHERS = 250, 350
MEAN = 0.6
SHARED = 0.8  # correlation of the two models' noise


def _noise(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
    shared = math.sqrt(SHARED) * rng.normal(size=rows)
    return tuple(shared + math.sqrt(1 - SHARED) * rng.normal(size=rows) for _ in range(2))


def _binary_cases(better: float, seed: int) -> Iterator[tuple[Question, Answers, Answers]]:
    """Scores whose logits are normal: around MEAN (candidate) or MEAN - ``better`` (champion) for positive rows, -MEAN for the others."""
    rng = np.random.default_rng(seed)
    targets = (np.arange(POSITIVES + OTHERS) < POSITIVES).astype(int)
    for case in range(CASES):
        one, other = _noise(rng, len(targets))
        models = [Answers(_sigmoid(noise + np.where(targets == 1, MEAN - less, -MEAN))) for noise, less in ((one, 0.0), (other, better))]
        yield Question("binary", targets, resamples=1000, seed=case), *models


def _binary_truth(less: float) -> dict[str, float]:
    """Of rows in the fixed numbers of :func:`_binary_cases`."""

    def loss(sign: int, mean: float) -> float:
        return quad(lambda logit: math.log1p(math.exp(-sign * logit)) * norm.pdf(logit, mean), -9, 9)[0]

    return {
        "roc_auc": norm.cdf((2 * MEAN - less) / math.sqrt(2)),
        "log_loss": (POSITIVES * loss(1, MEAN - less) + OTHERS * loss(-1, -MEAN)) / (POSITIVES + OTHERS),
        "recall": norm.cdf(MEAN - less),
    }


def _regression_cases(worse: float, seed: int) -> Iterator[tuple[Question, Answers, Answers]]:
    rng = np.random.default_rng(seed)
    targets = rng.normal(size=500)
    for case in range(CASES):
        one, other = _noise(rng, len(targets))
        yield Question("regression", targets, resamples=1000, seed=case), Answers(targets + one), Answers(targets + worse * other)


def _covered(found: list[Metric], one: dict[str, float], other: dict[str, float]) -> dict[str, list[bool]]:
    def inside(estimate: Estimate, value: float) -> bool:
        return estimate.low <= value <= estimate.high

    return {
        metric.name: [
            inside(metric.candidate, one[metric.name]),
            inside(metric.champion, other[metric.name]),
            inside(metric.difference, one[metric.name] - other[metric.name]),
        ]
        for metric in found
    }


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    truth, other = _binary_truth(0.0), _binary_truth(0.2)
    cases = [_covered(estimate(*case, only=tuple(truth)), truth, other) for case in _binary_cases(0.2, seed=5)]
    errors = [_covered(estimate(*case, only=("rmse",)), {"rmse": 1.0}, {"rmse": 1.1}) for case in _regression_cases(1.1, seed=1)]
    shares = {name: np.mean([case[name] for case in cases], axis=0).tolist() for name in truth}
    shares["rmse"] = np.mean([case["rmse"] for case in errors], axis=0).tolist()
    assert all(0.93 <= share <= 0.97 for found in shares.values() for share in found), shares


def test_equal_models_are_held_as_often_as_stated() -> None:
    margins = {"roc_auc": 0.01, "log_loss": 0.02, "recall": 0.03}
    held, stated, significant = ({name: [] for name in margins} for _ in range(3))
    for question, one, other in _binary_cases(0.0, seed=2):
        for metric in estimate(replace(question, resamples=400), one, other, only=tuple(margins)):
            loses = -metric.difference.high if not metric.higher_is_better else metric.difference.low
            held[metric.name].append(loses <= -margins[metric.name])
            stated[metric.name].append(equal_held(metric, margins[metric.name], 0.95))
            significant[metric.name].append(metric.p < 0.05)
    for name in margins:
        share, expected = np.mean(held[name]), np.mean(stated[name])
        assert 0.2 < expected < 0.98, name  # neither rare nor sure, so that the comparison says something
        assert abs(share - expected) < 3 * math.sqrt(expected * (1 - expected) / CASES), (name, share, expected)
        assert abs(np.mean(significant[name]) - 0.05) < 3 * math.sqrt(0.05 * 0.95 / CASES), name


@pytest.mark.parametrize("problem", ["binary", "multi-class", "regression"])
def test_many_rows_have_intervals_as_wide_as_row_by_row(problem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    question, one, other = _pair(problem, 12_000)
    question = replace(question, resamples=1000, confidence=0.8)
    monkeypatch.setattr(bootstrap, "EXACT_ROWS", 5_000)
    shared = estimate(question, one, other)
    monkeypatch.setattr(bootstrap, "EXACT_ROWS", 12_000)
    for fast, exact in zip(shared, estimate(question, one, other), strict=True):
        for role in ("candidate", "champion", "difference"):
            ours, theirs = getattr(fast, role), getattr(exact, role)
            width = theirs.high - theirs.low
            assert (ours.high - ours.low) / width == pytest.approx(1, abs=0.12), (fast.name, role)
            assert abs(ours.low + ours.high - theirs.low - theirs.high) / 2 < 0.12 * width, (fast.name, role)


def test_few_positives_among_many_rows_keep_their_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    question, one, other = _pair("binary", 20_000)
    rare = np.flatnonzero(question.targets == 0)[:10_000].tolist() + np.flatnonzero(question.targets == 1)[:150].tolist()
    kept = np.isin(np.arange(20_000), rare)
    question = replace(question, resamples=1000, confidence=0.8)
    exact = estimate(question, one, other, kept, only=("pr_auc", "recall", "log_loss"))
    monkeypatch.setattr(bootstrap, "EXACT_ROWS", 5_000)
    for fast, slow in zip(estimate(question, one, other, kept, only=("pr_auc", "recall", "log_loss")), exact, strict=True):
        for role in ("candidate", "difference"):
            ours, theirs = getattr(fast, role), getattr(slow, role)
            assert (ours.high - ours.low) / (theirs.high - theirs.low) == pytest.approx(1, abs=0.15), (fast.name, role)


def test_confidence_widens() -> None:
    question, one, other = _pair("binary", 800)
    for wide, narrow in zip(estimate(question, one, other), estimate(replace(question, confidence=0.8), one, other), strict=True):
        assert wide.difference.low < narrow.difference.low < narrow.difference.high < wide.difference.high, wide.name
        assert wide.p == narrow.p


@pytest.mark.parametrize("rows", [900, 20_000])
@pytest.mark.parametrize("problem", ["binary", "multi-class", "regression"])
def test_the_same_question_has_the_same_answer(problem: str, rows: int) -> None:
    question, one, other = _pair(problem, rows)
    question = replace(question, resamples=200)
    everything = estimate(question, one, other)
    assert estimate(question, one, other) == everything
    assert estimate(replace(question, seed=1), one, other) != everything
    for metric in everything:
        (alone,) = estimate(question, one, other, only=(metric.name,))
        assert alone.difference.low == pytest.approx(metric.difference.low, rel=1e-9, abs=1e-12), metric.name
        assert alone.p == pytest.approx(metric.p)


@pytest.mark.parametrize("rows", [900, 20_000])
@pytest.mark.parametrize("problem", ["binary", "multi-class", "regression"])
def test_a_model_does_not_differ_from_itself(problem: str, rows: int) -> None:
    question, one, _ = _pair(problem, rows)
    for metric in estimate(replace(question, resamples=100), one, Answers(one.scores.copy(), one.threshold)):
        assert (metric.difference, metric.p) == (Estimate(0.0, 0.0, 0.0), 1.0), metric.name
        assert equal_held(metric, 0.01, 0.95) == 0.0


def test_without_a_champion_there_is_nothing_to_compare() -> None:
    question, one, _ = _pair("binary", 300)
    for metric in estimate(question, one):
        assert (metric.champion, metric.difference, metric.p) == (None, None, None)
        assert metric.candidate.low <= metric.candidate.high
        assert math.isnan(equal_held(metric, 0.01, 0.95))


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
        question, one, other = _pair(problem, rows)
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
    question, one, other = _pair("binary", rows)
    question = replace(question, resamples=20)
    negatives = _values(estimate(question, one, other, question.targets == 0))
    assert {name for name, value in negatives.items() if value is None} == {"roc_auc", "pr_auc", "f1", "precision", "recall"}
    positives = _values(estimate(question, one, other, question.targets == 1))
    assert {name for name, value in positives.items() if value is None} == {"roc_auc", "pr_auc"}
    question, one, other = _pair("multi-class", rows)
    without = _values(estimate(replace(question, resamples=20), one, other, question.targets != 1))
    assert {name for name, value in without.items() if value is None} == {"roc_auc_ovr", "recall[b]"}
    question, one, other = _pair("regression", rows)
    level = _values(estimate(replace(question, targets=np.zeros(rows), resamples=20), one, other))
    assert {name for name, value in level.items() if value is None} == {"r2", "mape"}


@pytest.mark.usefixtures("quiet")
def test_nothing_is_defined_on_no_rows_and_one_row_has_no_interval() -> None:
    for problem in ("binary", "multi-class", "regression"):
        question, one, other = _pair(problem, 50)
        assert set(_values(estimate(question, one, other, np.zeros(50, dtype=bool))).values()) == {None}
        for metric in estimate(question, one, other, np.arange(50) == 7):
            assert (metric.candidate.low, metric.difference.low, metric.p) == (None, None, None)
    question, one, other = _pair("binary", 50)
    kept = (question.targets == 0) | (np.cumsum(question.targets) == 1)
    lone = {metric.name: metric.candidate.low is None for metric in estimate(question, one, other, kept)}
    assert {name for name, missing in lone.items() if missing} == {"roc_auc", "pr_auc", "f1", "precision", "recall"}


@pytest.mark.usefixtures("quiet")
def test_constant_scores_rank_nothing() -> None:
    question, one, _ = _pair("binary", 300)
    found = {metric.name: metric for metric in estimate(question, Answers(np.full(300, 0.2)), one)}
    assert found["roc_auc"].candidate == Estimate(0.5, 0.5, 0.5)
    assert (found["f1"].candidate.value, found["precision"].candidate.value, found["recall"].candidate.value) == (0.0, 0.0, 0.0)
    assert found["pr_auc"].candidate.value == pytest.approx(question.targets.mean())


# ---- fairness ----


def test_gaps_are_those_of_fairlearn() -> None:
    for seed in range(20):
        question, one, other = _pair("binary", 600, seed)
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


def test_the_interval_of_a_gap_covers_it() -> None:
    rng = np.random.default_rng(4)
    label = np.ones(600, dtype=int)
    groups = {"a": np.arange(600) < 300, "b": np.arange(600) >= 300}
    for gap in (0.0, 0.1):
        shares = np.where(groups["a"], 0.6, 0.6 + gap)
        hits = [gaps(Question("binary", label), Answers((rng.random(600) < shares).astype(float)), None, groups)[0] for _ in range(CASES)]
        covered = np.mean([hit.candidate.low <= gap <= hit.candidate.high for hit in hits])
        assert 0.93 <= covered <= 0.99, (gap, covered)


def test_a_group_without_positive_rows_has_no_true_positive_rate() -> None:
    question, one, _ = _pair("binary", 300)
    lone = np.flatnonzero(question.targets == 0)[:30]
    groups = {"few": np.isin(np.arange(300), lone), "rest": ~np.isin(np.arange(300), lone)}
    opportunity, parity = gaps(question, one, None, groups)
    assert (opportunity.candidate, opportunity.champion, parity.champion) == (Estimate(None), None, None)
    assert parity.candidate.value is not None
    broken = Answers(np.where(groups["few"], np.nan, one.scores), one.threshold)
    assert [gap.candidate for gap in gaps(question, broken, None, groups)] == [Estimate(None)] * 2


def test_rates_are_shares_of_rows() -> None:
    question, one, other = _pair("binary", 300)
    part = np.arange(300) < 120
    found, champion = rates(question, one, other, part)
    chosen, targets = (one.scores >= one.threshold)[part], question.targets[part]
    assert found.selection == pytest.approx(chosen.mean())
    assert found.true_positive == pytest.approx(chosen[targets == 1].mean())
    assert found.false_positive == pytest.approx(chosen[targets == 0].mean())
    assert champion.selection == pytest.approx((other.scores >= other.threshold)[part].mean())
    assert rates(question, one, None, question.targets == 0)[0].true_positive is None
