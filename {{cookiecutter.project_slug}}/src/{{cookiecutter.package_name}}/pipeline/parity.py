"""Checks that the ONNX model gives what the scikit-learn pipeline gives."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from .. import ProblemError, dataset
from ..bundle import Scorer
from ..contract import Column, Contract
from .train import inputs

HEAVY_ROWS = 200
UNSEEN = "a category that no training row has"


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
    edge_names, edges = edge_rows(sides["train"], contract)
    columns = [*contract.numeric, *contract.categorical]
    rows = pd.concat([*(frame[columns] for frame in sides.values()), edges[columns]], ignore_index=True)
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
        f"decision (worst: {name}, {pair[1]:.6f} instead of {pair[0]:.6f}); {general(pipeline)}"
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


def edge_rows(train: pd.DataFrame, contract: Contract) -> tuple[list[str], pd.DataFrame]:
    """Rows that production will meet and a test set may not hold, with their names.

    For each kind of edge one row with all columns there and one per column; then rows drawn from heavy tails.
    """
    base = train.iloc[[0]][[*contract.numeric, *contract.categorical]]
    named: list[tuple[str, dict[str, object]]] = [("all missing", {column.name: _missing(column) for column in contract.columns})]
    named.append(("all categories unseen", dict.fromkeys(contract.categorical, UNSEEN)))
    for end in (0, 1):
        named.append((f"all at the {('low', 'high')[end]} end", {name: _ends(train, contract, name)[end] for name in contract.numeric}))
    for column in contract.columns:
        named.append((f"{column.name} missing", {column.name: _missing(column)}))
        if column.type == "category":
            named.append((f"{column.name} unseen", {column.name: UNSEEN}))
        else:
            low, high = _ends(train, contract, column.name)
            named += [(f"{column.name} low", {column.name: low}), (f"{column.name} high", {column.name: high})]
    frame = pd.concat([base.assign(**values) for _, values in named] + [_heavy(train, contract)], ignore_index=True)
    return [name for name, _ in named] + [f"heavy tails {index}" for index in range(len(frame) - len(named))], frame


def _missing(column: Column) -> object:
    return "" if column.type == "category" else np.nan


def _ends(train: pd.DataFrame, contract: Contract, name: str) -> tuple[float, float]:
    """The contract's own bounds; where it has none, a thousand times beyond what training saw."""
    column = next(one for one in contract.columns if one.name == name)
    largest = 1000 * max(1.0, float(train[name].abs().max()) if train[name].notna().any() else 1.0)
    return (-largest if column.min is None else column.min, largest if column.max is None else column.max)


def _heavy(train: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """Training rows whose numbers are stretched by factors from a heavy-tailed distribution, within the contract's bounds."""
    random = np.random.default_rng(0)
    frame = train.iloc[random.integers(0, len(train), HEAVY_ROWS)][[*contract.numeric, *contract.categorical]].reset_index(drop=True)
    for name in contract.numeric:
        column = next(one for one in contract.columns if one.name == name)
        stretched = frame[name] * np.exp(random.standard_t(2, HEAVY_ROWS).clip(-12, 12))
        stretched = stretched.round() if column.type == "integer" else stretched
        frame[name] = stretched.clip(*_ends(train, contract, name))
    return frame


TREES = (
    "DecisionTreeClassifier",
    "ExtraTreesClassifier",
    "GradientBoostingClassifier",
    "HistGradientBoostingClassifier",
    "RandomForestClassifier",
)
SCALERS = ("MaxAbsScaler", "MinMaxScaler", "Normalizer", "PowerTransformer", "QuantileTransformer", "RobustScaler", "StandardScaler")


def refusal(pipeline: Pipeline) -> str | None:
    """Why a pipeline is refused before it is converted: parts that ONNX computes wrongly for most rows."""
    for part in parts(pipeline):
        kind = type(part).__name__
        if kind.startswith("HistGradientBoosting") and getattr(part, "is_categorical_", None) is not None:
            return (
                f"{kind} with categorical_features gives other probabilities in ONNX than in scikit-learn; "
                "delete categorical_features and encode the categories in features.py"
            )
        if kind == "CalibratedClassifierCV" and part.method != "sigmoid":
            return f"calibration with method={part.method!r} gives other probabilities in ONNX than in scikit-learn; use method='sigmoid'"
        if kind == "OneHotEncoder" and part.handle_unknown == "infrequent_if_exist":
            return "OneHotEncoder(handle_unknown='infrequent_if_exist') fails in ONNX when it meets an unseen category; use 'ignore'"
    return None


def general(pipeline: Pipeline) -> str:
    """What most likely helps, by the parts that the pipeline has."""
    kinds = [type(part).__name__ for part in parts(pipeline)]
    trees = [kind for kind in kinds if kind in TREES]
    scalers = [kind for kind in kinds if kind in SCALERS]
    if trees and scalers:
        return f"delete {scalers[0]} in features.py: {trees[0]} needs none, and its rounding moves values across splits"
    if trees and trees[0] != "HistGradientBoostingClassifier" and "SimpleImputer" not in kinds:
        return f"add SimpleImputer in features.py: the missing values that {trees[0]} handles itself are lost in ONNX"
    return "keep to the steps that features.py came with, and to an estimator of model.py"


def parts(part: Any) -> Iterator[BaseEstimator]:
    """A pipeline's parts at any depth; fitted ones where there are any."""
    if isinstance(part, list | tuple):
        for inner in part:
            yield from parts(inner)
    elif isinstance(part, BaseEstimator):
        yield part
        for name in ("steps", "transformers_", "transformer_list", "calibrated_classifiers_", "estimator", "final_estimator"):
            yield from parts(getattr(part, name, None))
    elif type(part).__name__ == "_CalibratedClassifier":
        yield from parts(part.estimator)
