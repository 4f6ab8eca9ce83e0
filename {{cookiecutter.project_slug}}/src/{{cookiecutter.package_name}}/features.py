"""Yours: how raw columns become the model's inputs.

What is here converts exactly to ONNX. Columns are selected by your own names. A step that ONNX computes otherwise than
scikit-learn does not get past `make train`: export compares the two and stops.
"""

from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from .params import Features


def build(features: Features, *, scale: bool, impute: bool) -> ColumnTransformer:
    """An unfitted transformer of a frame with float32 numeric columns and text columns (missing: NaN and ``""``).

    ``scale`` is for models that need inputs of one size. Trees must not have it: a value that ONNX rounds otherwise than
    scikit-learn lands on the other side of a split. ``impute`` is for models that cannot take NaN.
    """
    branches = []
    if features.numeric:
        branches.append(("numeric", _numeric(scale, impute), list(features.numeric)))
    if features.categorical:
        encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
        branches.append(("categorical", encoder, list(features.categorical)))
    return ColumnTransformer(branches)


def _numeric(scale: bool, impute: bool) -> Pipeline | str:
    steps: list[SimpleImputer | StandardScaler] = []
    if impute:
        steps.append(SimpleImputer(strategy="median", keep_empty_features=True))
    if scale:
        steps.append(StandardScaler())
    return make_pipeline(*steps) if steps else "passthrough"
