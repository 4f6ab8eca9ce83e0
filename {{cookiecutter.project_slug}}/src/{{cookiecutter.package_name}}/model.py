"""Yours: the estimators that ``params.yaml`` may name, and how they become an unfitted scikit-learn pipeline.

scikit-learn is imported where it is needed, so that a wrong name is found in no time.
"""

import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from .params import Model, Params, ParamsError
from .params_check import did_you_mean

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin
    from sklearn.pipeline import Pipeline


class Estimator(NamedTuple):
    """Where an estimator lives and what its inputs need. ``native_nan``: takes missing numbers, in ONNX as well."""

    module: str
    name: str
    needs_scaler: bool
    native_nan: bool
    defaults: Mapping[str, Any] = MappingProxyType({})


ESTIMATORS = {
    entry.name: entry
    for entry in (
        Estimator("sklearn.linear_model", "LogisticRegression", True, False),
        Estimator("sklearn.linear_model", "SGDClassifier", True, False, {"loss": "log_loss"}),
        Estimator("sklearn.neural_network", "MLPClassifier", True, False),
        Estimator("sklearn.tree", "DecisionTreeClassifier", False, False),
        Estimator("sklearn.ensemble", "RandomForestClassifier", False, False),
        Estimator("sklearn.ensemble", "ExtraTreesClassifier", False, False),
        Estimator("sklearn.ensemble", "GradientBoostingClassifier", False, False),
        Estimator("sklearn.ensemble", "HistGradientBoostingClassifier", False, True),
    )
}
REFUSED = {
    ("HistGradientBoostingClassifier", "categorical_features"): (
        "gives other probabilities in ONNX than in scikit-learn; delete it: features.categorical is one-hot encoded already"
    ),
}


def find(model: Model) -> Estimator:
    """The entry that ``params.yaml`` names; raises :class:`ParamsError` when it is not known, or a parameter is known to be wrong."""
    if model.estimator not in ESTIMATORS:
        raise ParamsError(f"params.yaml: model.estimator {model.estimator!r} is not known{did_you_mean(model.estimator, ESTIMATORS)}")
    for name in model.parameters:
        if (reason := REFUSED.get((model.estimator, name))) is not None:
            raise ParamsError(f"params.yaml: model.parameters.{name} {reason}")
    return ESTIMATORS[model.estimator]


def build(params: Params) -> "Pipeline":
    """The unfitted pipeline of features and estimator; raises :class:`ParamsError` for an estimator or parameter that cannot be."""
    from sklearn.pipeline import Pipeline

    from . import features

    entry = find(params.model)
    columns = features.build(params.features, scale=entry.needs_scaler, impute=not entry.native_nan)
    return Pipeline([("features", columns), ("estimator", _estimator(entry, params))])


def _estimator(entry: Estimator, params: Params) -> "ClassifierMixin":
    kind = getattr(importlib.import_module(entry.module), entry.name)
    known = kind().get_params(deep=False)
    for name in params.model.parameters:
        if name not in known:
            raise ParamsError(f"params.yaml: model.parameters.{name} is not a parameter of {entry.name}{did_you_mean(name, known)}")
    seed = {"random_state": params.seed} if "random_state" in known else {}
    estimator = kind(**{**entry.defaults, **seed, **params.model.parameters})
    _check(estimator)
    return estimator


def _check(estimator: "ClassifierMixin") -> None:
    """Types and ranges, by scikit-learn's own rules for the constructor's arguments, before anything is trained."""
    try:
        estimator._validate_params()
    except ValueError as error:
        raise ParamsError(f"params.yaml: model.parameters: {' '.join(str(error).split())}") from None
    if not hasattr(estimator, "predict_proba"):
        raise ParamsError("params.yaml: model.parameters: these give a model without probabilities; for SGDClassifier use loss: log_loss")
