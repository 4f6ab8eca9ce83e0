"""One metric alone."""

import numpy as np
import pytest
from churn import metrics

CLASSES = ("a", "b", "c", "never seen")


@pytest.mark.parametrize("problem", ["binary", "multi-class", "regression"])
def test_a_metric_alone_is_the_one_among_all(problem: str) -> None:
    random = np.random.default_rng(0)
    targets = random.normal(size=90) if problem == "regression" else random.integers(0, 2 if problem == "binary" else 3, 90)
    scores = random.dirichlet([0.5] * 4, 90) if problem == "multi-class" else random.random(90)
    given = (problem, targets, scores, 0.4, CLASSES if problem == "multi-class" else (), random.random(90), 0.2)
    whole = metrics.compute(*given)
    assert len(whole) >= 5
    for name, value in whole.items():
        assert metrics.compute(*given, only=name) == pytest.approx({name: value}, nan_ok=True)
    assert metrics.compute(*given, only="of another problem") == {}
