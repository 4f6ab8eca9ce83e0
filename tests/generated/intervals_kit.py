"""What the tests of metrics with intervals need: a question of each kind with two models' answers."""

import numpy as np
from churn.intervals.estimates import Answers, Question


def sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


def pair(problem: str, rows: int, seed: int = 0, ties: bool = False) -> tuple[Question, Answers, Answers]:
    """A question and two models that see the truth through noise that is partly the same."""
    rng = np.random.default_rng(seed)
    if problem == "binary":
        targets = (rng.random(rows) < 0.3).astype(int)
        signal = rng.normal(size=rows) + 1.2 * targets - 0.9
        one, other = (sigmoid(signal + 0.5 * rng.normal(size=rows)) for _ in range(2))
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
