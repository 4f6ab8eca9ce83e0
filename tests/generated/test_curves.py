"""What the report draws, against counting by hand and scikit-learn; and which columns matter."""

from pathlib import Path

import numpy as np
import pytest
from churn import metrics
from churn.bundle import Bundle
from churn.intervals.answers import Answers, Question
from churn.params import Params
from churn.review.compare import Bench
from churn.review.curves import charts, confusion
from churn.review.importance import importance
from planted import changed, default, make, telco
from sklearn.metrics import mean_squared_error, roc_auc_score

RANDOM = np.random.default_rng(3)
TARGETS = RANDOM.integers(0, 2, 400)
SCORES = np.clip(TARGETS * 0.3 + RANDOM.random(400) * 0.7, 0, 1)
BINARY = Question("binary", TARGETS, classes=("No", "Yes"))


def _lines(question: Question, kind: str, *answers: Answers) -> dict[str, list[float | None]]:
    (chart,) = [chart for chart in charts(question, answers[0], answers[1] if len(answers) > 1 else None) if chart.kind == kind]
    assert all(len(line.values) == len(chart.x) <= 21 for line in chart.series)
    return {line.name: line.values for line in chart.series}


def test_the_area_under_the_roc_line_is_the_auc() -> None:
    lines = _lines(BINARY, "roc", Answers(SCORES), Answers(1 - SCORES))
    for name, scores in (("candidate", SCORES), ("champion", 1 - SCORES)):
        area = np.trapezoid(lines[name], np.linspace(0, 1, 11))
        assert area == pytest.approx(roc_auc_score(TARGETS, scores), abs=0.03)
    assert lines["chance"] == pytest.approx(np.linspace(0, 1, 11))


def test_gain_counts_the_positives_among_the_highest_scores() -> None:
    found = _lines(BINARY, "gain", Answers(SCORES))["candidate"]
    best = np.argsort(-SCORES, kind="stable")[: len(SCORES) * 3 // 10]
    assert found[3] == pytest.approx(TARGETS[best].sum() / TARGETS.sum(), abs=1e-3)
    assert (found[0], found[-1]) == (0, 1)


def test_calibration_is_the_share_of_positives_in_each_bin_and_nothing_where_no_row_is() -> None:
    found = _lines(BINARY, "calibration", Answers(SCORES))["candidate"]
    for place, value in enumerate(found):
        rows = (place / 10 <= SCORES) & ((place + 1) / 10 > SCORES) if place < 9 else SCORES >= 0.9
        assert value == (pytest.approx(TARGETS[rows].mean(), abs=1e-3) if rows.any() else None)


def test_a_bin_without_rows_has_no_share() -> None:
    middle = Answers(np.where(TARGETS == 1, 0.55, 0.45))
    assert _lines(BINARY, "calibration", middle)["candidate"] == [None] * 4 + [0.0, 1.0] + [None] * 4


def test_confusion_counts_decisions_at_the_threshold() -> None:
    found = confusion(BINARY, Answers(SCORES, threshold=0.5))
    chosen = SCORES >= 0.5
    assert found.classes == ["No", "Yes"]
    assert found.counts[1] == [int((~chosen & (TARGETS == 1)).sum()), int((chosen & (TARGETS == 1)).sum())]
    assert sum(map(sum, found.counts)) == len(TARGETS)


def test_many_classes_and_values_have_their_own_charts() -> None:
    shares = RANDOM.dirichlet((1, 1, 1), 300)
    three = Question("multi-class", RANDOM.integers(0, 3, 300), classes=("a", "b", "c"))
    assert [chart.kind for chart in charts(three, Answers(shares), None)] == ["calibration"]
    assert np.array(confusion(three, Answers(shares)).counts).sum() == 300
    values = RANDOM.normal(20, 5, 300)
    numbers = Question("regression", values + RANDOM.normal(0, 2, 300))
    assert [chart.kind for chart in charts(numbers, Answers(values), Answers(values))] == ["predicted", "residuals"]
    assert confusion(numbers, Answers(values)) is None
    lines = _lines(numbers, "residuals", Answers(values))
    assert all(low < middle < high for low, middle, high in zip(lines["10 % below"], lines["median"], lines["90 % below"], strict=True))


@pytest.mark.parametrize("scores", [np.full(400, np.nan), np.where(np.arange(400) == 7, np.inf, 0.5)])
def test_answers_that_are_no_numbers_draw_nothing(scores: np.ndarray) -> None:
    assert charts(BINARY, Answers(scores), None) == []
    assert charts(BINARY, Answers(SCORES), Answers(scores)) == []
    assert confusion(BINARY, Answers(scores)) is None


def test_one_class_draws_nothing() -> None:
    assert charts(Question("binary", np.zeros(400, dtype=int), classes=("No", "Yes")), Answers(SCORES), None) == []


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make(tmp_path_factory.mktemp("importance") / "bundle", _two(), telco())


def _two() -> Params:
    """Two columns: what tells much, and what a shuffled copy of it cannot tell."""
    return changed(default(), features=changed(default().features, numeric=("tenure", "partner"), categorical=()))


def test_a_column_that_tells_is_more_important_than_one_that_does_not(made: Bundle, tmp_path: Path) -> None:
    bench = Bench(made, None, telco().iloc[:1500], _two(), _two())
    found = importance(made, bench.rows, bench.question, "roc_auc", bench.mine.threshold)
    assert [item.feature for item in found] == ["tenure", "partner"]
    assert found[0].mean > 0.1 > found[1].mean + 3 * found[1].spread
    assert found == importance(made, bench.rows, bench.question, "roc_auc", bench.mine.threshold), "the shuffles are seeded"
    losses = importance(made, bench.rows, bench.question, "log_loss", bench.mine.threshold)
    assert losses[0].feature == "tenure"
    assert losses[0].mean > 0, "a loss that grows is a loss of the model"


def test_scores_of_the_bench_are_those_of_the_bundle(made: Bundle) -> None:
    bench = Bench(made, None, telco().iloc[:500], _two(), _two())
    direct = metrics.compute("binary", bench.question.targets, bench.mine.scores, bench.mine.threshold, ("No", "Yes"))
    assert bench.again("roc_auc").candidate.value == pytest.approx(direct["roc_auc"], abs=1e-12)
    assert mean_squared_error(bench.question.targets, bench.mine.scores) == pytest.approx(bench.again("brier").candidate.value)
    assert bench.again("roc_auc", "no such slice") is None
