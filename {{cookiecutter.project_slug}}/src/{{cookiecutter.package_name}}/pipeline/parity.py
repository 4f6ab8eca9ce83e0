"""Checks that the ONNX model gives what the scikit-learn pipeline gives."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from .. import dataset
from ..errors import ProblemError
from ..scorer import Scorer
from . import advice, edges
from .train import inputs


class ParityError(ProblemError):
    """ONNX and scikit-learn do not agree."""


class Parity(NamedTuple):
    """The rows compared and their largest difference in probability."""

    rows: int
    difference: float


def check(pipeline: Pipeline, scorer: Scorer, sides: dict[str, pd.DataFrame], tolerance: float, id_column: str) -> Parity:
    """Compare every row of the sides and the edge rows made from the training rows.

    Raises :class:`ParityError` when a probability differs by more than ``tolerance`` or a decision differs; its line names the worst
    row and what helps, and the row itself is printed.
    """
    contract = scorer.bundle.contract
    names = [f"{side} row {one}" for side, frame in sides.items() for one in frame[id_column]]
    edge_names, edge_rows = edges.rows(sides["train"], contract)
    columns = [*contract.numeric, *contract.categorical]
    rows = pd.concat([*(frame[columns] for frame in sides.values()), edge_rows[columns]], ignore_index=True)
    names += [f"edge row '{name}'" for name in edge_names]
    ours = _sklearn(pipeline, inputs(rows, contract), names)
    theirs = scorer.probabilities(*dataset.matrices(rows, contract))
    positive = contract.classes.index(contract.positive)
    difference = np.abs(ours - theirs).max(axis=1)
    difference[np.isnan(difference)] = np.inf
    threshold = scorer.bundle.manifest.threshold
    flipped = (ours[:, positive] >= threshold) != (theirs[:, positive] >= threshold)
    if difference.max() > tolerance or flipped.any():
        worst = int(np.argmax(np.where(difference.max() > tolerance, difference, flipped)))
        _show(rows.iloc[worst], names[worst])
        pair = (ours[worst, positive], theirs[worst, positive])
        counts = ((difference > tolerance).sum(), flipped.sum(), len(rows))
        raise ParityError(_line(pipeline, pair, names[worst], counts, tolerance, threshold))
    return Parity(len(rows), float(difference.max()))


def _line(
    pipeline: Pipeline, pair: tuple[float, float], name: str, counts: tuple[int, int, int], tolerance: float, threshold: float
) -> str:
    beyond, flips, rows = counts
    if not beyond:
        return (
            f"parity: {flips} of {rows} rows lie exactly on the threshold {threshold:g}, where rounding decides (worst: {name}); "
            f"set threshold in params.yaml to another value, for instance {{value: {max(threshold - 0.0005, 0):.4f}}}"
        )
    return (
        f"parity: ONNX and scikit-learn differ by more than {tolerance:g} on {beyond} of {rows} rows, {flips} of them with another "
        f"decision (worst: {name}, {pair[1]:.6f} instead of {pair[0]:.6f}); {advice.general(pipeline)}"
    )


def _sklearn(pipeline: Pipeline, frame: pd.DataFrame, names: list[str]) -> np.ndarray:
    try:
        return pipeline.predict_proba(frame)
    except ValueError as error:
        if len(frame) > 1:  # halve until the row is found
            half = len(frame) // 2
            parts = ((frame[:half], names[:half]), (frame[half:], names[half:]))
            return np.concatenate([_sklearn(pipeline, *part) for part in parts])
        name = names[0]
        _show(frame.iloc[0], name)
        reason = " ".join(str(error).split())[:200]
        raise ParityError(
            f"parity: scikit-learn cannot score {name} ({reason}); in features.py, impute missing values and ignore unknown categories"
        ) from None


def _show(row: pd.Series, name: str) -> None:
    print(f"{name}:")
    for column, value in row.items():
        print(f"  {column}: {'(missing)' if value == '' or value != value else value}")
