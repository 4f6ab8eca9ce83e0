"""What helps when scikit-learn and ONNX do not agree: a list of what is known to convert wrongly, often without any error."""

from collections.abc import Iterator
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

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
