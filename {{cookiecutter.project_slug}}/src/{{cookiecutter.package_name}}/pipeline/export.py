"""Stage 3: turn the model into ONNX, prove that it gives the same answers, and write the bundle."""

import hashlib
import os
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import joblib
import msgspec
import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix

from .. import bundle, dataset, params, run
from ..bundle import Scorer
from ..contract import Column, Contract
from ..params import Threshold
from . import BUNDLE, MODEL, PREPARED, SIDES, parity
from .convert import convert

LIBRARIES = ("numpy", "onnx", "onnxruntime", "pandas", "protobuf", "scikit-learn", "scipy", "skl2onnx")
GOLDEN_ROWS = 5


def main() -> None:
    """Write ``models/bundle``; nothing of it is written when the model does not convert exactly."""
    chosen = params.load()
    sides = {side: dataset.read(PREPARED / f"{side}.csv", chosen) for side in SIDES}
    pipeline = joblib.load(MODEL)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "bundle"
        made.mkdir()
        digest = write(made, pipeline, sides, chosen)
        found = parity.check(pipeline, Scorer(bundle.load(made, digest)), sides, chosen.parity.tolerance, chosen.data.id)
        _publish(made)
    print(f"parity: {found.rows:,} rows, largest difference {found.difference:.1e}, no decision differs")
    print(f"bundle: {digest}")


def write(folder: Path, pipeline: Any, sides: dict[str, pd.DataFrame], chosen: params.Params) -> str:
    """Write the bundle of a fitted pipeline into an empty folder and return its digest."""
    contract = chosen.contract()
    golden = golden_rows(sides["train"], contract)
    contents = {
        "model.onnx": convert(pipeline, contract),
        "contract.json": contract.to_json(),
        "profile.json": bundle.to_json(profile_of(sides["train"], contract)),
        "golden.json": bundle.to_json({"records": [], "probabilities": [], "predictions": []}),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    facts = _facts(chosen)
    bundle.write_manifest(folder, threshold=0.5, **facts)
    scorer = Scorer(bundle.load(folder))
    scores = scorer.probabilities(*dataset.matrices(sides["validation"], contract))
    positive = contract.classes.index(contract.positive)
    limit = choose_threshold(dataset.labels(sides["validation"], chosen), scores[:, positive], chosen.threshold)
    (folder / "golden.json").write_bytes(bundle.to_json(_answers(scorer, golden, limit)))
    return bundle.write_manifest(folder, threshold=limit, **facts)


def golden_rows(train: pd.DataFrame, contract: Contract) -> list[dict[str, Any]]:
    """Training rows as records: the first with a missing value where there is one, then the first rows."""
    columns = [column.name for column in contract.columns]
    rows = train[columns]
    missing = (rows.isna() | (rows == "")).any(axis="columns").to_numpy()
    order = np.concatenate([np.flatnonzero(missing)[:1], np.flatnonzero(~missing), np.flatnonzero(missing)[1:]])[:GOLDEN_ROWS]
    types = {column.name: column.type for column in contract.columns}
    records = [{name: _plain(value, types[name]) for name, value in record.items()} for record in rows.iloc[order].to_dict("records")]
    if not missing.any() and (optional := [column.name for column in contract.columns if column.missing]):
        records[0] |= dict.fromkeys(optional)
    return records


def _plain(value: Any, kind: str) -> str | int | float | None:
    if kind == "category":
        return value or None
    return None if value != value else int(value) if kind == "integer" else float(value)


def _answers(scorer: Scorer, records: list[dict[str, Any]], limit: float) -> dict[str, Any]:
    contract = scorer.bundle.contract
    positive = contract.classes.index(contract.positive)
    scores = scorer.probabilities(*contract.matrices(records)).astype(np.float64)
    predictions = [contract.positive if row[positive] >= limit else contract.classes[1 - positive] for row in scores]
    return {"records": records, "probabilities": scores.tolist(), "predictions": predictions}


def _facts(chosen: params.Params) -> dict[str, Any]:
    with open(chosen.data.path, "rb") as stream:
        data_digest = "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()
    made_of = ("seed", "split", "features", "threshold")
    parameters = {name: msgspec.to_builtins(getattr(chosen, name)) for name in made_of}
    parameters |= {"estimator": chosen.model.estimator, "parameters": msgspec.to_builtins(chosen.model.parameters)}
    return {
        "model": chosen.model.name,
        "problem": chosen.problem,
        "data_digest": data_digest,
        "parameters": parameters,
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def _publish(made: Path) -> None:
    """Put the files in place one by one; the manifest comes last, so a bundle cut short is never a valid one."""
    BUNDLE.mkdir(parents=True, exist_ok=True)
    (BUNDLE / bundle.MANIFEST).unlink(missing_ok=True)
    for name in (*bundle.FILES, bundle.MANIFEST):
        shutil.copyfile(made / name, BUNDLE / f".{name}")
        os.replace(BUNDLE / f".{name}", BUNDLE / name)


def choose_threshold(labels: np.ndarray, probabilities: np.ndarray, wanted: Threshold) -> float:
    """The fixed value, or the threshold with the best objective; of equally good ones the lowest.

    Candidates lie midway between neighbouring probabilities that differ by at least 0.0001: no row of a model with few distinct
    probabilities then lies on the threshold itself, where rounding would decide.
    """
    if wanted.value is not None:
        return wanted.value
    steps = np.unique(np.round(probabilities.astype(np.float64), 4))
    candidates = np.round((steps[1:] + steps[:-1]) / 2, 6)
    if len(candidates) == 0:
        return 0.5
    scores = [_score(labels, probabilities >= one, wanted.objective) for one in candidates]
    return float(candidates[int(np.argmax(scores))])


def _score(labels: np.ndarray, chosen: np.ndarray, objective: str | None) -> float:
    (true_negative, false_positive), (false_negative, true_positive) = confusion_matrix(labels, chosen, labels=[0, 1])
    if objective == "accuracy":
        return (true_positive + true_negative) / len(labels)
    return 2 * true_positive / (2 * true_positive + false_positive + false_negative)


BINS = 10
FEW_VALUES = 20


def profile_of(frame: pd.DataFrame, contract: Contract) -> dict[str, Any]:
    """``{"rows": n, "features": {name: histogram}}``.

    A number has ``edges`` and one count more than edges: ``counts[i]`` are the values in ``[edges[i-1], edges[i])``, open at both ends.
    Edges are deciles, or lie between the values where there are at most 20. A category has a count for each of the contract's.
    """
    return {"rows": len(frame), "features": {column.name: _histogram(frame[column.name], column) for column in contract.columns}}


def _histogram(values: pd.Series, column: Column) -> dict[str, Any]:
    return _category(values, column) if column.type == "category" else _numeric(values)


def _numeric(values: pd.Series) -> dict[str, Any]:
    present = values.dropna().to_numpy(dtype=np.float32).astype(np.float64)
    distinct = np.unique(present)
    edges = (distinct[1:] + distinct[:-1]) / 2
    if len(distinct) > FEW_VALUES:
        edges = np.unique(np.quantile(present, np.arange(1, BINS) / BINS))
    counts = np.bincount(np.searchsorted(edges, present, side="right"), minlength=len(edges) + 1)
    return {"type": "number", "edges": edges.tolist(), "counts": counts.tolist(), "missing": int(values.isna().sum())}


def _category(values: pd.Series, column: Column) -> dict[str, Any]:
    counts = {category: int((values == category).sum()) for category in column.categories}
    return {"type": "category", "counts": counts, "missing": int((values == "").sum())}


if __name__ == "__main__":
    run(main)
