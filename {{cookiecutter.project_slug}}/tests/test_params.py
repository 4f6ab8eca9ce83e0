"""Mistakes in params.yaml: each is one line that says where it is and what to do."""

from pathlib import Path

import pytest

from {{cookiecutter.package_name}} import csv_file, estimators, model, params

REAL = Path("params.yaml").read_text(encoding="utf-8")
SMALL = """
problem: binary
model: {name: m, estimator: LogisticRegression, parameters: {C: 1e-1}}
data: {path: d.csv, id: key, target: left, classes: [No, Yes], positive: Yes}
columns: {age: {type: number, min: 0}, plan: {type: category, categories: [a, b]}}
split: {test: 0.2, validation: 0.1, salt: s}
features: {numeric: [age], categorical: [plan]}
threshold: {value: 0.5}
gates: [{metric: roc_auc, min: 0.8}]
slices: [plan]
"""


def test_own_parameters_fit_own_data() -> None:
    chosen = params.parse(REAL)
    csv_file.check(chosen.data.path, chosen)
    model.build(chosen)


def test_scalars_are_those_of_yaml_1_2_as_in_dvc() -> None:
    chosen = params.parse(SMALL)
    assert chosen.data.classes == ("No", "Yes")
    assert chosen.model.parameters == {"C": 0.1}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("numeric: [age]", "numeric: [agee]", "features.numeric[0] 'agee' is not one of columns (did you mean 'age'?)"),
        ("numeric: [age]", "numeric: [plan]", "features.numeric[0] 'plan' has the type category; move it to features.categorical"),
        ("slices: [plan]", "slices: [age]", "slices[0] 'age' must be a category"),
        ("test: 0.2", "test: a fifth", "split.test must be a number, not 'a fifth'"),
        ("test: 0.2", "test: 0.95", "leave no rows to train on"),
        ("min: 0}", "min: zero}", "columns.age.min must be a number, not 'zero'"),
        ("type: number", "type: numbr", "columns.age.type 'numbr' is not known (did you mean 'number'?)"),
        ("estimator:", "estimater:", "model.estimater is not a known key (did you mean 'estimator'?)"),
        ("metric: roc_auc", "metric: auc", "gates[0].metric 'auc' is not known"),
        ("min: 0.8", "min: 80", "gates[0].min 80 cannot be a limit for roc_auc"),
        ("positive: Yes", "positive: yes", "data.positive 'yes' is not one of data.classes (did you mean 'Yes'?)"),
        ("value: 0.5", "value: 0.5, objective: f1", "threshold must have either objective"),
        ("categories: [a, b]", "categories: [a, 1]", "columns.plan.categories[1] must be text, not 1; put it in quotes"),
        ("test: 0.2,", "test: 0.2, test: 0.3,", "line 6, column 20: key 'test' is given twice; delete one"),
        ("salt: s}", "salt: s", "is a quote, a bracket or an indent missing?"),
        ("problem: binary", "", "problem is missing; add it"),
    ],
)
def test_mistake_is_one_line(old: str, new: str, expected: str) -> None:
    assert old in SMALL
    with pytest.raises(params.ParamsError) as caught:
        params.parse(SMALL.replace(old, new, 1))
    assert str(caught.value).startswith("params.yaml: ")
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "LogisticRegression",
            "LogisticRegresion",
            "model.estimator 'LogisticRegresion' is not known (did you mean 'LogisticRegression'?)",
        ),
        ("C: 1e-1", "c: 1", "model.parameters.c is not a parameter of LogisticRegression"),
        ("C: 1e-1", "C: one", "The 'C' parameter of LogisticRegression must be a float"),
        ("C: 1e-1", "C: -1", "The 'C' parameter of LogisticRegression must be a float"),
    ],
)
def test_wrong_estimator_is_one_line(old: str, new: str, expected: str) -> None:
    with pytest.raises(params.ParamsError) as caught:
        model.build(params.parse(SMALL.replace(old, new, 1)))
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_parameter_that_converts_wrongly_is_refused_before_training() -> None:
    wrong = SMALL.replace(
        "LogisticRegression, parameters: {C: 1e-1}", "HistGradientBoostingClassifier, parameters: {categorical_features: [0]}"
    )
    with pytest.raises(params.ParamsError, match=r"categorical_features gives other probabilities in ONNX.*delete it"):
        estimators.find(params.parse(wrong).model)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(params.ParamsError, match=r"params.yaml: no such file"):
        params.load(tmp_path / "params.yaml")
