"""Reads ``params.yaml``, with one clear line for each way to get it wrong.

Its scalars are those of YAML 1.2, as DVC reads them: ``No`` is text and ``1e-5`` is a number. A repeated key is an error.
"""

import re
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

from . import ProblemError
from .contract import Column, Contract
from .gate import Gate, Problem
from .serving_rules import Serving

MOST_SLICES = 20


class _Struct(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Model(_Struct, frozen=True):
    """``name`` stands in files, tags and labels; ``estimator`` is a key of ``model.ESTIMATORS``; ``parameters`` are its constructor's."""

    name: str
    estimator: str
    parameters: dict[str, Any] = {}


class Data(_Struct, frozen=True):
    """The raw data: ``path`` is a CSV file, ``id`` names its column of unique row names.

    ``classes`` are the values of the column ``target`` (none for regression), ``positive`` is the one to find (binary only).
    """

    path: str
    id: str
    target: str
    classes: tuple[str, ...] = ()
    positive: str | None = None


class ColumnRule(_Struct, frozen=True):
    """One column of the contract: its ``type``, and which values it takes.

    ``min`` and ``max`` are for numbers, and inclusive. ``categories`` holds every allowed text. ``missing`` allows empty cells and null.
    """

    type: Literal["number", "integer", "category"]
    min: float | None = None
    max: float | None = None
    categories: tuple[str, ...] = ()
    missing: bool = False


class Split(_Struct, frozen=True, omit_defaults=True):
    """Shares of all rows for ``test`` and ``validation``; the rest trains. A row's side depends on ``salt`` and its id alone.

    With ``time``, a column of times by ISO 8601 that is no input: ``test`` and ``validation`` are the times from which on rows are tested
    on and choose the threshold; older ones train.
    """

    test: float | str
    validation: float | str
    salt: str = ""
    time: str | None = None


class Features(_Struct, frozen=True):
    """The columns that the model sees: ``numeric`` ones as numbers, ``categorical`` ones as categories."""

    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()


class Threshold(_Struct, frozen=True):
    """A fixed decision threshold, ``value`` (0 to 1), or the ``objective`` that the threshold chosen on the validation rows makes best.

    ``recall_at_precision`` finds the largest recall among thresholds whose precision is at least ``precision``;
    ``profit`` needs ``money``.
    """

    objective: Literal["f1", "accuracy", "recall_at_precision", "profit"] | None = None
    value: float | None = None
    precision: float | None = None


class Money(_Struct, frozen=True):
    """What a decision brings and costs: each row predicted positive costs ``cost``; each that is positive brings ``gain``.

    With ``gain_column`` the gain of a row is ``gain`` times its value in that column.
    """

    gain: float
    cost: float
    gain_column: str | None = None


class Parity(_Struct, frozen=True):
    """``tolerance`` (above 0, at most 0.01) is the largest difference in probability that export accepts of ONNX from scikit-learn."""

    tolerance: float = 1e-5


class SliceRule(_Struct, frozen=True):
    """A part of the rows with a ``name``: those whose ``column`` is ``value``, or lies in ``min`` to ``max`` (inclusive)."""

    name: str
    column: str
    value: str | float | None = None
    min: float | None = None
    max: float | None = None


class Judging(_Struct, frozen=True):
    """How candidates are judged.

    ``headline`` is the metric of the verdict's sentence: where it is null, ``roc_auc``, ``f1_macro`` or ``rmse``. Intervals have the level
    ``confidence`` (at least 0.5, below 1), those of the bootstrap ``resamples`` (2,000 to 100,000). A slice of fewer than ``min_n`` (10 to
    1,000,000) test rows is shown, not judged.
    """

    headline: str | None = None
    confidence: float = 0.95
    resamples: int = 2000
    min_n: int = 100


class Promotion(_Struct, frozen=True):
    """``environments`` in the order in which a model goes through them, the last is ``production``.

    ``push`` is how main gets the promotion's commit, ``rebuild`` whether main trains again and takes no candidate over. ``image`` is
    the repository of a registry that gets the serving image of each promoted bundle, ``none`` where no image is built.
    """

    environments: tuple[str, ...] = ("staging", "production")
    push: Literal["direct", "deploy-key", "pull-request"] = "direct"
    rebuild: bool = False
    image: str = "none"


class Monitoring(_Struct, frozen=True):
    """How production is looked at.

    ``log`` is the server's prediction log, ``labels`` a CSV file or a folder of them with what came true, ``data`` the newest labelled
    rows in the form of ``data.path``: each a path, or the URL of a bucket. ``days`` (above 0, at most 366) is how far back. ``fall`` is
    by how much the headline metric may be worse than at the promotion. With ``retrain`` a drift becomes a pull request with newer data.
    """

    log: str | None = None
    labels: str | None = None
    data: str | None = None
    days: float = 7.0
    fall: float = 0.05
    retrain: bool = False


class Params(_Struct, frozen=True):
    """The whole of ``params.yaml``.

    ``problem`` says what is predicted: one of two classes, one of more, or a number. ``seed`` (0 to 4,294,967,295) starts every random
    choice of training. ``protected`` are the columns whose values the model must treat alike, ``slices`` columns or named parts of the rows
    that are judged on their own. Each other key has a part of its own: ``model``, ``data``, ``columns`` (the contract), ``split``,
    ``features``, ``gates``, ``threshold``, ``money``, ``parity``, ``review``, ``promotion``, ``serving`` and ``monitoring``.
    """

    problem: Problem
    model: Model
    data: Data
    columns: dict[str, ColumnRule]
    split: Split
    features: Features
    gates: tuple[Gate, ...]
    threshold: Threshold | None = None
    money: Money | None = None
    parity: Parity = Parity()
    protected: tuple[str, ...] = ()
    slices: tuple[str | SliceRule, ...] = ()
    review: Judging = Judging()
    promotion: Promotion = Promotion()
    serving: Serving = Serving()
    monitoring: Monitoring = Monitoring()
    seed: int = 0

    def contract(self) -> Contract:
        """The contract of the model's inputs; a binary one names its classes as (negative, positive)."""
        names = self.features.numeric + self.features.categorical
        columns = tuple(Column(name, **msgspec.structs.asdict(self.columns[name])) for name in names)
        classes = self.data.classes
        if self.problem == "binary":
            classes = tuple(sorted(classes, key=lambda value: value == self.data.positive))
        protected = tuple(name for name in self.protected if name in names)
        return Contract(self.model.name, self.features.numeric, self.features.categorical, columns, classes, self.data.positive, protected)

    def made_of(self) -> dict[str, Any]:
        """What a model is made of beside data and code, as its manifest carries it: values of JSON."""
        parts: dict[str, Any] = {name: getattr(self, name) for name in ("seed", "split", "features", "threshold", "money")}
        parts |= {"estimator": self.model.estimator, "parameters": self.model.parameters}
        return msgspec.json.decode(msgspec.json.encode(parts), type=dict[str, Any])

    @property
    def headline(self) -> str:
        """The metric that the verdict's sentence names."""
        return self.review.headline or {"binary": "roc_auc", "multi-class": "f1_macro", "regression": "rmse"}[self.problem]


FILE = "params.yaml"


class ParamsError(ProblemError):
    """Something in ``params.yaml`` that cannot be used."""


def load(path: str | Path = FILE) -> Params:
    """Read and check the parameters; raises :class:`ParamsError` that names the file, the key and what to do."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ParamsError(f"{path}: no such file; run this in the repository's folder, or `git checkout -- {path}`") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ParamsError(f"{path}: cannot be read as UTF-8 text ({error}); restore it with `git checkout -- {path}`") from None
    return parse(text, str(path))


def top_level(path: str | Path = FILE) -> list[str]:
    """The top-level keys that the file has."""
    return list(yaml.load(Path(path).read_text(encoding="utf-8"), _Loader))  # noqa: S506 - a SafeLoader


def parse(text: str, where: str = FILE) -> Params:
    """Like :func:`load`, for text that was read already (at another commit, for instance)."""
    from . import params_check  # it explains these types and so imports this file

    try:
        raw = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise ParamsError(f"{where}: {_problem(error)}") from None
    if not isinstance(raw, dict):
        raise ParamsError(f"{where}: must hold keys such as model: and data:; restore it with `git checkout -- {where}`")
    try:
        params = msgspec.convert(raw, Params)
    except msgspec.ValidationError as error:
        raise ParamsError(f"{where}: {params_check.explain(str(error), raw)}") from None
    if (problem := params_check.problem(params)) is not None:
        raise ParamsError(f"{where}: {problem}")
    return params


class _Loader(yaml.SafeLoader):
    """PyYAML follows YAML 1.1, where ``No`` is false, ``1e-5`` is text, ``010`` is eight and a repeated key is lost in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping whose keys are text, each given once."""
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag != "tag:yaml.org,2002:str":
                raise yaml.constructor.ConstructorError(None, None, "a key must be text: put it in quotes", key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key.value!r} is given twice; delete one", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _integer(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    return int(loader.construct_scalar(node))


_Loader.yaml_implicit_resolvers = {}  # none of YAML 1.1
_Loader.add_constructor("tag:yaml.org,2002:int", _integer)
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", "~nN"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", "-+.0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})$"), [*_first, *([""] if _tag == "null" else [])])


def _problem(error: yaml.YAMLError) -> str:
    """One line about a YAML error: ``line 3, column 5: …``."""
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or str(error).splitlines()[0]
    if not isinstance(error, yaml.constructor.ConstructorError):
        what += "; is a quote, a bracket or an indent missing?"
    return f"line {mark.line + 1}, column {mark.column + 1}: {what}" if mark else what
