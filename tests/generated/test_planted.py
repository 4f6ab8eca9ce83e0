"""Planted cases: each must get the right verdict and a sentence that names what is wrong."""

import shutil
import tempfile
from pathlib import Path

import kinds
import msgspec
import numpy as np
import onnx
import pandas as pd
import pytest
from churn import bundle, dataset, params
from churn.bundle import Bundle
from churn.gate import Gate
from churn.params import ColumnRule, Params
from churn.review import Review, read, write
from churn.review.report.render import render
from planted import Court, changed, default, make, telco
from sklearn.pipeline import Pipeline

FEW = ("tenure", "senior_citizen", "monthly_charges")


@pytest.fixture(scope="session")
def champion(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The default model."""
    return make(tmp_path_factory.mktemp("champion") / "bundle", default(), telco())


@pytest.fixture
def court(tmp_path: Path, champion: Bundle) -> Court:
    return Court(tmp_path, champion, default(), telco())


def _says(review: Review, verdict: str, *words: str) -> None:
    stopped = [gate for gate in review.gates if gate.outcome not in ("pass", "not applied")]
    text = " ".join([*review.reasons, *(f"{gate.gate}: {gate.detail}" for gate in stopped)])
    assert review.verdict == verdict, text
    with tempfile.TemporaryDirectory() as folder:  # the step that posts has the file alone
        write(Path(folder, "review.json"), review)
        report = render(read(Path(folder, "review.json")))
    for word in words:
        assert word in text, text
        assert word in report.replace("−", "-") or word in report, report[:3000]


def _model(**values: object) -> Params:
    return changed(default(), model=changed(default().model, **values))


def _weak() -> Params:
    return changed(default(), features=changed(default().features, numeric=FEW, categorical=()))


def test_a_better_model_is_promoted(tmp_path: Path, champion: Bundle) -> None:
    weak = make(tmp_path / "weak/bundle", _weak(), telco())
    review = Court(tmp_path, weak, default(), telco()).judge(champion, default(), telco())
    _says(review, "promote")
    headline = next(metric for metric in review.metrics if metric.name == "roc_auc")
    assert headline.difference.low > 0


def test_a_worse_model_is_held(tmp_path: Path, court: Court) -> None:
    review = court.judge(make(tmp_path / "weak/bundle", _weak(), telco()), _weak(), telco())
    _says(review, "hold", "roc_auc", "short")


def test_better_overall_but_worse_for_seniors_is_held(tmp_path: Path) -> None:
    """The candidate learns everything but seniors, whose training labels are shuffled; the champion knows little, of everybody alike."""
    weak = make(tmp_path / "weak/bundle", _weak(), telco())
    noise = telco().copy()
    sides = dataset.side(noise["customer_id"], default().split)
    seniors = np.flatnonzero((noise["senior_citizen"] == 1) & (sides != "test"))
    noise.loc[seniors, "churn"] = np.random.default_rng(1).permutation(noise.loc[seniors, "churn"].to_numpy())
    chosen = _model(estimator="RandomForestClassifier", parameters={"n_estimators": 60, "min_samples_leaf": 8, "max_features": 0.8})
    trained = make(tmp_path / "blind/bundle", chosen, noise)
    ours = changed(default(), gates=tuple(gate for gate in default().gates if gate.slices or gate.not_worse_than_champion == 0.01))
    review = Court(tmp_path, weak, ours, noise).judge(trained, chosen, noise)
    overall = next(metric for metric in review.metrics if metric.name == "roc_auc")
    assert overall.difference.value > 0
    _says(review, "hold", "senior_citizen=1")


def test_the_same_model_ten_times_slower_is_held(tmp_path: Path) -> None:
    few, many = (
        _model(
            estimator="RandomForestClassifier", parameters={"n_estimators": trees, "min_samples_leaf": 20, "max_samples": 0.2, "n_jobs": 2}
        )
        for trees in (20, 2500)
    )
    court = Court(tmp_path, make(tmp_path / "few/bundle", few, telco()), default(), telco())
    _says(court.judge(make(tmp_path / "many/bundle", many, telco()), many, telco()), "hold", "latency")


def test_a_leaking_column_is_held(tmp_path: Path, court: Court) -> None:
    frame = telco().assign(cancel_code=(telco()["churn"] == "Yes").astype(float) * 7 + 1)
    columns = default().columns | {"cancel_code": ColumnRule("number", min=0, max=100)}
    chosen = changed(default(), columns=columns, features=changed(default().features, numeric=(*default().features.numeric, "cancel_code")))
    _says(court.judge(make(tmp_path / "leak/bundle", chosen, frame), chosen, frame), "hold", "cancel_code")


def test_labels_flipped_in_one_region_are_held(tmp_path: Path, court: Court) -> None:
    frame = telco().copy()
    region = frame["contract"] == "Two year"
    frame.loc[region, "churn"] = frame.loc[region, "churn"].map({"Yes": "No", "No": "Yes"})
    review = court.judge(make(tmp_path / "flip/bundle", default(), frame), default(), frame)
    _says(review, "hold", "label")
    assert review.data.labels_changed == int(region.sum())


def test_sixty_test_rows_show_too_little(tmp_path: Path) -> None:
    """The candidate is hardly worse, but sixty rows cannot tell: the gate holds it and says how many rows would do."""
    frame = telco().iloc[:300].reset_index(drop=True)
    chosen = _model(parameters={"C": 0.1, "max_iter": 1000})
    ours = changed(default(), gates=tuple(gate for gate in default().gates if gate.not_worse_than_champion == 0.01))
    old, new = make(tmp_path / "old/bundle", default(), frame), make(tmp_path / "new/bundle", chosen, frame)
    review = Court(tmp_path, old, ours, frame).judge(new, chosen, frame)
    assert 40 <= review.rows <= 80
    _says(review, "hold", f"{review.rows} test rows are too few", "would do")
    every_gate = Court(tmp_path, old, default(), frame).judge(new, chosen, frame)
    _says(every_gate, "cannot judge", "fewer than review.min_n asks for")


def test_an_unreachable_champion_cannot_be_judged(champion: Bundle, court: Court) -> None:
    review = court.judge(champion, default(), telco(), unreachable="the champion sha256:0 cannot be read from the store: gone")
    _says(review, "cannot judge", "cannot be read from the store")


def test_another_contract_leaves_the_absolute_gates(tmp_path: Path, champion: Bundle, court: Court) -> None:
    frame = telco().drop(columns="tech_support")
    features = changed(default().features, categorical=tuple(name for name in default().features.categorical if name != "tech_support"))
    columns = {name: rule for name, rule in default().columns.items() if name != "tech_support"}
    chosen = changed(default(), features=features, columns=columns)
    review = court.judge(make(tmp_path / "other/bundle", chosen, frame), chosen, frame)
    assert "needs the column 'tech_support'" in review.champion_problem
    assert {gate.outcome for gate in review.gates if "champion" in gate.gate} == {"not applied"}
    _says(review, "promote")
    assert "needs the column" in render(review)


def test_predictions_that_are_no_numbers_cannot_be_judged(tmp_path: Path, champion: Bundle, court: Court) -> None:
    """Export makes no such bundle; one that was made elsewhere is still a bundle."""
    folder = tmp_path / "nan/bundle"
    shutil.copytree(champion.folder, folder)
    model = onnx.load(folder / "model.onnx")
    del model.metadata_props[:]  # its twin, which would be asked in its place
    (weights,) = [a for node in model.graph.node for a in node.attribute if node.op_type == "LinearClassifier" and a.name == "coefficients"]
    weights.floats[:] = [float("nan")] * len(weights.floats)
    onnx.save(model, folder / "model.onnx")
    kept = msgspec.structs.asdict(champion.manifest)
    bundle.write_manifest(folder, **{name: value for name, value in kept.items() if name not in ("files", "format")})
    _says(court.judge(bundle.load(folder), default(), telco()), "cannot judge", "no number (NaN or infinity)")


def _constant(pipeline: Pipeline) -> None:
    pipeline[-1].coef_ = np.zeros_like(pipeline[-1].coef_)


def test_constant_predictions_are_held(tmp_path: Path, court: Court) -> None:
    constant = make(tmp_path / "constant/bundle", default(), telco(), _constant)
    _says(court.judge(constant, default(), telco()), "hold", "predicts the same")


def test_one_class_cannot_be_judged(tmp_path: Path, champion: Bundle, court: Court) -> None:
    sides = dataset.side(telco()["customer_id"], default().split)
    frame = telco()[(sides != "test") | (telco()["churn"] == "No")].reset_index(drop=True)
    made = make(tmp_path / "one/bundle", default(), frame)
    _says(court.judge(made, default(), frame), "cannot judge", "no test row is 'Yes'")


def test_a_loosened_gate_does_not_count_for_its_own_pull_request(tmp_path: Path, court: Court) -> None:
    loose = changed(_weak(), gates=(Gate(metric="roc_auc", min=0.5),))
    review = court.judge(make(tmp_path / "weak/bundle", loose, telco()), loose, telco())
    _says(review, "hold", "roc_auc")
    assert any(change.name == "gates" and "0.5" in str(change.candidate) for change in review.parameters)


def test_a_chosen_test_set_cannot_be_judged(tmp_path: Path, court: Court) -> None:
    lucky = changed(default(), split=changed(default().split, salt="lucky"))
    review = court.judge(make(tmp_path / "lucky/bundle", lucky, telco()), lucky, telco())
    _says(review, "cannot judge", "chooses the rows it is tested on")


def test_removed_test_rows_are_told(tmp_path: Path, court: Court) -> None:
    """A pull request that deletes hard rows cannot do so unseen."""
    sides = dataset.side(telco()["customer_id"], default().split)
    hard = np.flatnonzero((sides == "test") & (telco()["senior_citizen"] == 1).to_numpy())
    frame: pd.DataFrame = telco().drop(index=hard).reset_index(drop=True)
    review = court.judge(make(tmp_path / "easy/bundle", default(), frame), default(), frame)
    assert review.data.test_rows_changed == len(hard)
    assert f"{len(hard):,}" in render(review)


def test_a_broken_main_can_be_repaired_with_an_override(tmp_path: Path, champion: Bundle) -> None:
    """Main's own data breaks the contract: nothing can be compared with it, which gates say and nothing hides."""
    broken = telco().copy()
    broken.loc[0, "tenure"] = -5
    court = Court(tmp_path, champion, default(), broken)
    review = court.judge(champion, default(), telco())
    _says(review, "cannot judge", "share no id")
    assert review.gates, "so that someone with write access can override it"


def test_the_column_that_money_counts_by_may_go(tmp_path: Path, court: Court) -> None:
    """Main's money needs it: profit cannot be computed any more, everything else can."""
    features = changed(default().features, numeric=tuple(name for name in default().features.numeric if name != "monthly_charges"))
    columns = {name: rule for name, rule in default().columns.items() if name != "monthly_charges"}
    chosen = changed(default(), features=features, columns=columns, money=None)
    frame = telco().drop(columns="monthly_charges")
    review = court.judge(make(tmp_path / "free/bundle", chosen, frame), chosen, frame)
    _says(review, "promote")
    assert "profit" not in [metric.name for metric in review.metrics]


def test_another_problem_is_judged_and_told(tmp_path: Path, court: Court) -> None:
    """A team that brings data of its own: nothing of main's can be compared, and main's gates speak of metrics that are not there."""
    chosen = params.parse(kinds.params_text("penguins"))
    frame = dataset.read(kinds.DATA / "penguins.csv", chosen)
    review = court.judge(make(tmp_path / "penguins/bundle", chosen, frame), chosen, frame)
    _says(review, "cannot judge", "roc_auc was not computed")
    assert "answers another question" in review.champion_problem
    assert next(metric.name for metric in review.metrics) == "f1_macro"
