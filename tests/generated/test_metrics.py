"""Thresholds, metrics and slices of every kind of problem."""

import math
from typing import Any

import kinds
import numpy as np
import pandas as pd
import pytest
from churn import dataset, metrics, params, slices
from churn.intervals import answers as answers_module
from churn.intervals import estimates
from churn.params import Threshold
from churn.pipeline import threshold
from sklearn import metrics as judge

OBJECTIVES = {
    "f1": lambda labels, chosen, gains: 2 * (labels & chosen).sum() / (labels.sum() + chosen.sum()),
    "accuracy": lambda labels, chosen, gains: (labels == chosen).mean(),
    "recall_at_precision": lambda labels, chosen, gains: (
        (labels & chosen).sum() / labels.sum() if _precision(labels, chosen) >= 0.6 else -1
    ),
    "profit": lambda labels, chosen, gains: sum(gain * label - 3.0 for gain, label, one in zip(gains, labels, chosen, strict=True) if one),
}


def _precision(labels: np.ndarray, chosen: np.ndarray) -> float:
    return (labels & chosen).sum() / chosen.sum() if chosen.any() else 0.0


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("seed", range(5))
def test_threshold_is_the_best_of_all(objective: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    labels = random.random(200) < 0.3
    probabilities = np.clip(random.normal(0.3 + 0.2 * labels, 0.2), 0, 1).round(3).astype(np.float32)
    gains = random.integers(1, 20, 200).astype(float)
    wanted = Threshold(objective, precision=0.6 if objective == "recall_at_precision" else None)
    found = threshold.best(wanted, labels.astype(int), probabilities, gains, 3.0)

    def value(limit: float) -> float:
        return OBJECTIVES[objective](labels, probabilities >= limit, gains)

    assert value(found) == pytest.approx(max(value(limit) for limit in np.arange(-0.0005, 1.001, 0.001)))
    if objective == "recall_at_precision":
        assert not any(
            value(limit) == value(found) and _precision(labels, probabilities >= limit) > _precision(labels, probabilities >= found)
            for limit in np.arange(0.0005, 1, 0.001)
        )


def test_a_precision_that_no_threshold_reaches_is_said() -> None:
    with pytest.raises(threshold.ThresholdError, match=r"threshold.precision 0.9 is reached by no threshold.*the best is 0.500; lower it"):
        threshold.best(Threshold("recall_at_precision", precision=0.9), np.array([0, 1, 0, 1]), np.array([0.3, 0.3, 0.3, 0.3]))


def test_binary_metrics_with_money_equal_plain_loops() -> None:
    random = np.random.default_rng(0)
    labels, scores = (random.random(500) < 0.4).astype(int), random.random(500).astype(np.float32)
    frame = pd.DataFrame({"fee": random.random(500)})
    gains = metrics.gains(frame, params.parse(kinds.binary_text(money={"gain": 3, "cost": 0.5, "gain_column": "fee"})))
    assert gains == pytest.approx(3 * frame["fee"])
    found = metrics.compute("binary", labels, scores, 0.35, ("no", "yes"), gains, 0.5)
    profit, bins = 0.0, [[] for _ in range(10)]
    for label, score, gain in zip(labels, scores.astype(float), gains, strict=True):
        profit += (gain * label - 0.5) if score >= 0.35 else 0.0
        bins[min(int(score * 10), 9)].append((score, label))
    error = sum(len(one) * abs(np.mean([s for s, _ in one]) - np.mean([y for _, y in one])) for one in bins) / 500
    assert (found["profit"], found["ece"]) == (pytest.approx(profit / 500), pytest.approx(error))
    assert found["f1"] == pytest.approx(judge.f1_score(labels, scores >= 0.35))
    assert list(found) == ["roc_auc", "pr_auc", "log_loss", "brier", "ece", "f1", "precision", "recall", "accuracy", "profit"]
    assert "profit" not in metrics.compute("binary", labels, scores, 0.35)
    assert metrics.gains(frame, params.parse(kinds.binary_text())) is None


@pytest.mark.parametrize(
    ("problem", "targets", "scores", "undefined"),
    [
        ("binary", [1, 1], [0.2, 0.9], {"roc_auc", "pr_auc"}),
        ("binary", [0, 0], [0.2, 0.9], {"roc_auc", "pr_auc", "f1", "precision", "recall"}),
        ("binary", [0, 1], [0.2, math.nan], {"roc_auc", "log_loss", "f1", "accuracy"}),
        ("binary", [], [], {"roc_auc", "log_loss", "f1", "ece"}),
        ("multi-class", [0, 1, 1], [[0.6, 0.4, 0.0], [0.1, 0.8, 0.1], [0.5, 0.3, 0.2]], {"roc_auc_ovr", "recall[c]"}),
        ("regression", [2.0, 2.0], [1.0, 3.0], {"r2"}),
        ("regression", [0.0, 0.0], [1.0, 3.0], {"r2", "mape"}),
        ("regression", [0.0, 1.0], [1.0, math.inf], {"mae", "rmse", "r2", "pinball", "mape"}),
    ],
)
def test_what_is_not_defined_is_nan(problem: str, targets: list[float], scores: list[Any], undefined: set[str]) -> None:
    classes = ("a", "b", "c") if problem == "multi-class" else ()
    found = metrics.compute(problem, np.array(targets), np.array(scores, dtype=float), 0.5, classes)
    missing = {name for name, value in found.items() if math.isnan(value)}
    assert undefined <= missing
    assert missing == undefined or not np.isfinite(np.array(scores, dtype=float)).all() or not targets


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("case", range(15))
def test_the_run_and_the_judge_compute_the_same(case: int) -> None:
    random, problem = np.random.default_rng(case), ("binary", "multi-class", "regression")[case % 3]
    rows = int(random.integers(3, 200))
    if problem == "binary":
        targets, scores = (random.random(rows) < random.choice([0, 0.3, 1])).astype(int), random.random(rows)
    elif problem == "multi-class":
        targets, scores = random.integers(0, random.integers(1, 5), rows), random.dirichlet([0.2] * 4, rows)
    else:
        targets, scores = random.normal(size=rows) * (case % 2), random.normal(size=rows)
    classes, gains = ("a", "b", "c", "d") if problem == "multi-class" else (), random.random(rows) if problem == "binary" else None
    found = metrics.compute(problem, targets, scores.astype(np.float32), 0.4, classes, gains, 0.2)
    question = answers_module.Question(problem, targets, classes, gains, 0.2, resamples=100)
    judged = estimates.estimate(question, answers_module.Answers(scores.astype(np.float32), 0.4), None)
    values = {one.name: math.nan if one.candidate.value is None else one.candidate.value for one in judged}
    assert found == pytest.approx(values, abs=1e-9, nan_ok=True)
    assert list(found) == list(values)


def test_slices_are_protected_columns_first_and_each_once() -> None:
    chosen = params.parse(kinds.params_text("penguins", slices=["sex", {"name": "big", "column": "body_mass_g", "min": 5000}, "island"]))
    frame = dataset.read(kinds.DATA / "penguins.csv", chosen)
    found = slices.parts(frame, chosen)
    assert [(part.name, part.protected) for part in found] == [
        ("sex=female", True),
        ("sex=male", True),
        ("sex=missing", True),
        ("big", False),
        ("island=Biscoe", False),
        ("island=Dream", False),
        ("island=Torgersen", False),
    ]
    assert [part.mask.sum() for part in found] == [165, 168, 11, 67, 168, 124, 52]
    assert slices.parts(frame.drop(columns=["sex", "body_mass_g"]), chosen)[0].name == "island=Biscoe"


def test_integer_slices_are_named_by_their_number() -> None:
    columns = {**kinds.DELIVERIES["columns"], "item_01": {"type": "integer", "min": 0, "max": 2}}
    chosen = params.parse(kinds.params_text("deliveries", columns=columns, slices=["item_01"]))
    found = slices.parts(dataset.read(kinds.DATA / "deliveries.csv", chosen), chosen)
    assert [part.name for part in found] == ["item_01=0", "item_01=1", "item_01=2"]
