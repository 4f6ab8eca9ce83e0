"""Multi-class and regression, from ``params.yaml`` to an answer of the server; rows, contracts and bundles that are refused."""

import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import kinds
import numpy as np
import onnx
import pandas as pd
import pytest
from churn import bundle, dataset, params, slices
from churn.bundle import BundleError
from churn.contract import Column, Contract, ContractError
from churn.params import Params
from churn.pipeline import MODEL, PREPARED, SIDES, evaluate, export, parity, prepare, train
from churn.pipeline.convert import convert
from churn.scorer import Scorer
from churn.serving.batcher import require_finite
from churn.serving.refused import RefusedError
from onnx import helper
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


def test_a_twin_that_is_not_the_model_is_stopped(made: Made, tmp_path: Path) -> None:
    """Nor is one stopped for its twin alone: both are held to scikit-learn."""
    sides = {side: dataset.read(PREPARED / f"{side}.csv", made.chosen) for side in SIDES}
    other = train.fit(sides["train"].sample(frac=0.7, random_state=0), made.chosen)
    own, foreign = (onnx.load_from_string(convert(one, made.chosen.contract())) for one in (made.pipeline, other))
    for number, (model, twin) in enumerate(((own, foreign), (foreign, own))):
        mixed = onnx.load_from_string(model.SerializeToString())
        helper.set_model_props(mixed, {one.key: one.value for one in twin.metadata_props})
        folder = shutil.copytree("models/bundle", tmp_path / str(number))
        (folder / "model.onnx").write_bytes(mixed.SerializeToString())
        manifest = json.loads((folder / "manifest.json").read_bytes())
        del manifest["files"], manifest["format"]
        bundle.write_manifest(folder, **manifest)
        with pytest.raises(parity.ParityError):
            parity.check(made.pipeline, Scorer(bundle.load(folder)), sides, made.chosen)


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
def test_a_manifest_that_contradicts_its_contract_is_refused(changed: dict[str, Any], expected: str, tmp_path: Path) -> None:
    make_bundle(tmp_path / "toy")
    manifest = json.loads((tmp_path / "toy/manifest.json").read_bytes())
    assert CONTRACT.problem == manifest["problem"] == "binary"
    (tmp_path / "toy/manifest.json").write_bytes(bundle.to_json({**manifest, **changed}))
    with pytest.raises(BundleError, match=expected):
        bundle.load(tmp_path / "toy")
