"""The twin for coded rows answers as the model does; a model that cannot have one goes without."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from churn import features
from churn.params import Features
from churn.pipeline import coded
from churn.pipeline.convert import convert
from churn.scorer import Scorer
from coded_kit import bundle_of, contract_of, fitted, frame, inputs
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

ALL = ("age", "fee", "plan", "colour", "town")


def default(*names: str, scale: bool = True, impute: bool = True) -> ColumnTransformer:
    """The features that a project comes with."""
    contract = contract_of(*names)
    return features.build(Features(contract.numeric, contract.categorical), scale=scale, impute=impute)


@pytest.mark.parametrize(
    ("names", "made"),
    [
        (ALL, {}),
        (("age", "fee", "plan"), {}),
        (("plan",), {}),
        (("plan", "colour", "town"), {}),
        (ALL, {"scale": False}),
        (ALL, {"scale": False, "impute": False, "estimator": HistGradientBoostingClassifier(max_iter=20)}),
        (("age", "town"), {"scale": False, "estimator": RandomForestClassifier(10, random_state=0)}),
    ],
)
def test_the_twin_answers_as_the_model(names: tuple[str, ...], made: dict[str, Any], tmp_path: Path) -> None:
    contract, estimator = contract_of(*names), made.pop("estimator", None)
    pipeline = fitted(contract, default(*names, **made), estimator)
    bundle = bundle_of(tmp_path / "bundle", pipeline, contract)
    twin, model = Scorer(bundle), Scorer(bundle, coded=False)
    assert (twin.is_coded, model.is_coded) == (True, False)
    asked = inputs(contract, rows=500, seed=2, unseen=True)
    found = twin.answers(*asked)
    np.testing.assert_array_equal(found, model.answers(*asked))
    np.testing.assert_allclose(found, pipeline.predict_proba(frame(contract, *asked)), atol=1e-6)
    rows = twin.coding.coded(*asked)
    np.testing.assert_array_equal(twin.answers_to_coded(rows), found)
    np.testing.assert_array_equal(model.answers_to_coded(rows), found)


def one_hot() -> OneHotEncoder:
    return OneHotEncoder(handle_unknown="ignore", sparse_output=False)


def test_the_order_in_which_the_columns_are_encoded_is_kept(tmp_path: Path) -> None:
    contract = contract_of(*ALL)
    turned = ColumnTransformer([("texts", one_hot(), ["town", "plan", "colour"]), ("numbers", "passthrough", ["age"])])
    pipeline = fitted(contract, turned)
    scorer = Scorer(bundle_of(tmp_path / "bundle", pipeline, contract))
    asked = inputs(contract, seed=3)
    assert scorer.is_coded
    np.testing.assert_allclose(scorer.answers(*asked), pipeline.predict_proba(frame(contract, *asked)), atol=1e-6)


def test_a_category_that_no_row_can_have_is_not_taken_for_another(tmp_path: Path) -> None:
    contract = contract_of("plan", "colour")
    pipeline = fitted(contract, default("plan", "colour"), unseen=True)
    scorer = Scorer(bundle_of(tmp_path / "bundle", pipeline, contract))
    asked = inputs(contract, seed=5)
    assert scorer.is_coded
    np.testing.assert_allclose(scorer.answers(*asked), pipeline.predict_proba(frame(contract, *asked)), atol=1e-6)


def ordinal() -> OrdinalEncoder:
    return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)


@pytest.mark.parametrize(
    ("names", "transformer"),
    [
        (("age",), default("age")),
        (("age", "plan"), ColumnTransformer([("a", ordinal(), ["plan"]), ("b", "passthrough", ["age"])])),
        (("plan", "colour"), ColumnTransformer([("a", ordinal(), ["plan"]), ("b", OneHotEncoder(), ["colour"])])),
        (("plan", "town"), ColumnTransformer([("a", OneHotEncoder(), ["plan", "town"]), ("b", OneHotEncoder(), ["plan"])])),
        (
            ("plan", "town"),
            ColumnTransformer([("a", OneHotEncoder(handle_unknown="ignore"), ["plan", "town"]), ("b", ordinal(), ["plan"])]),
        ),
        (("plan", "town"), ColumnTransformer([("a", OneHotEncoder(drop="first"), ["plan", "town"])])),
        (("plan", "town"), ColumnTransformer([("a", OneHotEncoder(handle_unknown="error"), ["plan", "town"])])),
    ],
    ids=["no texts", "ordinal", "ordinal and one-hot", "encoded twice", "encoded in two ways", "one dropped", "unseen is an error"],
)
def test_a_model_that_is_not_one_hot_encoded_goes_without(names: tuple[str, ...], transformer: ColumnTransformer, tmp_path: Path) -> None:
    contract = contract_of(*names)
    pipeline = fitted(contract, transformer)
    scorer = Scorer(bundle_of(tmp_path / "bundle", pipeline, contract))
    asked = inputs(contract, seed=4)
    assert not scorer.is_coded
    expected = pipeline.predict_proba(frame(contract, *asked))
    np.testing.assert_allclose(scorer.answers(*asked), expected, atol=1e-6)
    np.testing.assert_allclose(scorer.answers_to_coded(scorer.coding.coded(*asked)), expected, atol=1e-6)


@pytest.mark.parametrize(("limit", "value"), [("MOST_CATEGORIES", 10), ("LARGEST", 100)])
def test_a_model_for_which_it_does_not_pay_goes_without(limit: str, value: int, monkeypatch: pytest.MonkeyPatch) -> None:
    contract = contract_of(*ALL)
    pipeline = fitted(contract, default(*ALL))
    assert onnx.load_from_string(convert(pipeline, contract)).metadata_props
    monkeypatch.setattr(coded, limit, value)
    assert not onnx.load_from_string(convert(pipeline, contract)).metadata_props


def test_the_same_model_has_the_same_twin_to_the_byte() -> None:
    contract = contract_of(*ALL)
    assert convert(fitted(contract, default(*ALL)), contract) == convert(fitted(contract, default(*ALL)), contract)
