"""The intervals of metrics: known coverage, known width, and the same answer for the same question."""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from churn.intervals import bootstrap
from churn.intervals.estimates import Answers, Question, equal_held, estimate, gaps
from churn.review import Estimate, Metric
from intervals_kit import pair, sigmoid
from scipy.integrate import quad
from scipy.stats import norm

pytestmark = pytest.mark.usefixtures("one_thread")

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
        models = [Answers(sigmoid(noise + np.where(targets == 1, MEAN - less, -MEAN))) for noise, less in ((one, 0.0), (other, better))]
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
    question, one, other = pair(problem, 12_000)
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
    question, one, other = pair("binary", 20_000)
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
    question, one, other = pair("binary", 800)
    for wide, narrow in zip(estimate(question, one, other), estimate(replace(question, confidence=0.8), one, other), strict=True):
        assert wide.difference.low < narrow.difference.low < narrow.difference.high < wide.difference.high, wide.name
        assert wide.p == narrow.p


@pytest.mark.parametrize("rows", [900, 20_000])
@pytest.mark.parametrize("problem", ["binary", "multi-class", "regression"])
def test_the_same_question_has_the_same_answer(problem: str, rows: int) -> None:
    question, one, other = pair(problem, rows)
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
    question, one, _ = pair(problem, rows)
    for metric in estimate(replace(question, resamples=100), one, Answers(one.scores.copy(), one.threshold)):
        assert (metric.difference, metric.p) == (Estimate(0.0, 0.0, 0.0), 1.0), metric.name
        assert equal_held(metric, 0.01, 0.95) == 0.0


def test_without_a_champion_there_is_nothing_to_compare() -> None:
    question, one, _ = pair("binary", 300)
    for metric in estimate(question, one):
        assert (metric.champion, metric.difference, metric.p) == (None, None, None)
        assert metric.candidate.low <= metric.candidate.high
        assert math.isnan(equal_held(metric, 0.01, 0.95))


def test_the_interval_of_a_gap_covers_it() -> None:
    rng = np.random.default_rng(4)
    label = np.ones(600, dtype=int)
    groups = {"a": np.arange(600) < 300, "b": np.arange(600) >= 300}
    for gap in (0.0, 0.1):
        shares = np.where(groups["a"], 0.6, 0.6 + gap)
        hits = [gaps(Question("binary", label), Answers((rng.random(600) < shares).astype(float)), None, groups)[0] for _ in range(CASES)]
        covered = np.mean([hit.candidate.low <= gap <= hit.candidate.high for hit in hits])
        assert 0.93 <= covered <= 0.99, (gap, covered)
