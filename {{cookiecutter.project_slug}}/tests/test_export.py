"""The bundle gives what scikit-learn gives, or there is no bundle."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.pipeline import Pipeline

from {{cookiecutter.package_name}} import bundle, dataset, features, model
from {{cookiecutter.package_name}}.params import Params
from {{cookiecutter.package_name}}.pipeline import evaluate, export, parity, train
from {{cookiecutter.package_name}}.pipeline.convert import ConvertError
from {{cookiecutter.package_name}}.scorer import Scorer

QUICK = {
    "RandomForestClassifier": {"n_estimators": 20},
    "ExtraTreesClassifier": {"n_estimators": 20},
    "GradientBoostingClassifier": {"n_estimators": 20},
    "HistGradientBoostingClassifier": {"max_iter": 20},
    "MLPClassifier": {"hidden_layer_sizes": [8], "max_iter": 30},
    "RandomForestRegressor": {"n_estimators": 20},
    "ExtraTreesRegressor": {"n_estimators": 20},
    "GradientBoostingRegressor": {"n_estimators": 20},
    "HistGradientBoostingRegressor": {"max_iter": 20},
    "MLPRegressor": {"hidden_layer_sizes": [8], "learning_rate_init": 0.05},
}
CASES = [(name, kind) for name, entry in model.ESTIMATORS.items() for kind in entry.problems]
# the headline metric of a useful model of the small data set; one tree is weaker than many, and 30 iterations than hundreds
USEFUL = {"binary": ("roc_auc", 0.65), "multi-class": ("roc_auc_ovr", 0.65), "regression": ("r2", 0.2)}
Sides = dict[str, pd.DataFrame]


@pytest.fixture
def sides(
    raw: pd.DataFrame, choose: Callable[..., Params], write: Callable[[pd.DataFrame], Path], monkeypatch: pytest.MonkeyPatch
) -> Sides:
    monkeypatch.chdir(write(raw).parent)
    return split(choose())


def split(chosen: Params) -> Sides:
    frame = dataset.read("data.csv", chosen)
    where = dataset.side(frame["key"], chosen.split)
    return {side: frame[where == side] for side in ("train", "validation", "test")}


def made(folder: Path, pipeline: Pipeline, sides: Sides, chosen: Params) -> Scorer:
    folder.mkdir()
    return Scorer(bundle.load(folder, export.write(folder, pipeline, sides, chosen)))


def compare(pipeline: Pipeline, scorer: Scorer, sides: Sides, chosen: Params) -> parity.Parity:
    return parity.check(pipeline, scorer, sides, chosen)


@pytest.mark.parametrize(("estimator", "kind"), CASES)
@pytest.mark.usefixtures("sides")
def test_every_known_estimator_converts_exactly(estimator: str, kind: str, tmp_path: Path, choose: Callable[..., Params]) -> None:
    chosen = choose(estimator, QUICK.get(estimator), kind)
    sides = split(chosen)
    pipeline = train.fit(sides["train"], chosen)
    scorer = made(tmp_path / "bundle", pipeline, sides, chosen)
    assert compare(pipeline, scorer, sides, chosen).difference <= 1e-5
    scorer.check_golden()
    found = evaluate.evaluate(scorer, sides["test"], chosen)
    metric, least = USEFUL[kind]
    assert found["metrics"][metric] > least
    assert sum(part["n"] for part in found["slices"].values()) == found["rows"] == len(sides["test"])
    assert made(tmp_path / "again", train.fit(sides["train"], chosen), sides, chosen).digest == scorer.digest


def refused(pipeline: Any, tmp_path: Path, sides: Sides, chosen: Params) -> str:
    pipeline.fit(train.inputs(sides["train"], chosen.contract()), dataset.targets(sides["train"], chosen))
    with pytest.raises((parity.ParityError, ConvertError)) as caught:
        compare(pipeline, made(tmp_path / "bundle", pipeline, sides, chosen), sides, chosen)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("estimator", "recipe", "expected"),
    [
        (RandomForestClassifier(20, random_state=0), {"scale": False, "impute": False}, "add SimpleImputer in features.py"),
        (RandomForestClassifier(60, random_state=0), {"scale": True, "impute": True}, "delete StandardScaler in features.py"),
        (
            HistGradientBoostingClassifier(max_iter=5, categorical_features=[1]),
            {"scale": False, "impute": False},
            "delete categorical_features",
        ),
        (
            CalibratedClassifierCV(RandomForestClassifier(20, random_state=0), method="isotonic"),
            {"scale": False, "impute": True},
            "use method='sigmoid'",
        ),
    ],
)
def test_what_converts_wrongly_in_silence_is_stopped_with_advice(
    estimator: Any, recipe: dict[str, bool], expected: str, tmp_path: Path, sides: Sides, choose: Callable[..., Params]
) -> None:
    chosen = choose()
    pipeline = Pipeline([("features", features.build(chosen.features, **recipe)), ("estimator", estimator)])
    assert expected in refused(pipeline, tmp_path, sides, chosen)


def test_worst_row_is_shown(tmp_path: Path, sides: Sides, choose: Callable[..., Params], capsys: pytest.CaptureFixture[str]) -> None:
    chosen = choose()
    pipeline = train.fit(sides["train"], chosen)
    scorer = made(tmp_path / "bundle", pipeline, sides, chosen)
    pipeline.named_steps["estimator"].coef_[0, 0] += 0.5
    with pytest.raises(parity.ParityError, match=r"differ by more than 1e-05 on \d+ of \d+ rows.*worst: "):
        compare(pipeline, scorer, sides, chosen)
    assert "  größe.in.cm: " in capsys.readouterr().out


def test_threshold_is_chosen_on_validation_rows_and_served(tmp_path: Path, sides: Sides, choose: Callable[..., Params]) -> None:
    pipeline = train.fit(sides["train"], choose())
    best = made(tmp_path / "best", pipeline, sides, choose())
    labels = dataset.targets(sides["validation"], choose())
    scores = best.answers(*dataset.matrices(sides["validation"], best.bundle.contract))[:, 1]

    def f1(threshold: float) -> float:
        chosen = scores >= threshold
        return 2 * (chosen & (labels == 1)).sum() / (chosen.sum() + labels.sum())

    limit = best.bundle.manifest.threshold
    assert f1(limit) >= max(f1(other) for other in np.linspace(0, 1, 201)) - 0.005
    fixed = made(tmp_path / "fixed", pipeline, sides, choose(threshold={"value": 0.9}))
    assert fixed.digest != best.digest
    records = fixed.bundle.golden["records"]
    assert any(value is None for record in records for value in record.values())
    for answer in fixed.score(records):
        assert answer["prediction"] == ("yes" if answer["probability"] >= 0.9 else "no")


def test_model_of_numbers_alone_or_categories_alone(tmp_path: Path, sides: Sides, choose: Callable[..., Params]) -> None:
    for name, columns in (("numbers", {"numeric": ["numeric"]}), ("categories", {"categorical": ["label"]})):
        chosen = choose(features=columns)
        pipeline = train.fit(sides["train"], chosen)
        compare(pipeline, made(tmp_path / name, pipeline, sides, chosen), sides, chosen)


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda folder: (folder / "model.onnx").write_bytes(b"x"), "model.onnx: SHA-256 is"),
        (lambda folder: (folder / "contract.json").unlink(), "contract.json: no such file"),
        (lambda folder: (folder / "run.py").write_text("x"), "'run.py' does not belong into a bundle"),
        (lambda folder: (folder / "manifest.json").write_text("{"), "manifest.json: "),
        (
            lambda folder: os.replace(folder / "model.onnx", folder.parent / "m") or (folder / "model.onnx").symlink_to("../m"),
            "symbolic link",
        ),
    ],
)
def test_changed_bundle_is_refused(
    damage: Callable[[Path], object], expected: str, tmp_path: Path, sides: Sides, choose: Callable[..., Params]
) -> None:
    folder = tmp_path / "bundle"
    scorer = made(folder, train.fit(sides["train"], choose()), sides, choose())
    assert scorer.digest == "sha256:" + hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest() == bundle.digest_of(folder)
    damage(folder)
    with pytest.raises(bundle.BundleError) as caught:
        bundle.load(folder)
    assert expected in str(caught.value)


def test_other_digest_is_refused(tmp_path: Path, sides: Sides, choose: Callable[..., Params]) -> None:
    folder = tmp_path / "bundle"
    made(folder, train.fit(sides["train"], choose()), sides, choose())
    with pytest.raises(bundle.BundleError, match=r"digest is sha256:.* and not sha256:00"):
        bundle.load(folder, "sha256:" + "0" * 64)
