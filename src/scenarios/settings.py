"""What ``params.yaml`` says: the scenarios with their answers, and how much worse one may get."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from . import ScenarioError

PARAMS = Path("params.yaml")


@dataclass(frozen=True)
class Scenario:
    """A name and the answers of its bake; questions without an answer get the template's default."""

    name: str
    answers: Mapping[str, str]


@dataclass(frozen=True)
class Tolerance:
    """What is no worsening.

    ``headline`` is in units of the metric, relative to main's value. ``processor_time`` and ``clock_time`` are factors between times that
    were both divided by the machine's own yardstick, ``serving`` one between two costs of a request in bare endpoints.
    """

    headline: float
    processor_time: float
    clock_time: float
    serving: float


def scenarios(text: str | None = None, where: str = PARAMS.name) -> dict[str, Scenario]:
    """Every scenario by name, of ``text`` or of the file here. Raises ScenarioError that names what is wrong in it."""
    found = _section("scenarios", text, where)
    wrong = [name for name, entry in found.items() if not isinstance(entry, dict) or not isinstance(entry.get("answers"), dict)]
    if wrong:
        raise ScenarioError(f"{where}: scenarios.{wrong[0]} has no `answers`; write the questions of cookiecutter.json and their answers")
    for name, entry in found.items():
        for question, answer in entry["answers"].items():
            if not isinstance(answer, str):  # 3.10 would be 3.1
                raise ScenarioError(f"{where}: scenarios.{name}.answers.{question} is {answer!r}, not a text; put it in quotes")
    return {name: Scenario(name, entry["answers"]) for name, entry in found.items()}


def scenario(name: str) -> Scenario:
    """One scenario. Raises ScenarioError where there is none of this name."""
    known = scenarios()
    if name not in known:
        raise ScenarioError(f"{PARAMS}: scenarios has no {name!r}; it has {', '.join(known)}")
    return known[name]


def tolerance(text: str | None = None, where: str = PARAMS.name) -> Tolerance:
    """How much worse is not worse. Raises ScenarioError where a number is missing."""
    found = _section("tolerance", text, where)
    for name in (field.name for field in fields(Tolerance)):
        if isinstance(found.get(name), bool) or not isinstance(found.get(name), (int, float)):
            raise ScenarioError(f"{where}: tolerance.{name} is {found.get(name)!r}; it must be a number")
    return Tolerance(**{field.name: float(found[field.name]) for field in fields(Tolerance)})


def _section(name: str, text: str | None, where: str) -> dict[str, Any]:
    try:
        found = yaml.safe_load(PARAMS.read_text(encoding="utf-8") if text is None else text)[name]
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise ScenarioError(f"{where}: `{name}` cannot be read: {' '.join(str(error).split())}") from None
    if not isinstance(found, dict):
        raise ScenarioError(f"{where}: `{name}` must be a mapping")
    return found
