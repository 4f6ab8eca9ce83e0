"""The stages of a scenario that make something: bake, train, rehearse, card. Everything is made below ``build/<scenario>/``."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from rehearse.baking import ROOT, bake
from rehearse.errors import RehearseError
from rehearse.fingerprint import fingerprint
from rehearse.github.git import git

from . import ScenarioError
from .clock import Lap, timed, told, yardstick, yardstick_name
from .settings import Scenario

BUILD = Path("build")
TRAININGS = 3
_KEPT = ("production.yaml", "card.md")
_OURS = ("VIRTUAL_ENV", "PYTHONPATH", "MAKEFLAGS", "MAKELEVEL", "RUNNER_NAME", "GITHUB_STEP_SUMMARY")


def make_bake(scenario: Scenario) -> None:
    """Bake with the scenario's answers, and write down the digest of every file, by which later stages see whether anything changed.

    Raises:
        ScenarioError: the answers are refused.
    """
    asked = [name for name in json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8")) if not name.startswith("_")]
    if unknown := [name for name in scenario.answers if name not in asked]:  # cookiecutter itself would say nothing
        raise ScenarioError(f"params.yaml: scenarios.{scenario.name}.answers: nothing asks for {unknown[0]}; there are {', '.join(asked)}")
    folder = anew(scenario, "baked")
    try:
        bake(folder, **scenario.answers)
    except RehearseError as error:
        raise ScenarioError(f"params.yaml: scenarios.{scenario.name}.answers: {error}") from None
    (BUILD / scenario.name / "baked.sha256").write_text("\n".join(fingerprint([folder])) + "\n", encoding="utf-8")


def train(scenario: Scenario) -> None:
    """Train in a copy of the bake as a person does, a few times, and keep what training reports."""
    work, log = anew(scenario, "work"), BUILD / scenario.name / "train.log"
    log.unlink(missing_ok=True)
    shutil.copytree(baked(scenario), work, dirs_exist_ok=True)
    git(work, "init", "--quiet", "--initial-branch", "main")
    git(work, "add", "--all")
    git(work, "-c", "user.name=scenario", "-c", "user.email=scenario@localhost", "commit", "--quiet", "--message", "First commit")
    timed(["make", "setup"], work, log, environment())
    again = ["make", "train", "ARGS=--force"]
    _clocked(scenario, "train", lambda: [timed(again, work, log, environment()) for _ in range(TRAININGS)], log)
    kept = anew(scenario, "trained")
    for path in ("reports/metrics.json", "reports/run.json", "models/bundle/manifest.json"):
        shutil.copy(work / path, kept)


def rehearse(scenario: Scenario) -> None:
    """Let the bake live on the local GitHub, and keep what was promoted there. No drift: planted rows are no reference."""
    folder, log = BUILD / scenario.name / "rehearsal", BUILD / scenario.name / "rehearse.log"
    log.unlink(missing_ok=True)
    command = [
        str(Path(sys.executable).with_name("rehearse")),
        "play",
        str(baked(scenario).resolve()),
        "--out",
        str(folder.resolve()),
        "--no-drift",
    ]
    _clocked(scenario, "rehearse", lambda: [timed(command, ROOT, log, environment())], log)
    kept, (bare,) = anew(scenario, "promoted"), (folder / "world/git/acme").glob("*.git")
    for name in _KEPT:
        (kept / name).write_text(git(bare, "show", f"main:models/{name}") + "\n", encoding="utf-8")


def card(scenario: Scenario) -> None:
    """Make what was promoted and measured the reference in ``models/<scenario>/``."""
    target = Path("models", scenario.name)
    target.mkdir(parents=True, exist_ok=True)
    for path in (*(BUILD / scenario.name / "promoted" / name for name in _KEPT), BUILD / scenario.name / "metrics.json"):
        shutil.copy(path, target)


def anew(scenario: Scenario, name: str) -> Path:
    """An empty folder of the scenario."""
    folder = BUILD / scenario.name / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def baked(scenario: Scenario) -> Path:
    """The folder of the scenario's bake."""
    return next(path.parent for path in (BUILD / scenario.name / "baked").glob("*/params.yaml"))


def environment() -> dict[str, str]:
    """This process's environment for a generated repository: with our tools, without our virtual environment."""
    kept = {name: value for name, value in os.environ.items() if name not in _OURS}
    return kept | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', os.defpath)}", "GIT_CONFIG_GLOBAL": os.devnull}


def _clocked(scenario: Scenario, name: str, work: Callable[[], list[Lap]], log: Path) -> None:
    """Write down how long ``work`` took, and how fast the machine was before and after it."""
    before, laps, after = yardstick(log), work(), yardstick(log)
    found = {"laps": told(laps), "yardstick": {"name": yardstick_name(), **told([*before, *after])}}
    (BUILD / scenario.name / f"{name}.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
