"""Multi-class and regression, from ``params.yaml`` to an answer of the server; thresholds, metrics and slices of every kind."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import kinds
import numpy as np
import pandas as pd
import pytest
import yaml
from churn import bundle, dataset, metrics, model, params, slices
from churn.bundle import BundleError, Scorer
from churn.contract import Column, Contract, ContractError
from churn.intervals import answers as answers_module
from churn.intervals import estimates
from churn.params import Params, ParamsError, Threshold
from churn.pipeline import MODEL, PREPARED, SIDES, evaluate, export, parity, prepare, threshold, train
from churn.serving.batcher import require_finite
from churn.serving.refused import RefusedError
from serving_kit import CONTRACT, make_bundle, server
from sklearn import metrics as judge

CASES = {
    "penguins": ("penguins", {}),
    "penguins, forest": ("penguins", {"estimator": "RandomForestClassifier", "parameters": {"n_estimators": 30}}),
    "deliveries": ("deliveries", {}),
    "deliveries, ridge": ("deliveries", {"estimator": "Ridge"}),
}


class Made(NamedTuple):
    """A repository in which the stages have run."""

    folder: Path
    chosen: Params
    test: pd.DataFrame
    scorer: Scorer
    pipeline: Any
    stated: dict[str, Any]


@pytest.fixture(scope="module", params=CASES)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    kind, changed = CASES[request.param]
    folder = tmp_path_factory.mktemp("repository")
    model_keys = {**kinds.KINDS[kind]["model"], **({"parameters": {}} if changed else {}), **changed}
    kinds.write(kind, folder, model=model_keys)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for stage in (prepare, train, export, evaluate):
            stage.main()
        chosen = params.load()
        test = dataset.read(PREPARED / "test.csv", chosen)
        stated = json.loads(Path("models/metrics.json").read_bytes())
        scorer = Scorer(bundle.load("models/bundle", stated["digest"]))
        yield Made(folder, chosen, test, scorer, joblib.load(MODEL), stated)


def answers(made: Made) -> np.ndarray:
    return made.scorer.answers(*dataset.matrices(made.test, made.scorer.bundle.contract))


def records(made: Made, count: int) -> list[dict[str, Any]]:
    return export.golden_rows(made.test.head(count), made.scorer.bundle.contract)


def test_the_bundle_answers_as_scikit_learn_does(made: Made) -> None:
    inputs = train.inputs(made.test, made.scorer.bundle.contract)
    if made.chosen.problem == "regression":
        theirs = made.pipeline.predict(inputs)[:, None]
        assert np.abs(answers(made) - theirs).max() <= 1e-5 * theirs.std()
    else:
        assert np.abs(answers(made) - made.pipeline.predict_proba(inputs)).max() <= 1e-6
    made.scorer.check_golden()
    assert json.loads(Path("models/parity.json").read_bytes())["rows"] > 300


def test_a_model_that_onnx_does_not_follow_is_stopped(made: Made) -> None:
    sides = {side: dataset.read(PREPARED / f"{side}.csv", made.chosen) for side in SIDES}
    other = train.fit(sides["train"].sample(frac=0.7, random_state=0), made.chosen)
    measure = "1e-05 of the target's spread on" if made.chosen.problem == "regression" else "of them with another decision"
    with pytest.raises(parity.ParityError, match=measure):
        parity.check(other, made.scorer, sides, made.chosen)


def test_score_says_the_class_or_the_value(made: Made) -> None:
    found, contract = made.scorer.score(records(made, 5)), made.scorer.bundle.contract
    rows = contract.matrices(records(made, 5))
    for answer, row in zip(found, made.scorer.answers(*rows), strict=True):
        if made.chosen.problem == "regression":
            assert answer == {"prediction": pytest.approx(row[0])}
        else:
            assert answer["prediction"] == made.chosen.data.classes[row.argmax()]
            assert answer["probabilities"] == pytest.approx(dict(zip(made.chosen.data.classes, row, strict=True)))
    assert made.scorer.bundle.manifest.threshold is None


def test_metrics_are_those_of_scikit_learn(made: Made) -> None:
    raw = pd.read_csv(PREPARED / "test.csv", keep_default_na=False)[made.chosen.data.target]
    found, stated = answers(made), made.stated["metrics"]
    if made.chosen.problem == "regression":
        values = found[:, 0].astype(float)
        expected = {
            "mae": np.abs(raw - values).mean(),
            "rmse": np.sqrt(((raw - values) ** 2).mean()),
            "r2": judge.r2_score(raw, values),
            "pinball": np.where(raw >= values, 0.9 * (raw - values), 0.1 * (values - raw)).mean(),
            "mape": (np.abs(raw - values) / raw).mean(),
        }
    else:
        names = np.array(made.chosen.data.classes)
        chosen = names[found.argmax(axis=1)]
        expected = {
            "f1_macro": judge.f1_score(raw, chosen, average="macro"),
            "f1_weighted": judge.f1_score(raw, chosen, average="weighted"),
            "log_loss": judge.log_loss(raw, found, labels=names),
            "roc_auc_ovr": judge.roc_auc_score(raw, found / found.sum(axis=1, keepdims=True), multi_class="ovr", labels=names),
            "accuracy": (raw == chosen).mean(),
            **{f"recall[{name}]": (chosen[raw == name] == name).mean() for name in names},
        }
    assert stated == pytest.approx(expected, abs=2e-5)
    assert made.stated["rows"] == len(raw)


def test_slices_come_with_their_rows(made: Made) -> None:
    found = made.stated["slices"]
    expected = {part.name: int(part.mask.sum()) for part in slices.parts(made.test, made.chosen)}
    assert {name: values["n"] for name, values in found.items()} == expected
    named = next(rule for rule in made.chosen.slices if isinstance(rule, params.SliceRule))
    assert found[named.name]["n"] == int((made.test[named.column] >= named.min).sum()) > 0
    if made.chosen.problem == "multi-class":
        assert found["sex=missing"]["n"] == int((made.test["sex"] == "").sum()) > 0
        assert found["island=Torgersen"]["recall[Gentoo]"] is None  # no Gentoo penguin lives there


def test_the_server_answers_and_refuses(made: Made) -> None:
    with server(made.folder / "serving", "--model", made.folder / "models/bundle") as running:
        rows = records(made, 5)
        status, content, _ = running.ask("POST", "/predict", rows)
        expected = made.scorer.score(rows)
        assert status == 200
        assert content["digest"] == made.stated["digest"]
        assert [one["prediction"] for one in content["predictions"]] == [
            pytest.approx(one["prediction"], rel=1e-6) if made.chosen.problem == "regression" else one["prediction"] for one in expected
        ]
        name = made.chosen.features.numeric[0]
        status, content, _ = running.ask("POST", "/predict", [rows[0], {**rows[0], name: -1}])
        assert (status, content["violations"][0]["row"], content["violations"][0]["field"]) == (422, 1, name)
        status, content, _ = running.ask("GET", "/model")
        assert content["threshold"] is None
        assert running.ask("POST", "/predict", content["example"])[0] == 200
        if made.chosen.model.estimator == "Ridge":
            status, content, _ = running.ask("POST", "/predict", [rows[0], {**rows[0], "distance": 3.4e38}])
            assert (status, content["violations"][0]["row"]) == (422, 1)
            assert "no finite answer" in content["violations"][0]["rule"]


@pytest.mark.parametrize("answers", [[[0.5], [math.nan]], [[0.5, 0.5], [0.5, math.nan]], [[1.0], [math.inf]]])
def test_an_answer_that_is_no_number_is_refused(answers: list[list[float]]) -> None:
    with pytest.raises(RefusedError) as caught:
        require_finite(np.isfinite(np.array(answers)).all(axis=1))
    assert caught.value.content["violations"][0]["row"] == 1


@pytest.mark.parametrize("kind", ["penguins", "deliveries"])
def test_a_golden_row_that_differs_is_named(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds.write(kind, tmp_path, **({"model": {"name": "d", "estimator": "Ridge"}} if kind == "deliveries" else {}))
    monkeypatch.chdir(tmp_path)
    for stage in (prepare, train, export):
        stage.main()
    loaded = bundle.load("models/bundle")
    key = "values" if kind == "deliveries" else "probabilities"
    loaded.golden[key][2] = (np.array(loaded.golden[key][2]) + 0.01).tolist()
    with pytest.raises(BundleError, match="golden row 2 should give"):
        Scorer(loaded).check_golden()
    if kind == "penguins":
        loaded = bundle.load("models/bundle")
        loaded.golden["predictions"][3] = "Gentoo"
        with pytest.raises(BundleError, match=r"golden row 3 should give 'Gentoo' .* but gives 'Adelie'"):
            Scorer(loaded).check_golden()


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


BINARY: Contents = {
    "problem": "binary",
    "model": {"name": "b", "estimator": "LogisticRegression"},
    "data": {"path": "d.csv", "id": "key", "target": "left", "classes": ["yes", "no"], "positive": "yes"},
    "columns": {"fee": {"type": "number"}, "plan": {"type": "category", "categories": ["a"]}, "age": {"type": "number", "missing": True}},
    "split": {"test": 0.2, "validation": 0.2, "salt": "s"},
    "features": {"numeric": ["fee"]},
    "gates": [{"metric": "roc_auc", "min": 0.5}],
    "threshold": {"objective": "f1"},
}


def binary(**changed: Any) -> Params:
    return params.parse(yaml.safe_dump({**BINARY, **changed}))


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
        ({"data": {**BINARY["data"], "positive": None}}, "data.positive is missing"),
        ({"model": {"name": "b", "estimator": "Ridge"}}, "'Ridge' is for regression problems, this is binary"),
    ],
)
def test_wrong_setting_of_a_binary_problem_is_one_line(changed: Contents, expected: str) -> None:
    with pytest.raises(ParamsError) as caught:
        model.build(binary(**changed))
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_target_that_is_no_number_is_named(tmp_path: Path) -> None:
    kinds.write("deliveries", tmp_path)
    path = tmp_path / "data/deliveries.csv"
    text = path.read_text()
    for bad, rule in (("soon", "must be a number"), ("", "is required and cannot be missing"), ("1e400", "must be a finite number")):
        path.write_text(text.replace("D00002,22.9466,", f"D00002,{bad},"))
        with pytest.raises(ContractError, match=rf"column 'time_to_delivery' {rule}.*line 3 \(D00002\)"):
            dataset.read(path, params.parse(kinds.params_text("deliveries")))


def test_rows_that_cannot_teach_are_refused() -> None:
    for kind, constant, expected in (
        ("deliveries", 5.0, "column 'time_to_delivery' is 5 in every row"),
        ("penguins", "Adelie", "column 'species' has no row with 'Chinstrap'"),
    ):
        chosen = params.parse(kinds.params_text(kind))
        frame = dataset.read(kinds.DATA / f"{kind}.csv", chosen)
        sides = dataset.side(frame[chosen.data.id], chosen.split)
        with pytest.raises(prepare.PrepareError, match=expected):
            prepare.check(frame.assign(**{chosen.data.target: constant}), sides, chosen)
        with pytest.raises(prepare.PrepareError, match=r"20 rows leave .* for validation, at least 10 rows"):
            prepare.check(
                frame[:20] if kind == "deliveries" else frame.groupby("species").head(7)[:20],
                np.resize(["train"] * 9 + ["validation"], 20),
                chosen,
            )


OBJECTIVES = {
    "f1": lambda labels, chosen, gains: 2 * (labels & chosen).sum() / (labels.sum() + chosen.sum()),
    "accuracy": lambda labels, chosen, gains: (labels == chosen).mean(),
    "recall_at_precision": lambda labels, chosen, gains: (
        (labels & chosen).sum() / labels.sum() if _precision(labels, chosen) >= 0.6 else -1
    ),
    "profit": lambda labels, chosen, gains: sum(gain * label - 3.0 for gain, label, one in zip(gains, labels, chosen, strict=True) if one),
}


def _precision(labels: np.ndarray, chosen: np.ndarray) -> float:
    return (labels & chosen).sum() / chosen.sum() if chosen.any() else 0.0


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("seed", range(5))
def test_threshold_is_the_best_of_all(objective: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    labels = random.random(200) < 0.3
    probabilities = np.clip(random.normal(0.3 + 0.2 * labels, 0.2), 0, 1).round(3).astype(np.float32)
    gains = random.integers(1, 20, 200).astype(float)
    wanted = Threshold(objective, precision=0.6 if objective == "recall_at_precision" else None)
    found = threshold.best(wanted, labels.astype(int), probabilities, gains, 3.0)

    def value(limit: float) -> float:
        return OBJECTIVES[objective](labels, probabilities >= limit, gains)

    assert value(found) == pytest.approx(max(value(limit) for limit in np.arange(-0.0005, 1.001, 0.001)))
    if objective == "recall_at_precision":
        assert not any(
            value(limit) == value(found) and _precision(labels, probabilities >= limit) > _precision(labels, probabilities >= found)
            for limit in np.arange(0.0005, 1, 0.001)
        )


def test_a_precision_that_no_threshold_reaches_is_said() -> None:
    with pytest.raises(threshold.ThresholdError, match=r"threshold.precision 0.9 is reached by no threshold.*the best is 0.500; lower it"):
        threshold.best(Threshold("recall_at_precision", precision=0.9), np.array([0, 1, 0, 1]), np.array([0.3, 0.3, 0.3, 0.3]))


def test_binary_metrics_with_money_equal_plain_loops() -> None:
    random = np.random.default_rng(0)
    labels, scores = (random.random(500) < 0.4).astype(int), random.random(500).astype(np.float32)
    frame = pd.DataFrame({"fee": random.random(500)})
    gains = metrics.gains(frame, binary(money={"gain": 3, "cost": 0.5, "gain_column": "fee"}))
    assert gains == pytest.approx(3 * frame["fee"])
    found = metrics.compute("binary", labels, scores, 0.35, ("no", "yes"), gains, 0.5)
    profit, bins = 0.0, [[] for _ in range(10)]
    for label, score, gain in zip(labels, scores.astype(float), gains, strict=True):
        profit += (gain * label - 0.5) if score >= 0.35 else 0.0
        bins[min(int(score * 10), 9)].append((score, label))
    error = sum(len(one) * abs(np.mean([s for s, _ in one]) - np.mean([y for _, y in one])) for one in bins) / 500
    assert (found["profit"], found["ece"]) == (pytest.approx(profit / 500), pytest.approx(error))
    assert found["f1"] == pytest.approx(judge.f1_score(labels, scores >= 0.35))
    assert list(found) == ["roc_auc", "pr_auc", "log_loss", "brier", "ece", "f1", "precision", "recall", "accuracy", "profit"]
    assert "profit" not in metrics.compute("binary", labels, scores, 0.35)
    assert metrics.gains(frame, binary()) is None


@pytest.mark.parametrize(
    ("problem", "targets", "scores", "undefined"),
    [
        ("binary", [1, 1], [0.2, 0.9], {"roc_auc", "pr_auc"}),
        ("binary", [0, 0], [0.2, 0.9], {"roc_auc", "pr_auc", "f1", "precision", "recall"}),
        ("binary", [0, 1], [0.2, math.nan], {"roc_auc", "log_loss", "f1", "accuracy"}),
        ("binary", [], [], {"roc_auc", "log_loss", "f1", "ece"}),
        ("multi-class", [0, 1, 1], [[0.6, 0.4, 0.0], [0.1, 0.8, 0.1], [0.5, 0.3, 0.2]], {"roc_auc_ovr", "recall[c]"}),
        ("regression", [2.0, 2.0], [1.0, 3.0], {"r2"}),
        ("regression", [0.0, 0.0], [1.0, 3.0], {"r2", "mape"}),
        ("regression", [0.0, 1.0], [1.0, math.inf], {"mae", "rmse", "r2", "pinball", "mape"}),
    ],
)
def test_what_is_not_defined_is_nan(problem: str, targets: list[float], scores: list[Any], undefined: set[str]) -> None:
    classes = ("a", "b", "c") if problem == "multi-class" else ()
    found = metrics.compute(problem, np.array(targets), np.array(scores, dtype=float), 0.5, classes)
    missing = {name for name, value in found.items() if math.isnan(value)}
    assert undefined <= missing
    assert missing == undefined or not np.isfinite(np.array(scores, dtype=float)).all() or not targets


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("case", range(15))
def test_the_run_and_the_judge_compute_the_same(case: int) -> None:
    random, problem = np.random.default_rng(case), ("binary", "multi-class", "regression")[case % 3]
    rows = int(random.integers(3, 200))
    if problem == "binary":
        targets, scores = (random.random(rows) < random.choice([0, 0.3, 1])).astype(int), random.random(rows)
    elif problem == "multi-class":
        targets, scores = random.integers(0, random.integers(1, 5), rows), random.dirichlet([0.2] * 4, rows)
    else:
        targets, scores = random.normal(size=rows) * (case % 2), random.normal(size=rows)
    classes, gains = ("a", "b", "c", "d") if problem == "multi-class" else (), random.random(rows) if problem == "binary" else None
    found = metrics.compute(problem, targets, scores.astype(np.float32), 0.4, classes, gains, 0.2)
    question = answers_module.Question(problem, targets, classes, gains, 0.2, resamples=100)
    judged = estimates.estimate(question, answers_module.Answers(scores.astype(np.float32), 0.4), None)
    values = {one.name: math.nan if one.candidate.value is None else one.candidate.value for one in judged}
    assert found == pytest.approx(values, abs=1e-9, nan_ok=True)
    assert list(found) == list(values)


def test_slices_are_protected_columns_first_and_each_once() -> None:
    chosen = params.parse(kinds.params_text("penguins", slices=["sex", {"name": "big", "column": "body_mass_g", "min": 5000}, "island"]))
    frame = dataset.read(kinds.DATA / "penguins.csv", chosen)
    found = slices.parts(frame, chosen)
    assert [(part.name, part.protected) for part in found] == [
        ("sex=female", True),
        ("sex=male", True),
        ("sex=missing", True),
        ("big", False),
        ("island=Biscoe", False),
        ("island=Dream", False),
        ("island=Torgersen", False),
    ]
    assert [part.mask.sum() for part in found] == [165, 168, 11, 67, 168, 124, 52]
    assert slices.parts(frame.drop(columns=["sex", "body_mass_g"]), chosen)[0].name == "island=Biscoe"


def test_integer_slices_are_named_by_their_number() -> None:
    columns = {**kinds.DELIVERIES["columns"], "item_01": {"type": "integer", "min": 0, "max": 2}}
    chosen = params.parse(kinds.params_text("deliveries", columns=columns, slices=["item_01"]))
    found = slices.parts(dataset.read(kinds.DATA / "deliveries.csv", chosen), chosen)
    assert [part.name for part in found] == ["item_01=0", "item_01=1", "item_01=2"]


@pytest.mark.parametrize(
    ("classes", "positive"),
    [(("a", "b"), None), (("a",), None), (("a", "b", "c"), "a"), ((), "a"), (("a", "b"), "c"), (("a", "a", "b"), None)],
)
def test_a_contract_with_other_classes_is_refused(classes: tuple[str, ...], positive: str | None) -> None:
    broken = Contract("m", ("x",), (), (Column("x", "number"),), classes, positive)
    with pytest.raises(ContractError, match="each named once"):
        Contract.from_json(broken.to_json())


@pytest.mark.parametrize(
    ("changed", "expected"),
    [({"problem": "regression", "threshold": None}, "contract's classes 'binary'"), ({"threshold": None}, "must lie in 0 to 1")],
)
def test_a_manifest_that_contradicts_its_contract_is_refused(changed: Contents, expected: str, tmp_path: Path) -> None:
    make_bundle(tmp_path / "toy")
    manifest = json.loads((tmp_path / "toy/manifest.json").read_bytes())
    assert CONTRACT.problem == manifest["problem"] == "binary"
    (tmp_path / "toy/manifest.json").write_bytes(bundle.to_json({**manifest, **changed}))
    with pytest.raises(BundleError, match=expected):
        bundle.load(tmp_path / "toy")
