"""ONNX answers as scikit-learn does where a value lies exactly on a threshold."""

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from churn.contract import Column, Contract
from churn.pipeline import convert
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.pipeline import Pipeline

TENTHS = np.arange(500, 2000) / 10


@pytest.mark.parametrize(
    ("estimator", "classes"),
    [
        (HistGradientBoostingRegressor(max_iter=20), ()),
        (RandomForestRegressor(10, random_state=0), ()),
        (HistGradientBoostingClassifier(max_iter=20), ("no", "yes")),
    ],
)
def test_values_midway_between_training_values(estimator: BaseEstimator, classes: tuple[str, ...]) -> None:
    even = TENTHS[::6].astype(np.float32)
    waves = np.sin(even / 2)
    contract = Contract("m", ("size",), (), (Column("size", "number"),), classes, "yes" if classes else None)
    pipeline = Pipeline([("features", ColumnTransformer([("numeric", "passthrough", ["size"])])), ("estimator", estimator)])
    pipeline.fit(pd.DataFrame({"size": even}), waves > 0 if classes else waves)
    session = onnxruntime.InferenceSession(convert.convert(pipeline, contract))
    rows = TENTHS.astype(np.float32)
    frame = pd.DataFrame({"size": rows})
    expected = pipeline.predict_proba(frame) if classes else pipeline.predict(frame)[:, None]
    found = session.run(["probabilities" if classes else "values"], {"numeric": rows[:, None]})[0]
    assert np.abs(found - expected).max() < 1e-5
