"""Yours: the estimators that ``params.yaml`` may name. Nothing here imports scikit-learn, so a wrong name is found in no time."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from .params import ParamsError
from .params_check import did_you_mean
from .params_types import Model


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
