"""Stage 3: turn the model into ONNX, prove that it gives the same answers, and write the bundle."""

import hashlib
import os
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd

from .. import ProblemError, bundle, dataset, params, run
from ..contract import Contract
from ..scorer import Scorer
from . import BUNDLE, MODEL, PARITY, PREPARED, SIDES, parity
from .convert import convert
from .profile import predictions_of, profile_of
from .threshold import choose_threshold

LIBRARIES = ("numpy", "onnx", "onnxruntime", "pandas", "protobuf", "scikit-learn", "scipy", "skl2onnx")
GOLDEN_ROWS = 5


class ExportError(ProblemError):
    """A model that cannot be handed over."""


def main() -> None:
    """Write ``models/bundle`` and ``models/parity.json``; nothing of them is written when the model does not convert exactly."""
    chosen = params.load()
    sides = {side: dataset.read(PREPARED / f"{side}.csv", chosen) for side in SIDES}
    pipeline = joblib.load(MODEL)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "bundle"
        made.mkdir()
        digest = write(made, pipeline, sides, chosen)
        found = parity.check(pipeline, Scorer(bundle.load(made, digest)), sides, chosen)
        _publish(made)
    PARITY.write_bytes(bundle.to_json({"rows": found.rows, "largest_difference": found.difference}))
    print(f"parity: {found.rows:,} rows, largest difference {found.difference:.1e}")
    print(f"bundle: {digest}")


def write(folder: Path, pipeline: Any, sides: dict[str, pd.DataFrame], chosen: params.Params) -> str:
    """Write the bundle of a fitted pipeline into an empty folder and return its digest."""
    contract, facts = chosen.contract(), _facts(chosen)
    profile = profile_of(sides["train"], contract)
    contents = {
        "model.onnx": convert(pipeline, contract),
        "contract.json": contract.to_json(),
        "profile.json": bundle.to_json(profile),
        "golden.json": bundle.to_json({}),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    limit = None
    if contract.problem == "binary":
        scorer = _scorer(folder, 0.5, facts)
        limit = choose_threshold(scorer, sides["validation"], chosen)
    scorer = _scorer(folder, limit, facts)
    profile["predictions"] = predictions_of(scorer.answers(*dataset.matrices(sides["validation"], contract)), contract)
    (folder / "profile.json").write_bytes(bundle.to_json(profile))
    (folder / "golden.json").write_bytes(bundle.to_json(_answers(scorer, golden_rows(sides["train"], contract))))
    return bundle.write_manifest(folder, threshold=limit, **facts)


def _scorer(folder: Path, limit: float | None, facts: dict[str, Any]) -> Scorer:
    """The model as it will be scored, of a bundle that is not finished."""
    bundle.write_manifest(folder, threshold=limit, **facts)
    return Scorer(bundle.load(folder))


def golden_rows(train: pd.DataFrame, contract: Contract) -> list[dict[str, Any]]:
    """Training rows as records: the first with a missing value where there is one, then the first rows."""
    columns = [column.name for column in contract.columns]
    rows = train[columns]
    missing = (rows.isna() | (rows == "")).any(axis="columns").to_numpy()
    order = np.concatenate([np.flatnonzero(missing)[:1], np.flatnonzero(~missing), np.flatnonzero(missing)[1:]])[:GOLDEN_ROWS]
    types = {column.name: column.type for column in contract.columns}
    found = rows.iloc[order].to_dict("records")
    records: list[dict[str, Any]] = [{name: _plain(record[name], kind) for name, kind in types.items()} for record in found]
    if not missing.any() and (optional := [column.name for column in contract.columns if column.missing]):
        records[0] |= dict.fromkeys(optional)
    return records


def _plain(value: Any, kind: str) -> str | int | float | None:
    if kind == "category":
        return value or None
    return None if value != value else int(value) if kind == "integer" else float(value)


def _answers(scorer: Scorer, records: list[dict[str, Any]]) -> dict[str, Any]:
    answers = scorer.answers(*scorer.bundle.contract.matrices(records)).astype(np.float64)
    if not np.isfinite(answers).all():
        raise ExportError("export: the model gives no number for some training rows; change model.parameters in params.yaml")
    if not scorer.bundle.contract.classes:
        return {"records": records, "values": answers[:, 0].tolist()}
    predictions = [one["prediction"] for one in scorer.score(records)]
    return {"records": records, "probabilities": answers.tolist(), "predictions": predictions}


def _facts(chosen: params.Params) -> dict[str, Any]:
    with open(chosen.data.path, "rb") as stream:
        data_digest = "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()
    return {
        "model": chosen.model.name,
        "problem": chosen.problem,
        "data_digest": data_digest,
        "parameters": chosen.made_of(),
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
