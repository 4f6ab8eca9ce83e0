"""What the tests of coded rows need: small fitted pipelines of numbers and texts, and their bundles."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from churn import bundle
from churn.bundle import Bundle
from churn.contract import Column, Contract
from churn.pipeline.convert import convert
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

COLUMNS = (
    Column("age", "integer", min=0, max=120),
    Column("fee", "number", missing=True),
    Column("plan", "category", categories=("basic", "plus", "")),
    Column("colour", "category", categories=("red", "green", "blue"), missing=True),
    Column("town", "category", categories=tuple(f"town {number}" for number in range(30))),
)


def contract_of(*names: str) -> Contract:
    """A binary contract of some of the columns."""
    columns = tuple(one for one in COLUMNS if one.name in names)
    numeric = tuple(one.name for one in columns if one.type != "category")
    return Contract("toy", numeric, tuple(one.name for one in columns[len(numeric) :]), columns, ("No", "Yes"), "Yes")


def inputs(contract: Contract, rows: int = 300, seed: int = 0, unseen: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Random inputs, some of them missing where the contract allows it; with ``unseen`` some texts are not in its lists."""
    random = np.random.default_rng(seed)
    numeric, texts = np.empty((rows, len(contract.numeric)), np.float32), np.empty((rows, len(contract.categorical)), dtype=object)
    for place, column in enumerate(contract.columns):
        if column.type != "category":
            values = random.integers(0, 100, rows).astype(np.float32)
            numeric[:, place] = np.where(column.missing & (random.random(rows) < 0.2), np.nan, values)
            continue
        known = [text for text in column.categories if text] + [""] * column.missing + ["nowhere"] * unseen
        texts[:, place - len(contract.numeric)] = random.choice(np.array(known, dtype=object), rows)
    return numeric, texts


def frame(contract: Contract, numeric: np.ndarray, texts: np.ndarray) -> pd.DataFrame:
    """The inputs as a pipeline is fitted to them."""
    columns = dict(zip(contract.numeric, numeric.T, strict=True)) | dict(zip(contract.categorical, texts.T, strict=True))
    return pd.DataFrame(columns).astype(dict.fromkeys(contract.categorical, object))


def fitted(contract: Contract, features: BaseEstimator, estimator: BaseEstimator | None = None, unseen: bool = False) -> Pipeline:
    """A pipeline fitted to random rows; with ``unseen`` it knows a text that the contract does not."""
    pipeline = Pipeline([("features", features), ("estimator", LogisticRegression(max_iter=200) if estimator is None else estimator)])
    return pipeline.fit(frame(contract, *inputs(contract, unseen=unseen)), np.random.default_rng(1).integers(0, 2, 300))


def bundle_of(folder: Path, model: bytes | Pipeline, contract: Contract) -> Bundle:
    """The bundle of a pipeline, or of a model that is one already; it has no golden rows."""
    folder.mkdir()
    (folder / "model.onnx").write_bytes(model if isinstance(model, bytes) else convert(model, contract))
    (folder / "contract.json").write_bytes(contract.to_json())
    for name in ("profile.json", "golden.json"):
        (folder / name).write_bytes(b"{}\n")
    origin: dict[str, Any] = {"data_digest": "sha256:" + "0" * 64, "parameters": {}, "libraries": {}}
    bundle.write_manifest(folder, model="toy", problem="binary", threshold=0.5, **origin)
    return bundle.load(folder)
