"""A small data set with everything that is awkward: missing values, rare categories, heavy tails, column names of all kinds."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from {{cookiecutter.package_name}} import params

ROWS = 900
CHOICES = {
    "problem": "binary",
    "model": {"name": "small", "estimator": "LogisticRegression", "parameters": {"max_iter": 1000}},
    "data": {"path": "data.csv", "id": "key", "target": "left", "classes": ["no", "yes"], "positive": "yes"},
    "columns": {
        "hours per week": {"type": "integer", "min": 0, "max": 100},
        "numeric": {"type": "number"},
        "hours-per-week": {"type": "number", "missing": True},
        "größe.in.cm": {"type": "number"},
        "label": {"type": "category", "categories": ["a", "b", "None", "never seen"], "missing": True},
    },
    "split": {"test": 0.2, "validation": 0.2, "salt": "s"},
    "features": {"numeric": ["numeric", "hours per week", "größe.in.cm", "hours-per-week"], "categorical": ["label"]},
    "threshold": {"objective": "f1"},
    "gates": [{"metric": "roc_auc", "min": 0.5}],
    "slices": ["label"],
}
KINDS = {
    "binary": {},
    "multi-class": {
        "problem": "multi-class",
        "data": {"path": "data.csv", "id": "key", "target": "grade", "classes": ["low", "middle", "high"]},
        "threshold": None,
        "gates": [{"metric": "f1_macro", "min": 0.5}],
    },
    "regression": {
        "problem": "regression",
        "data": {"path": "data.csv", "id": "key", "target": "days"},
        "threshold": None,
        "gates": [{"metric": "r2", "min": 0.5}],
    },
}


@pytest.fixture
def choose() -> Callable[..., params.Params]:
    """Makes parameters: ``choose(estimator="…", parameters={…})`` or any top-level key; ``kind`` chooses another problem."""

    def make(
        estimator: str = "LogisticRegression", parameters: dict[str, object] | None = None, kind: str = "binary", **keys: object
    ) -> params.Params:
        given = {"max_iter": 1000} if parameters is None and estimator == "LogisticRegression" else parameters or {}
        model = {"name": "small", "estimator": estimator, "parameters": given}
        return params.parse(yaml.safe_dump({**CHOICES, **KINDS[kind], "model": model, **keys}, allow_unicode=True))

    return make


@pytest.fixture
def raw(tmp_path: Path) -> pd.DataFrame:
    """The rows as they stand in a file."""
    random = np.random.default_rng(1)
    frame = pd.DataFrame({"key": [f"k{index}" for index in range(ROWS)]})
    frame["hours per week"] = random.integers(0, 101, ROWS)
    frame["numeric"] = random.standard_t(2, ROWS) * 1000
    frame["hours-per-week"] = np.where(random.random(ROWS) < 0.15, np.nan, random.normal(40, 5, ROWS))
    frame["größe.in.cm"] = random.normal(170, 10, ROWS).round(1)
    frame["label"] = random.choice(["a", "b", "None", ""], ROWS, p=[0.5, 0.3, 0.1, 0.1])
    signal = (
        frame["hours per week"] / 20 + (frame["label"] == "a") + frame["hours-per-week"].isna() + frame["numeric"].clip(-2000, 2000) / 2000
    )
    signal += random.normal(0, 1, ROWS)
    frame["left"] = np.where(signal > 3.2, "yes", "no")
    frame["grade"] = np.select([signal < 2, signal > 4], ["low", "high"], "middle")
    frame["days"] = 100 + 10 * signal
    return frame


@pytest.fixture
def write(tmp_path: Path) -> Callable[[pd.DataFrame], Path]:
    """Writes rows to a CSV file and returns its path."""

    def to_file(frame: pd.DataFrame) -> Path:
        frame.to_csv(path := tmp_path / "data.csv", index=False)
        return path

    return to_file
