"""Stage 4: metrics of the bundle on the test rows, scored by onnxruntime: what is judged is what is served."""

import math
from typing import Any

import numpy as np
import pandas as pd

from .. import bundle, dataset, metrics, params, run
from ..bundle import Scorer
from . import BUNDLE, METRICS, PREPARED

DIGITS = 6


def main() -> None:
    """Write ``models/metrics.json``."""
    chosen = params.load()
    frame = dataset.read(PREPARED / "test.csv", chosen)
    METRICS.write_bytes(bundle.to_json(evaluate(Scorer(bundle.load(BUNDLE)), frame, chosen)))


def evaluate(scorer: Scorer, frame: pd.DataFrame, chosen: params.Params) -> dict[str, Any]:
    """Metrics of all rows and of each slice; a metric that a slice does not define (all its labels are equal) is null."""
    contract, threshold = scorer.bundle.contract, scorer.bundle.manifest.threshold
    labels = dataset.labels(frame, chosen)
    scores = scorer.probabilities(*dataset.matrices(frame, contract))[:, contract.classes.index(contract.positive)]

    def rounded(mask: np.ndarray) -> dict[str, float | None]:
        values = metrics.compute(labels[mask], scores[mask], threshold)
        return {name: None if math.isnan(value) else round(value, DIGITS) for name, value in values.items()}

    slices = {name: {"n": int(mask.sum()), **rounded(mask)} for name, mask in parts(frame, chosen.slices)}
    everything = np.ones(len(frame), dtype=bool)
    return {"digest": scorer.digest, "rows": len(frame), "threshold": threshold, "metrics": rounded(everything), "slices": slices}


def parts(frame: pd.DataFrame, columns: tuple[str, ...]) -> list[tuple[str, np.ndarray]]:
    """Each slice as ``column=value`` with the mask of its rows; a missing value is a slice as well."""
    found = []
    for column in columns:
        values = frame[column].map(_title)
        found += [(f"{column}={value}", (values == value).to_numpy()) for value in sorted(values.unique())]
    return found


def _title(value: str | float) -> str:
    if value == "" or value != value:
        return "missing"
    return f"{value:g}" if isinstance(value, float) else value


if __name__ == "__main__":
    run(main)
