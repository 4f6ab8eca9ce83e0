"""What the reviews in ``reviews/`` are about: for each kind of problem a model's short history, and the pull request that is judged."""

from __future__ import annotations

import runpy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from ..baking import ROOT

SAMPLES = ROOT / "tests/generated"  # data and parameters of the problems beside the default one


@dataclass(frozen=True)
class Step:
    """A state of main, promoted as it is, or, as a case's last step, the pull request: what differs from the case's parameters.

    ``unknown`` is how many of the last rows of the data have not arrived yet.
    """

    changed: Mapping[str, Any]
    unknown: int = 0


@dataclass(frozen=True)
class Case:
    """A problem, the states of its main, and what judges and promotes its pull request."""

    params: Mapping[str, Any]
    data: Path
    steps: tuple[Step, ...]
    pull_request: int
    run_id: int


def cases(project: Path) -> dict[str, Case]:
    """The cases by kind of problem; ``project`` is the baked default one, which is the binary case."""
    return {"binary": _leavers(project), "multi-class": _penguins(), "regression": _deliveries()}


def _leavers(project: Path) -> Case:
    """More columns, another C and 60 more customers: promoted."""
    params = YAML(typ="safe").load(project / "params.yaml")
    smoother = params["model"] | {"parameters": params["model"]["parameters"] | {"C": 0.5}}
    steps = (
        Step(_features("tenure", "monthly_charges"), 60),
        Step(_features("tenure", "monthly_charges", categorical=["contract"]), 60),
        Step(_features("tenure", "monthly_charges", "senior_citizen", categorical=["contract", "internet_service"]), 60),
        Step({"model": smoother}),
    )
    return Case(params, project / params["data"]["path"], steps, 12, 1843)


def _penguins() -> Case:
    """Without the measures of the bill, a forest confuses two species: held."""
    forest = {"name": "penguins", "estimator": "RandomForestClassifier", "parameters": {"n_estimators": 30}}
    body = _features("flipper_length_mm", "body_mass_g", categorical=["island", "sex"])
    params, data = _sample("penguins")
    return Case(params, data, (Step(_features("bill_length_mm", "flipper_length_mm")), Step({}), Step({"model": forest} | body)), 31, 2207)


def _deliveries() -> Case:
    """Trees instead of a line: promoted, with a warning for the size."""
    params, data = _sample("deliveries")
    error = {"metric": "mae", "not_worse_than_champion": 0.3}
    params["gates"] = [{"metric": "rmse", "max": 3.5}, {"metric": "r2", "min": 0.7}, error, {"latency_p99": "5x"},
                       {"size_mb": 0.1, "on": "warn"}, {"leakage": "none"}]  # fmt: skip
    line = {"model": {"name": "deliveries", "estimator": "Ridge", "parameters": {"alpha": 1.0}}}
    steps = (Step(line | _features("distance")), Step(line | _features("distance", "hour")), Step(line), Step({}))
    return Case(params, data, steps, 8, 977)


def _features(*numeric: str, categorical: list[str] | None = None) -> dict[str, Any]:
    return {"features": {"numeric": list(numeric), "categorical": categorical or []}}


def _sample(name: str) -> tuple[dict[str, Any], Path]:
    kinds = runpy.run_path(str(SAMPLES / "kinds.py"))
    return YAML(typ="safe").load(kinds["params_text"](name)), kinds["DATA"] / f"{name}.csv"
