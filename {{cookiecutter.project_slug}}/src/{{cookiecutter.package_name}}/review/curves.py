"""What the report draws: ROC, calibration and gain curves, the confusion matrix, residuals and predicted against true values."""

import numpy as np
from sklearn.metrics import confusion_matrix, roc_curve

from ..intervals.estimates import Answers, Question
from ..mermaid import Chart, Series
from . import Confusion

STEPS = np.linspace(0, 1, 11)
TENTHS = [f"{step:.1f}" for step in STEPS]
BINS = 10


def charts(question: Question, candidate: Answers, champion: Answers | None) -> list[Chart]:
    """The charts of a problem; rows of one class only, or answers that are no numbers, have none."""
    models = [("candidate", candidate), *([("champion", champion)] if champion is not None else [])]
    if not all(np.isfinite(answers.scores).all() for _, answers in models):
        return []
    if question.problem == "regression":
        return [_predicted(question, models), _residuals(question, candidate)]
    if question.problem == "multi-class":
        return [_calibration("the predicted class", [(name, *_top(question, answers)) for name, answers in models])]
    if len(np.unique(question.targets)) < 2:
        return []
    scored = [(name, question.targets, answers.scores) for name, answers in models]
    return [_roc(scored), _calibration(question.classes[-1], scored), _gain(scored)]


def confusion(question: Question, candidate: Answers) -> Confusion | None:
    """The candidate's decisions, rows true and columns predicted; None for regression."""
    if question.problem == "regression" or not np.isfinite(candidate.scores).all():
        return None
    chosen = candidate.scores.argmax(axis=1) if question.problem == "multi-class" else candidate.scores >= candidate.threshold
    counts = confusion_matrix(question.targets, chosen.astype(int), labels=range(len(question.classes)))
    return Confusion(list(question.classes), counts.tolist())


def _roc(scored: list[tuple[str, np.ndarray, np.ndarray]]) -> Chart:
    lines = []
    for name, targets, scores in scored:
        false, true, _ = roc_curve(targets, scores)
        lines.append(_series(name, np.interp(STEPS, false, true)))
    return Chart("roc", "ROC", "false positive rate", "true positive rate", TENTHS, [*lines, _series("chance", STEPS)])


def _gain(scored: list[tuple[str, np.ndarray, np.ndarray]]) -> Chart:
    lines = []
    for name, targets, scores in scored:
        found = np.concatenate([[0], np.cumsum(targets[np.argsort(-scores, kind="stable")])]) / targets.sum()
        lines.append(_series(name, np.interp(STEPS, np.linspace(0, 1, len(found)), found)))
    lines.append(_series("chance", STEPS))
    return Chart("gain", "Gain", "share of rows, highest scores first", "share of positives found", TENTHS, lines)


def _calibration(what: str, scored: list[tuple[str, np.ndarray, np.ndarray]]) -> Chart:
    """Share of hits in ten equal-width bins of the probability; a bin without rows is None."""
    lines = []
    for name, hits, scores in scored:
        place = np.minimum((scores * BINS).astype(int), BINS - 1)
        rows = np.bincount(place, minlength=BINS)
        sums = np.bincount(place, weights=hits, minlength=BINS)
        lines.append(Series(name, [_rounded(total / count) if count else None for total, count in zip(sums, rows, strict=True)]))
    middles = [f"{(place + 0.5) / BINS:.2f}" for place in range(BINS)]
    perfect = _series("perfect", np.array([float(middle) for middle in middles]))
    return Chart("calibration", f"Calibration of {what}", "predicted probability", "share that came true", middles, [*lines, perfect])


def _top(question: Question, answers: Answers) -> tuple[np.ndarray, np.ndarray]:
    chosen = answers.scores.argmax(axis=1)
    return (chosen == question.targets).astype(float), answers.scores.max(axis=1)


def _tenths_of(scores: np.ndarray) -> list[np.ndarray]:
    """Row numbers in ten groups of equal size, by rising score."""
    return [part for part in np.array_split(np.argsort(scores, kind="stable"), BINS) if len(part)]


def _predicted(question: Question, models: list[tuple[str, Answers]]) -> Chart:
    groups = _tenths_of(models[0][1].scores)
    x = [f"{question.targets[part].mean():.3g}" for part in groups]
    lines = [Series(name, [_rounded(answers.scores[part].mean()) for part in groups]) for name, answers in models]
    truth = Series("true", [_rounded(question.targets[part].mean()) for part in groups])
    return Chart("predicted", "Predicted and true", "mean true value, by tenths of the candidate's predictions", "mean", x, [*lines, truth])


def _residuals(question: Question, candidate: Answers) -> Chart:
    groups = _tenths_of(candidate.scores)
    errors = candidate.scores - question.targets
    x = [f"{candidate.scores[part].mean():.3g}" for part in groups]
    lines = [
        Series(name, [_rounded(np.quantile(errors[part], share)) for part in groups])
        for name, share in (("90 % below", 0.9), ("median", 0.5), ("10 % below", 0.1))
    ]
    return Chart("residuals", "Residuals of the candidate", "mean prediction, by tenths", "predicted minus true", x, lines)


def _series(name: str, values: np.ndarray) -> Series:
    return Series(name, [_rounded(value) for value in values])


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
