"""Stage 2: fit the pipeline of features and estimator on the training rows."""

import warnings

import joblib
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline

from .. import ProblemError, dataset, model, params, run
from ..contract import Contract
from . import MODEL, PREPARED


class TrainError(ProblemError):
    """The estimator cannot learn from these rows."""


def main() -> None:
    """Write the fitted scikit-learn pipeline; only export reads it."""
    chosen = params.load()
    frame = dataset.read(PREPARED / "train.csv", chosen)
    pipeline = fit(frame, chosen)
    MODEL.parent.mkdir(parents=True, exist_ok=True)
    joblib.dump(pipeline, MODEL)
    print(f"{chosen.model.estimator}: trained on {len(frame):,} rows")


def fit(frame: pd.DataFrame, chosen: params.Params) -> Pipeline:
    """The fitted pipeline; raises :class:`TrainError` with scikit-learn's reason when it cannot be fitted."""
    pipeline = model.build(chosen)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        try:
            pipeline.fit(inputs(frame, chosen.contract()), dataset.targets(frame, chosen))
        except (ValueError, TypeError) as error:
            reason = " ".join(str(error).split())
            raise TrainError(f"params.yaml: model: {chosen.model.estimator} cannot be trained with these parameters: {reason}") from None
    for warning in caught:
        if issubclass(warning.category, ConvergenceWarning):
            print(f"warning: {' '.join(str(warning.message).split())[:200]}")
    return pipeline


def inputs(frame: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """The model's inputs under their own names, as serving gives them: float32 numbers, text with ``""`` for missing."""
    numeric, categorical = dataset.matrices(frame, contract)
    columns = dict(zip(contract.numeric, numeric.T, strict=True)) | dict(zip(contract.categorical, categorical.T, strict=True))
    return pd.DataFrame(columns).astype(dict.fromkeys(contract.categorical, object))


if __name__ == "__main__":
    run(main)
