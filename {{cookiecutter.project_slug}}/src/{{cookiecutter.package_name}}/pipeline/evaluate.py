"""Stage 4: metrics of the bundle on the test rows, scored by onnxruntime: what is judged is what is served."""

import math
from typing import Any

import numpy as np
import pandas as pd

from .. import bundle, dataset, metrics, params, run, slices
from ..scorer import Scorer
from . import BUNDLE, METRICS, PREPARED

DIGITS = 6


def main() -> None:
    """Write ``models/metrics.json``."""
    chosen = params.load()
    frame = dataset.read(PREPARED / "test.csv", chosen)
    METRICS.write_bytes(bundle.to_json(evaluate(Scorer(bundle.load(BUNDLE)), frame, chosen)))


def evaluate(scorer: Scorer, frame: pd.DataFrame, chosen: params.Params) -> dict[str, Any]:
    """Metrics of all rows and of each slice; a metric that a slice does not define (all its targets are equal) is null."""
    contract, threshold = scorer.bundle.contract, scorer.bundle.manifest.threshold
    targets, gains = dataset.targets(frame, chosen), metrics.gains(frame, chosen)
    scores = contract.scores(scorer.answers(*dataset.matrices(frame, contract)))
    cost = chosen.money.cost if chosen.money is not None else 0.0

    def rounded(mask: np.ndarray) -> dict[str, float | None]:
        brings = gains if gains is None else gains[mask]
        values = metrics.compute(contract.problem, targets[mask], scores[mask], threshold, contract.classes, brings, cost)
        return {name: _rounded(value) for name, value in values.items()}

    parts = {part.name: {"n": int(part.mask.sum()), **rounded(part.mask)} for part in slices.parts(frame, chosen)}
    everything = rounded(np.ones(len(frame), dtype=bool))
    return {"digest": scorer.digest, "rows": len(frame), "threshold": threshold, "metrics": everything, "slices": parts}


def _rounded(value: float) -> float | None:
    """At least six decimals and at least six digits, which are the same on every machine; None for NaN."""
    if not math.isfinite(value):
        return None
    return round(value, DIGITS if value == 0 else max(DIGITS, DIGITS - 1 - math.floor(math.log10(abs(value)))))


if __name__ == "__main__":
    run(main)
