"""What you may write in params.yaml, and what may stand in the data file: each mistake is one line that helps."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from {{cookiecutter.package_name}} import csv_file, dataset, model, params
from {{cookiecutter.package_name}}.contract import Contract, ContractError
from {{cookiecutter.package_name}}.params import Params
from {{cookiecutter.package_name}}.pipeline import prepare

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
        ("numeric: [age]", "numeric: [agee]", "features.numeric[0] 'agee' is not a column listed under columns (did you mean 'age'?)"),
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
    with pytest.raises(params.ParamsError, match=r"categorical_features gives other answers in ONNX.*delete it"):
        model.find(params.parse(wrong).model)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(params.ParamsError, match=r"params.yaml: no such file"):
        params.load(tmp_path / "params.yaml")


Choose = Callable[..., Params]
Write = Callable[[pd.DataFrame], Path]


def refused(path: Path, chosen: Params) -> str:
    with pytest.raises(ContractError) as caught:
        dataset.read(path, chosen)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("numeric", "1.5 kg", "must be a number"),
        ("numeric", "", "is required and cannot be missing"),
        ("numeric", "1e39", "must be a finite number that fits into 32-bit floating point"),
        ("hours per week", "1.5", "must be a whole number"),
        ("hours per week", "-1", "must be at least 0"),
        ("hours per week", "101", "must be at most 100"),
        ("label", "c", "must be one of 'a', 'b', 'None', 'never seen'"),
        ("left", "maybe", "must be one of 'no', 'yes'"),
        ("key", "", "is required and cannot be missing"),
    ],
)
def test_bad_cells_are_named_by_line_and_id(column: str, value: str, rule: str, raw: pd.DataFrame, choose: Choose, write: Write) -> None:
    raw = raw.astype(object)
    raw.loc[[3, *range(10, 16)], column] = value
    message = refused(write(raw), choose())
    assert f"column {column!r} {rule}: line 5 ({'no id' if column == 'key' else 'k3'}): " in message
    assert "line 15 (" in message
    assert "line 16 (" not in message
    assert "and 2 more rows" in message


def test_missing_column_is_named(raw: pd.DataFrame, choose: Choose, write: Write) -> None:
    message = refused(write(raw.rename(columns={"numeric": "numerik"})), choose())
    assert "has no column 'numeric', which params.yaml names at columns.numeric (did you mean 'numerik'?)" in message


def test_duplicate_ids_are_named(raw: pd.DataFrame, choose: Choose, write: Write) -> None:
    raw.loc[7, "key"] = "k2"
    assert "column 'key' must be different in every row: line 4 (k2): 'k2', line 9 (k2): 'k2'" in refused(write(raw), choose())


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda text: b"", "is empty"),
        (lambda text: text.splitlines()[0], "has a header and no rows"),
        (lambda text: text.replace(b",", b";"), "is separated by semicolons"),
        (lambda text: text.replace(b"k3,", b"k\xe9,", 1), "line 5 (byte 0xe9) is not UTF-8"),
        (lambda text: text.replace(b"k3,", b"k3,0,", 1), "line 5 has 10 fields, the header has 9"),
        (lambda text: text.replace(b"k3,", b"", 1), "line 5 has 8 fields, the header has 9"),
        (lambda text: text.replace(b"k3,", b'"k3,', 1), "quote too many"),
        (lambda text: text.replace(b"numeric", b"label", 1), "column 'label' stands twice in the header"),
    ],
)
def test_bad_file_is_named(change: Callable[[bytes], bytes], expected: str, raw: pd.DataFrame, choose: Choose, write: Write) -> None:
    path = write(raw)
    path.write_bytes(change(path.read_bytes()))
    assert expected in refused(path, choose())


def test_missing_data_file_is_named(tmp_path: Path, choose: Choose) -> None:
    assert "no such file (params.yaml names it at data.path)" in refused(tmp_path / "none.csv", choose())


def test_only_an_empty_cell_is_missing(raw: pd.DataFrame, choose: Choose, write: Write) -> None:
    frame = dataset.read(write(raw), choose())
    assert (frame["label"] == "None").sum() == (raw["label"] == "None").sum() > 0
    assert frame["hours-per-week"].isna().sum() == raw["hours-per-week"].isna().sum() > 0


def test_lines_are_those_of_the_file(raw: pd.DataFrame, choose: Choose, write: Write) -> None:
    raw.loc[6, "left"] = "maybe"
    path = write(raw)
    path.write_bytes(path.read_bytes().replace(b"\nk1,", b'\n"k\n1",').replace(b"\nk4,", b"\n\nk4,"))
    assert "line 10 (k6): 'maybe'" in refused(path, choose())


def test_a_row_never_changes_sides_when_rows_are_added(raw: pd.DataFrame, choose: Choose) -> None:
    split = choose().split
    ids = raw["key"]
    before = dataset.side(ids[:400], split)
    assert (dataset.side(pd.concat([pd.Series(["new"]), ids]), split)[1:401] == before).all()
    shares = {side: (dataset.side(ids, split) == side).mean() for side in ("train", "validation", "test")}
    assert shares["test"] == pytest.approx(0.2, abs=0.05)
    assert shares["validation"] == pytest.approx(0.2, abs=0.05)


def test_too_few_rows_and_a_constant_target_are_refused(raw: pd.DataFrame, choose: Choose, write: Write) -> None:
    for rows, expected in ((raw[:20], "20 rows leave"), (raw.assign(left="no"), "column 'left' has no row with 'yes'")):
        frame = dataset.read(write(rows), choose())
        with pytest.raises(prepare.PrepareError, match=expected):
            prepare.check(frame, dataset.side(frame["key"], choose().split), choose())


def test_training_and_serving_refuse_the_same_values(raw: pd.DataFrame, choose: Choose, write: Write) -> None:
    contract = Contract.from_json(choose().contract().to_json())
    good = {"numeric": 1.5, "hours per week": 5, "größe.in.cm": 1.0, "hours-per-week": None, "label": None}
    assert contract.check([good]) == []
    values = {"numeric": [None, 1e39, -1e38, 0], "hours per week": [1.5, -1, 0, 100, 101, None], "label": ["a", "c", "", "None", " a"]}
    for column, tried in values.items():
        for value in tried:
            refuses = bool(contract.check([{**good, column: value}]))
            file = raw.astype(object)
            file.loc[0, column] = "" if value is None else value
            assert refuses == _is_refused(write(file), choose()), (column, value)


def _is_refused(path: Path, chosen: Params) -> bool:
    try:
        dataset.read(path, chosen)
    except ContractError:
        return True
    return False


@pytest.mark.parametrize("value", [True, "1.5", float("nan"), float("inf"), 10**400, [1], {}])
def test_serving_refuses_what_json_can_hold_and_a_number_is_not(value: object, choose: Choose) -> None:
    good = {"numeric": value, "hours per week": 5, "größe.in.cm": 1.0, "hours-per-week": None, "label": "a"}
    (violation,) = choose().contract().check([good])
    assert violation.column == "numeric"
    assert "number" in violation.rule


def test_serving_names_missing_and_unknown_columns(choose: Choose) -> None:
    found = choose().contract().check([{"numeric": 1, "größe.in.cm": 1, "hours-per-week": 1, "label": "a", "labl": "a"}])
    assert [(one.column, one.rule) for one in found] == [
        ("hours per week", "this column is required"),
        ("labl", "this column is not known"),
    ]


def test_both_ways_give_the_model_the_same_inputs(raw: pd.DataFrame, choose: Choose, write: Write) -> None:
    contract = choose().contract()
    frame = dataset.read(write(raw), choose())
    records = [
        {name: None if value != value else value for name, value in row.items()}
        for row in frame[[c.name for c in contract.columns]].to_dict("records")
    ]
    for one, other in zip(dataset.matrices(frame, contract), contract.matrices(records), strict=True):
        assert one.dtype == other.dtype
        assert np.array_equal(one, other, equal_nan=one.dtype == np.float32)
