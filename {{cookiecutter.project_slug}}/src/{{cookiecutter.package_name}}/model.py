"""Yours: the estimators that ``params.yaml`` may name, and how they become an unfitted scikit-learn pipeline.

scikit-learn is imported where it is needed, so that a wrong name is found in no time.
"""

import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from .gate import Problem
from .params import Model, Params, ParamsError
from .params_check import did_you_mean

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator
    from sklearn.pipeline import Pipeline


CLASSES: tuple[Problem, ...] = ("binary", "multi-class")
VALUES: tuple[Problem, ...] = ("regression",)


class Estimator(NamedTuple):
    """Where an estimator lives and what its inputs need. ``native_nan``: takes missing numbers, in ONNX as well.

    Of the estimators for classes, one is left out for multi-class ``problems``: SGDClassifier normalises probabilities of one class
    against the rest, which far from the training rows are too small for the 32-bit numbers of ONNX.
    """

    module: str
    name: str
    needs_scaler: bool
    native_nan: bool
    defaults: Mapping[str, Any] = MappingProxyType({})
    problems: tuple[Problem, ...] = CLASSES


ESTIMATORS = {
    entry.name: entry
    for entry in (
        Estimator("sklearn.linear_model", "LogisticRegression", True, False),
        Estimator("sklearn.linear_model", "SGDClassifier", True, False, {"loss": "log_loss"}, ("binary",)),
        Estimator("sklearn.neural_network", "MLPClassifier", True, False),
        Estimator("sklearn.tree", "DecisionTreeClassifier", False, False),
        Estimator("sklearn.ensemble", "RandomForestClassifier", False, False),
        Estimator("sklearn.ensemble", "ExtraTreesClassifier", False, False),
        Estimator("sklearn.ensemble", "GradientBoostingClassifier", False, False),
        Estimator("sklearn.ensemble", "HistGradientBoostingClassifier", False, True),
        Estimator("sklearn.linear_model", "LinearRegression", True, False, problems=VALUES),
        Estimator("sklearn.linear_model", "Ridge", True, False, problems=VALUES),
        Estimator("sklearn.linear_model", "SGDRegressor", True, False, problems=VALUES),
        Estimator("sklearn.neural_network", "MLPRegressor", True, False, problems=VALUES),
        Estimator("sklearn.tree", "DecisionTreeRegressor", False, False, problems=VALUES),
        Estimator("sklearn.ensemble", "RandomForestRegressor", False, False, problems=VALUES),
        Estimator("sklearn.ensemble", "ExtraTreesRegressor", False, False, problems=VALUES),
        Estimator("sklearn.ensemble", "GradientBoostingRegressor", False, False, problems=VALUES),
        Estimator("sklearn.ensemble", "HistGradientBoostingRegressor", False, True, problems=VALUES),
    )
}


def find(model: Model, problem: Problem | None = None) -> Estimator:
    """The entry that ``params.yaml`` names.

    Raises :class:`ParamsError` when it is not known, a parameter is known to be wrong, or it is not one for the ``problem``.
    """
    known = [name for name, entry in ESTIMATORS.items() if problem is None or problem in entry.problems]
    if model.estimator not in ESTIMATORS:
        where = f"src/{str(__package__).partition('.')[0]}/model.py lists what is known, and is where another one goes"
        raise ParamsError(f"params.yaml: model.estimator {model.estimator!r} is not known{did_you_mean(model.estimator, known)}; {where}")
    if model.estimator not in known:
        fits = " and ".join(ESTIMATORS[model.estimator].problems)
        what = f"is for {fits} problems, this is {problem}"
        raise ParamsError(f"params.yaml: model.estimator {model.estimator!r} {what}{did_you_mean(model.estimator, known)}")
    for name, value in model.parameters.items():
        if (reason := _refusal(model.estimator, name, value)) is not None:
            raise ParamsError(f"params.yaml: model.parameters.{name} {reason}")
    return ESTIMATORS[model.estimator]


def _refusal(estimator: str, name: str, value: object) -> str | None:
    """Why a parameter is refused that ONNX is known to get wrong."""
    if estimator.startswith("HistGradientBoosting") and name == "categorical_features":
        return "gives other answers in ONNX than in scikit-learn; delete it: features.categorical is one-hot encoded already"
    if estimator == "HistGradientBoostingRegressor" and name == "loss" and value in ("poisson", "gamma"):
        return f"{value!r} gives other values in ONNX than in scikit-learn; use squared_error, absolute_error or quantile"
    return None


def build(params: Params) -> "Pipeline":
    """The unfitted pipeline of features and estimator; raises :class:`ParamsError` for an estimator or parameter that cannot be."""
    from sklearn.pipeline import Pipeline

    from . import features

    entry = find(params.model, params.problem)
    columns = features.build(params.features, scale=entry.needs_scaler, impute=not entry.native_nan)
    return Pipeline([("features", columns), ("estimator", _estimator(entry, params))])


def _estimator(entry: Estimator, params: Params) -> "BaseEstimator":
    kind = getattr(importlib.import_module(entry.module), entry.name)
    known = kind().get_params(deep=False)
    for name in params.model.parameters:
        if name not in known:
            what = f"is not a parameter of {entry.name}{did_you_mean(name, known)}; {{}} takes its defaults, and it has {', '.join(known)}"
            raise ParamsError(f"params.yaml: model.parameters.{name} {what}")
    seed = {"random_state": params.seed} if "random_state" in known else {}
    estimator = kind(**{**entry.defaults, **seed, **params.model.parameters})
    _check(estimator, params.problem)
    return estimator


def _check(estimator: "BaseEstimator", problem: Problem) -> None:
    """Types and ranges, by scikit-learn's own rules for the constructor's arguments, before anything is trained."""
    try:
        estimator._validate_params()
    except ValueError as error:
        raise ParamsError(f"params.yaml: model.parameters: {' '.join(str(error).split())}") from None
    if problem != "regression" and not hasattr(estimator, "predict_proba"):
        raise ParamsError("params.yaml: model.parameters: these give a model without probabilities; for SGDClassifier use loss: log_loss")
