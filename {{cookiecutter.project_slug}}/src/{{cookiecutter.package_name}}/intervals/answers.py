"""What is measured and what the models answered: plain arrays, whatever the kind of problem."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Answers:
    """One model's answers on n rows.

    ``scores`` are probabilities of the positive class [n] (binary), probabilities [n, classes] (multi-class) or values [n] (regression).
    A row is predicted positive when its score is at least ``threshold`` (binary only).
    """

    scores: np.ndarray
    threshold: float = 0.5

    def __post_init__(self) -> None:
        object.__setattr__(self, "scores", np.asarray(self.scores, dtype=np.float64))

    @cached_property
    def order(self) -> np.ndarray:
        """The rows by score, lowest first."""
        return np.argsort(self.scores, kind="stable")

    @property
    def finite(self) -> bool:
        """Whether every score is a number."""
        return bool(np.isfinite(self.scores).all())

    def part(self, rows: np.ndarray) -> "Answers":
        """The answers on the rows of a boolean mask."""
        part = replace(self, scores=self.scores[rows])
        if self.scores.ndim == 1:
            kept = self.order[rows[self.order]]
            part.__dict__["order"] = (np.cumsum(rows) - 1)[kept]  # sorting once serves every slice
        return part


@dataclass(frozen=True)
class Question:
    """What is measured, for all rows.

    ``targets`` are 0 and 1 [n] (binary), indexes into ``classes`` [n] (multi-class) or values [n] (regression). ``gains`` [n] is the money
    that a row brings which is predicted positive and is positive, ``cost`` what each row predicted positive costs; without ``gains`` there
    is no profit. ``confidence`` is the level of the intervals; ``resamples`` and ``seed`` are those of the bootstrap.
    """

    problem: str
    targets: np.ndarray
    classes: tuple[str, ...] = ()
    gains: np.ndarray | None = None
    cost: float = 0.0
    confidence: float = 0.95
    resamples: int = 2000
    seed: int = 0

    @cached_property
    def labels(self) -> np.ndarray:
        """The stratum of each row: its class; all rows of a regression are in one."""
        return np.zeros(len(self.targets), dtype=np.int64) if self.problem == "regression" else self.targets.astype(np.int64)

    @cached_property
    def counts(self) -> np.ndarray:
        """Rows of each stratum [strata]: the two classes, the classes, or all rows."""
        strata = {"binary": 2, "multi-class": len(self.classes), "regression": 1}[self.problem]
        return np.bincount(self.labels, minlength=strata)

    def part(self, rows: np.ndarray) -> "Question":
        """The same for the rows of a boolean mask."""
        return replace(self, targets=self.targets[rows], gains=None if self.gains is None else self.gains[rows])
