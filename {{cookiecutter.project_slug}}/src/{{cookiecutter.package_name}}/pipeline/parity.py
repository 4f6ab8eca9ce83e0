"""Checks that the ONNX model gives what the scikit-learn pipeline gives."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from .. import ProblemError, dataset
from ..coding import UNSEEN
from ..contract import Column, Contract
from ..params import Params
from ..scorer import Scorer
from .train import inputs

HEAVY_ROWS = 200


class ParityError(ProblemError):
    """ONNX and scikit-learn do not agree."""


class Parity(NamedTuple):
    """The rows compared and their largest difference, in the measure of :func:`check`."""

    rows: int
    difference: float


def check(pipeline: Pipeline, scorer: Scorer, sides: dict[str, pd.DataFrame], chosen: Params) -> Parity:
    """Compare every row of the sides and the edge rows made from the training rows.

    The measure is the difference in probability. For a regression it is the difference of the values as a share of the target's
    standard deviation over the training rows, or of the value's own distance to their mean where that is larger.

    A model that has a twin for coded rows is held to this in both forms.

    Raises :class:`ParityError` when the measure is above ``parity.tolerance`` or a binary decision differs; its line names the worst
    row and what helps, and the row itself is printed. Two classes closer than the tolerance are a tie, in which ONNX decides.
    """
    contract = scorer.bundle.contract
    rows, names = _rows(sides, contract, chosen.data.id)
    ours = _sklearn(pipeline, inputs(rows, contract), names)
    scale = 1.0 if contract.classes else _scale(ours[:, 0], dataset.targets(sides["train"], chosen))
    largest = 0.0
    for form in (scorer, Scorer(scorer.bundle, coded=False)) if scorer.is_coded else (scorer,):
        theirs = form.answers(*dataset.matrices(rows, contract))
        difference = np.abs(ours - theirs).max(axis=1) / scale
        difference[np.isnan(difference)] = np.inf
        flipped = _flipped(ours, theirs, scorer)
        beyond = difference > chosen.parity.tolerance
        if beyond.any() or (flipped.any() and contract.problem == "binary"):
            worst = int(np.argmax(difference if beyond.any() else flipped))
            _show(rows.iloc[worst], names[worst])
            if not beyond.any():
                raise ParityError(_on_threshold(scorer.bundle.manifest.threshold or 0.0, int(flipped.sum()), len(rows), names[worst]))
            pair = _pair(ours[worst], theirs[worst])
            raise ParityError(_apart(int(beyond.sum()), int(flipped.sum()), len(rows), f"{names[worst]}, {pair}", pipeline, chosen))
        largest = max(largest, float(difference.max()))
    return Parity(len(rows), largest)


def _apart(beyond: int, flipped: int, rows: int, worst: str, pipeline: Pipeline, chosen: Params) -> str:
    unit, decisions = " of the target's spread", ""
    if chosen.problem != "regression":
        unit, decisions = "", f", {flipped} of them with another decision"
    what = f"differ by more than {chosen.parity.tolerance:g}{unit} on {beyond} of {rows} rows{decisions}"
    return f"parity: ONNX and scikit-learn {what} (worst: {worst}); {general(pipeline)}"


def _pair(ours: np.ndarray, theirs: np.ndarray) -> str:
    place = len(ours) - 1 - int(np.argmax(np.abs(ours - theirs)[::-1]))  # of two classes the positive one
    return f"{theirs[place]:.6f} instead of {ours[place]:.6f}"


def _on_threshold(threshold: float, flips: int, rows: int, worst: str) -> str:
    return (
        f"parity: {flips} of {rows} rows lie exactly on the threshold {threshold:g}, where rounding decides (worst: {worst}); "
        f"set threshold in params.yaml to another value, for instance {{value: {max(threshold - 0.0005, 0):.4f}}}"
    )


def _rows(sides: dict[str, pd.DataFrame], contract: Contract, id_column: str) -> tuple[pd.DataFrame, list[str]]:
    """The rows to compare, with a name for each."""
    names = [f"{side} row {one}" for side, frame in sides.items() for one in frame[id_column]]
    edge_names, edges = edge_rows(sides["train"], contract)
    columns = [*contract.numeric, *contract.categorical]
    rows = pd.concat([*(frame[columns] for frame in sides.values()), edges[columns]], ignore_index=True)
    return rows, names + [f"edge row '{name}'" for name in edge_names]


def _scale(values: np.ndarray, targets: np.ndarray) -> np.ndarray:
    scale: np.ndarray = np.maximum(targets.std(), np.abs(values - targets.mean()))
    return scale


def _flipped(ours: np.ndarray, theirs: np.ndarray, scorer: Scorer) -> np.ndarray:
    """Rows whose decision differs."""
    contract, threshold = scorer.bundle.contract, scorer.bundle.manifest.threshold
    if contract.problem == "regression":
        return np.zeros(len(ours), dtype=bool)
    if contract.problem == "multi-class":
        flipped: np.ndarray = ours.argmax(axis=1) != theirs.argmax(axis=1)
    else:
        flipped = (contract.scores(ours) >= threshold) != (contract.scores(theirs) >= threshold)
    return flipped


def _sklearn(pipeline: Pipeline, frame: pd.DataFrame, names: list[str]) -> np.ndarray:
    try:
        if hasattr(pipeline, "predict_proba"):
            answers: np.ndarray = pipeline.predict_proba(frame)
        else:
            answers = pipeline.predict(frame).reshape(len(frame), 1)
        return answers
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
    named: list[tuple[str, dict[str, str | float]]] = [("all missing", {column.name: _missing(column) for column in contract.columns})]
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


def _missing(column: Column) -> str | float:
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


TREES = ("DecisionTree", "ExtraTrees", "GradientBoosting", "HistGradientBoosting", "RandomForest")
SCALERS = ("MaxAbsScaler", "MinMaxScaler", "Normalizer", "PowerTransformer", "QuantileTransformer", "RobustScaler", "StandardScaler")


def refusal(pipeline: Pipeline) -> str | None:
    """Why a pipeline is refused before it is converted: parts that ONNX computes wrongly for most rows."""
    for part in parts(pipeline):
        kind = type(part).__name__
        if kind.startswith("HistGradientBoosting") and getattr(part, "is_categorical_", None) is not None:
            return (
                f"{kind} with categorical_features gives other answers in ONNX than in scikit-learn; "
                "delete categorical_features and encode the categories in features.py"
            )
        if kind == "HistGradientBoostingRegressor" and part.loss in ("poisson", "gamma"):
            return f"{kind} with loss={part.loss!r} gives other values in ONNX than in scikit-learn; use squared_error"
        if kind == "CalibratedClassifierCV" and part.method != "sigmoid":
            return f"calibration with method={part.method!r} gives other probabilities in ONNX than in scikit-learn; use method='sigmoid'"
        if kind == "OneHotEncoder" and part.handle_unknown == "infrequent_if_exist":
            return "OneHotEncoder(handle_unknown='infrequent_if_exist') fails in ONNX when it meets an unseen category; use 'ignore'"
    return None


def general(pipeline: Pipeline) -> str:
    """What most likely helps, by the parts that the pipeline has."""
    kinds = [type(part).__name__ for part in parts(pipeline)]
    trees = [kind for kind in kinds if kind.startswith(TREES)]
    scalers = [kind for kind in kinds if kind in SCALERS]
    if trees and scalers:
        return f"delete {scalers[0]} in features.py: {trees[0]} needs none, and its rounding moves values across splits"
    if trees and not trees[0].startswith("HistGradientBoosting") and "SimpleImputer" not in kinds:
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
