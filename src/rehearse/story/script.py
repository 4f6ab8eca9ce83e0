"""The parameter changes that a story makes: given by a person, or made from what the repository's model has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from ..errors import RehearseError
from .project import changes

Settings = Mapping[str, Any]
NAMES = ("better", "better_still", "worse", "fork")
# How much of its value a parameter keeps in each change: the model stays good, or has next to nothing left of what it learns by.
FACTORS = {
    "C": (0.5, 0.3, 0.00001, 0.7),
    "n_estimators": (1.2, 1.4, 0.01, 1.1),
    "max_iter": (1.2, 1.4, 0.01, 1.1),
}


@dataclass(frozen=True)
class Script:
    """Two changes that keep the model good, one that spoils it, one by a fork."""

    first: Settings
    second: Settings
    worse: Settings
    fork: Settings


def written(project: Path, given: Mapping[str, tuple[str, ...]]) -> Script:
    """The changes given as ``name=value`` under :data:`NAMES`; those that nobody gave suit the model of ``project``.

    Raises:
        RehearseError: a setting is none, or none was given and the model has no parameter that the story knows.
    """
    suited = {} if all(given.get(name) for name in NAMES) else _suited(project)
    return Script(*(changes(list(given[name])) if given.get(name) else suited[name] for name in NAMES))


def _suited(project: Path) -> dict[str, Settings]:
    parameters = YAML(typ="safe").load(project / "params.yaml")["model"].get("parameters") or {}
    name = next((name for name in FACTORS if isinstance(parameters.get(name), int | float)), None)
    if name is None:
        wanted = " ".join(f"--{option.replace('_', '-')} model.parameters.NAME=VALUE" for option in NAMES)
        raise RehearseError(f"params.yaml: model.parameters has none of {', '.join(FACTORS)}; say what to change: {wanted}")
    value = parameters[name]
    return {option: {f"model.parameters.{name}": _scaled(value, factor)} for option, factor in zip(NAMES, FACTORS[name], strict=True)}


def _scaled(value: float, factor: float) -> float:
    return max(1, round(value * factor)) if isinstance(value, int) else value * factor
