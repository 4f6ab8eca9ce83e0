"""Yours: ``params.yaml`` becomes an unfitted scikit-learn pipeline. The estimators it may name are in estimators.py."""

import importlib

from sklearn.base import ClassifierMixin
from sklearn.pipeline import Pipeline

from . import estimators, features
from .estimators import Estimator
from .params import ParamsError
from .params_check import did_you_mean
from .params_types import Params


def build(params: Params) -> Pipeline:
    """The unfitted pipeline of features and estimator; raises :class:`ParamsError` for an estimator or parameter that cannot be."""
    entry = estimators.find(params.model)
    columns = features.build(params.features, scale=entry.needs_scaler, impute=not entry.native_nan)
    return Pipeline([("features", columns), ("estimator", _estimator(entry, params))])


def _estimator(entry: Estimator, params: Params) -> ClassifierMixin:
    kind = getattr(importlib.import_module(entry.module), entry.name)
    known = kind().get_params(deep=False)
    for name in params.model.parameters:
        if name not in known:
            raise ParamsError(f"params.yaml: model.parameters.{name} is not a parameter of {entry.name}{did_you_mean(name, known)}")
    seed = {"random_state": params.seed} if "random_state" in known else {}
    estimator = kind(**{**entry.defaults, **seed, **params.model.parameters})
    _check(estimator)
    return estimator


def _check(estimator: ClassifierMixin) -> None:
    """Types and ranges, by scikit-learn's own rules for the constructor's arguments, before anything is trained."""
    try:
        estimator._validate_params()
    except ValueError as error:
        raise ParamsError(f"params.yaml: model.parameters: {' '.join(str(error).split())}") from None
    if not hasattr(estimator, "predict_proba"):
        raise ParamsError("params.yaml: model.parameters: these give a model without probabilities; for SGDClassifier use loss: log_loss")
