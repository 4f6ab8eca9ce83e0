"""A wrong setting in ``params.yaml`` is one line that says which, and what was meant."""

from typing import Any

import kinds
import pytest
from churn import model, params
from churn.params import ParamsError

Contents = dict[str, Any]


@pytest.mark.parametrize(
    ("kind", "changed", "expected"),
    [
        ("penguins", {"data": {**kinds.PENGUINS["data"], "classes": ["Adelie", "Gentoo"]}}, "data.classes must hold three or more"),
        ("penguins", {"data": {**kinds.PENGUINS["data"], "positive": "Adelie"}}, "data.positive is for binary problems"),
        ("penguins", {"threshold": {"value": 0.5}}, "threshold is for binary problems, this is multi-class; write `threshold: null`"),
        (
            "penguins",
            {"split": {"time": "island", "test": "2024", "validation": "2023"}},
            "split.time 'island' is the id, the target or an",
        ),
        (
            "penguins",
            {"split": {"time": "seen", "test": "2024", "validation": "2024"}},
            "split.validation 2024 must be before split.test 2024",
        ),
        ("penguins", {"split": {"time": "seen", "test": 0.2, "validation": 0.1}}, "split.validation 0.1 must be a time in quotes beside"),
        ("penguins", {"split": {"test": "2024", "validation": 0.1, "salt": "a"}}, "split.test must be a number, not '2024'"),
        ("penguins", {"split": {"test": 0.2, "validation": 0.1}}, "split.salt is missing; add it"),
        ("penguins", {"money": {"gain": 1, "cost": 1}}, "money is for decisions of binary problems"),
        ("penguins", {"review": {"headline": "f1_makro"}}, "review.headline 'f1_makro' is not a metric of multi-class problems (did you"),
        ("penguins", {"review": {"confidence": 95}}, "review.confidence 95 must be at least 0.5 and below 1"),
        ("penguins", {"review": {"resamples": 100}}, "review.resamples 100 must lie in 2000 to 100000"),
        ("penguins", {"review": {"min_n": 1}}, "review.min_n 1 must lie in 10 to"),
        ("penguins", {"protected": ["sexx"]}, "protected[0] 'sexx' is not a column listed under columns (did you mean 'sex'?)"),
        ("penguins", {"slices": ["body_mass_g"]}, "or name a range: {name: …"),
        ("penguins", {"slices": [{"name": "a", "column": "sex"}]}, "slices[0] must have either value or bounds"),
        ("penguins", {"slices": [{"name": "a", "column": "sex", "value": "mal"}]}, "slices[0].value 'mal' is not a category of 'sex' (did"),
        ("penguins", {"slices": [{"name": "a", "column": "sex", "min": 1}]}, "min and max are for numbers"),
        ("penguins", {"slices": [{"name": "a", "column": "body_mass_g", "min": 2, "max": 1}]}, "slices[0]: min 2 is above max 1"),
        ("penguins", {"slices": [{"name": "a", "column": "body_mass_g", "value": 1, "max": 1}]}, "either value or bounds"),
        ("penguins", {"slices": [{"name": "a", "colum": "sex", "value": "male"}]}, "slices[0].colum is not a known key (did you mean"),
        (
            "penguins",
            {"slices": [{"name": "sex=male", "column": "body_mass_g", "min": 1}, "sex"]},
            "'sex=male' is the name of another slice",
        ),
        ("deliveries", {"data": {**kinds.DELIVERIES["data"], "classes": ["a", "b"]}}, "data.classes is for problems with classes"),
        (
            "deliveries",
            {"model": {"name": "d", "estimator": "RandomForestClassifier"}},
            "this is regression (did you mean 'RandomForestReg",
        ),
        ("penguins", {"model": {"name": "d", "estimator": "Ridge"}}, "'Ridge' is for regression problems, this is multi-class"),
        ("penguins", {"model": {"name": "d", "estimator": "SGDClassifier"}}, "'SGDClassifier' is for binary problems, this is multi-class"),
        (
            "deliveries",
            {"model": {"name": "d", "estimator": "HistGradientBoostingRegressor", "parameters": {"loss": "poisson"}}},
            "model.parameters.loss 'poisson' gives other values in ONNX",
        ),
    ],
)
def test_wrong_setting_is_one_line(kind: str, changed: Contents, expected: str) -> None:
    with pytest.raises(ParamsError) as caught:
        model.build(params.parse(kinds.params_text(kind, **changed)))
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"threshold": None}, "threshold is missing; add it"),
        ({"threshold": {"objective": "profitt"}}, "threshold.objective 'profitt' is not known (did you mean 'profit'?)"),
        ({"threshold": {"value": 1.5}}, "threshold.value 1.5 must lie in 0 to 1"),
        ({"threshold": {"objective": "recall_at_precision"}}, "threshold.precision is missing"),
        ({"threshold": {"objective": "f1", "precision": 0.5}}, "threshold.precision is for the objective recall_at_precision"),
        ({"threshold": {"objective": "recall_at_precision", "precision": 50}}, "threshold.precision 50 must be above 0 and at most 1"),
        ({"threshold": {"objective": "profit"}}, "threshold.objective profit needs to know what a decision brings and costs"),
        ({"money": {"gain": 1, "cost": -1}}, "money.cost -1 must be a finite number, 0 or more"),
        ({"money": {"gain": 1, "cost": 1, "gain_column": "fees"}}, "money.gain_column 'fees' is not a column"),
        ({"money": {"gain": 1, "cost": 1, "gain_column": "plan"}}, "money.gain_column 'plan' must be a number that is never missing"),
        ({"money": {"gain": 1, "cost": 1, "gain_column": "age"}}, "money.gain_column 'age' must be a number that is never missing"),
        ({"money": {"gain": 1, "cosst": 1}}, "money.cosst is not a known key (did you mean 'cost'?)"),
        ({"review": {"headline": "profit"}}, "review.headline 'profit' is not a metric of binary problems"),
        ({"data": {**kinds.BINARY["data"], "positive": None}}, "data.positive is missing"),
        ({"model": {"name": "b", "estimator": "Ridge"}}, "'Ridge' is for regression problems, this is binary"),
    ],
)
def test_wrong_setting_of_a_binary_problem_is_one_line(changed: Contents, expected: str) -> None:
    with pytest.raises(ParamsError) as caught:
        model.build(params.parse(kinds.binary_text(**changed)))
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)
