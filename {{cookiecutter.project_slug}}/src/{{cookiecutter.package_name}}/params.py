"""Reads ``params.yaml``, with one clear line for each way to get it wrong."""

from pathlib import Path

import msgspec
import yaml

from . import params_check, yaml_text
from .errors import ProblemError
from .params_types import ColumnRule, Data, Features, Gate, Metric, Model, Params, Split, Threshold

__all__ = ["ColumnRule", "Data", "Features", "Gate", "Metric", "Model", "Params", "ParamsError", "Split", "Threshold", "load", "parse"]
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


def parse(text: str, where: str = FILE) -> Params:
    """Like :func:`load`, for text that was read already (at another commit, for instance)."""
    try:
        raw = yaml_text.load(text)
    except yaml.YAMLError as error:
        raise ParamsError(f"{where}: {yaml_text.problem(error)}") from None
    if not isinstance(raw, dict):
        raise ParamsError(f"{where}: must hold keys such as model: and data:; restore it with `git checkout -- {where}`")
    try:
        params = msgspec.convert(raw, Params)
    except msgspec.ValidationError as error:
        raise ParamsError(f"{where}: {params_check.explain(str(error), raw)}") from None
    if (problem := params_check.problem(params)) is not None:
        raise ParamsError(f"{where}: {problem}")
    return params
