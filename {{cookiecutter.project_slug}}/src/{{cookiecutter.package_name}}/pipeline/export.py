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

from .. import bundle, dataset, params
from ..contract import Contract
from ..errors import run
from ..scorer import Scorer
from . import BUNDLE, MODEL, PREPARED, SIDES, parity, profile, threshold
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
        "profile.json": bundle.to_json(profile.of(sides["train"], contract)),
        "golden.json": bundle.to_json({"records": [], "probabilities": [], "predictions": []}),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    facts = _facts(chosen)
    bundle.write_manifest(folder, threshold=0.5, **facts)
    scorer = Scorer(bundle.load(folder))
    scores = scorer.probabilities(*dataset.matrices(sides["validation"], contract))
    positive = contract.classes.index(contract.positive)
    limit = threshold.choose(dataset.labels(sides["validation"], chosen), scores[:, positive], chosen.threshold)
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


if __name__ == "__main__":
    run(main)
