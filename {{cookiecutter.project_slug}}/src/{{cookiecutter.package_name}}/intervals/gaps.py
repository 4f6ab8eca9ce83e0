"""How often a binary model says yes: rates of a part of the rows, and the largest gap between the values of a protected column."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from . import Estimate
from .answers import Answers, Question


@dataclass(frozen=True)
class Rates:
    """``selection`` is the share of rows predicted positive, ``true_positive`` and ``false_positive`` that of the positive and of the
    other rows; None where there are no such rows."""

    selection: float | None
    true_positive: float | None
    false_positive: float | None


@dataclass(frozen=True)
class Gap:
    """The largest difference of a rate between groups."""

    candidate: Estimate
    champion: Estimate | None = None


def rates(
    question: Question, candidate: Answers, champion: Answers | None = None, rows: np.ndarray | None = None
) -> tuple[Rates, Rates | None]:
    """The rates of candidate and champion on the rows of a boolean mask (all rows without one)."""
    chosen = np.ones(len(question.targets), dtype=bool) if rows is None else rows
    return _rates(_Counts.of(question, candidate, [chosen])), None if champion is None else _rates(_Counts.of(question, champion, [chosen]))


def gaps(question: Question, candidate: Answers, champion: Answers | None, groups: Mapping[str, np.ndarray]) -> tuple[Gap, Gap]:
    """Equal opportunity and demographic parity: the largest difference between groups (boolean masks) of the true positive rate and of
    the selection rate.

    fairlearn's ``equal_opportunity_difference`` and ``demographic_parity_difference``, but groups without a (positive) row do not count.
    Not defined for fewer than two groups or scores that are not numbers. Rows are resampled within group and label, so that the rows
    chosen of each are binomial. A largest gap is biased upward, most where there is none, and so is its resample: the low end is that of
    the basic interval, which takes the bias off, the high end that of the percentile interval. This errs on the wide side.
    """
    masks = list(groups.values())
    found = [None if model is None else _Counts.of(question, model, masks) for model in (candidate, champion)]
    both = [(None, None) if counts is None else _gaps(question, counts) for counts in found]
    (opportunity, parity), (other_opportunity, other_parity) = both
    return Gap(opportunity or Estimate(None), other_opportunity), Gap(parity or Estimate(None), other_parity)


@dataclass(frozen=True)
class _Counts:
    """Rows [groups, 2] by label, and those of them that are predicted positive (None where a score is not a number)."""

    rows: np.ndarray
    chosen: np.ndarray | None

    @classmethod
    def of(cls, question: Question, model: Answers, masks: list[np.ndarray]) -> "_Counts":
        decided = model.scores >= model.threshold
        rows = [np.bincount(question.labels[mask], minlength=2) for mask in masks]
        chosen = [np.bincount(question.labels[mask & decided], minlength=2) for mask in masks]
        usable = all(np.isfinite(model.scores[mask]).all() for mask in masks)
        return cls(np.reshape(rows, (-1, 2)), np.reshape(chosen, (-1, 2)) if usable else None)


def _rates(counts: _Counts) -> Rates:
    if counts.chosen is None:
        return Rates(None, None, None)
    (others, positives), (others_chosen, positives_chosen) = counts.rows[0].tolist(), counts.chosen[0].tolist()

    def share(part: int, whole: int) -> float | None:
        return part / whole if whole else None

    return Rates(
        share(others_chosen + positives_chosen, others + positives), share(positives_chosen, positives), share(others_chosen, others)
    )


def _gaps(question: Question, counts: _Counts) -> tuple[Estimate, Estimate]:
    """Of the true positive rate and of the selection rate."""
    if counts.chosen is None:
        return Estimate(None), Estimate(None)
    shares = counts.chosen / np.maximum(counts.rows, 1)
    drawn = np.random.default_rng(question.seed).binomial(counts.rows, shares, size=(question.resamples, *counts.rows.shape))
    positives, everyone = counts.rows[:, 1], counts.rows.sum(axis=1)
    return (
        _gap(counts.chosen[:, 1], drawn[..., 1], positives, question.confidence),
        _gap(counts.chosen.sum(axis=1), drawn.sum(axis=-1), everyone, question.confidence),
    )


def _gap(chosen: np.ndarray, drawn: np.ndarray, rows: np.ndarray, confidence: float) -> Estimate:
    if (rows > 0).sum() < 2:
        return Estimate(None)
    value = float(np.ptp((chosen / np.maximum(rows, 1))[rows > 0]))
    resampled = np.ptp((drawn / np.maximum(rows, 1))[:, rows > 0], axis=1)
    high = float(np.quantile(resampled, (1 + confidence) / 2))
    return Estimate(value, min(max(2 * value - high, 0.0), value), max(high, value))
