"""The types of ``params.yaml``, the one file with everything that a person chooses."""

from typing import Any, Literal

import msgspec

from .contract import Column, Contract

Metric = Literal["roc_auc", "pr_auc", "log_loss", "brier", "f1", "precision", "recall", "accuracy"]
MOST_SLICES = 20


class _Struct(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Model(_Struct):
    """``estimator`` is a key of ``model.ESTIMATORS``; ``parameters`` are its scikit-learn constructor arguments."""

    name: str
    estimator: str
    parameters: dict[str, Any] = {}


class Data(_Struct):
    """The raw data file. ``classes`` are the values of the column ``target``; ``id`` names the column of unique row names."""

    path: str
    id: str
    target: str
    classes: tuple[str, ...]
    positive: str


class ColumnRule(_Struct):
    """One column of the contract; see :class:`contract.Column`."""

    type: Literal["number", "integer", "category"]
    min: float | None = None
    max: float | None = None
    categories: tuple[str, ...] = ()
    missing: bool = False


class Split(_Struct):
    """Shares of all rows for test and validation; the rest trains. A row's side depends on ``salt`` and its id alone."""

    test: float
    validation: float
    salt: str


class Features(_Struct):
    """The columns that the model sees, as numbers and as categories."""

    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()


class Threshold(_Struct):
    """A fixed decision threshold, or what the threshold chosen on the validation rows makes best."""

    objective: Literal["f1", "accuracy"] | None = None
    value: float | None = None


class Parity(_Struct):
    """The largest difference in probability that export accepts between scikit-learn and ONNX."""

    tolerance: float = 1e-5


class Gate(_Struct):
    """One condition on one metric of the test rows; exactly one of ``min``, ``max`` and ``not_worse_than_champion``."""

    metric: Metric
    min: float | None = None
    max: float | None = None
    not_worse_than_champion: float | None = None


class Params(_Struct):
    """The whole of ``params.yaml``."""

    problem: Literal["binary"]
    model: Model
    data: Data
    columns: dict[str, ColumnRule]
    split: Split
    features: Features
    threshold: Threshold
    gates: tuple[Gate, ...]
    parity: Parity = Parity()
    slices: tuple[str, ...] = ()
    seed: int = 0

    def contract(self) -> Contract:
        """The contract of the model's inputs; a binary one names its classes as (negative, positive)."""
        names = self.features.numeric + self.features.categorical
        columns = tuple(Column(name, **msgspec.structs.asdict(self.columns[name])) for name in names)
        negative = next(value for value in self.data.classes if value != self.data.positive)
        classes = (negative, self.data.positive)
        return Contract(self.model.name, self.features.numeric, self.features.categorical, columns, classes, self.data.positive)
