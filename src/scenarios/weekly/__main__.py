"""``python -m scenarios.weekly``: writes ``build/weekly/finding.json``; exit code 0 also where something is broken: an issue tells."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rehearse.baking import ROOT, bake
from rehearse.errors import RehearseError

from .. import ScenarioError
from ..stages import environment
from . import FINDING
from .search import Finding, Try, pins, search

FOLDER = FINDING.parent
_LOCKS = ("requirements/train.txt", "requirements/serve.txt")  # what a rehearsal installs


def main() -> None:
    """Bake, resolve, try, search, and write down what was found."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    try:
        baked = bake((FOLDER / "baked").resolve())
        old, everything = _pins(baked), _pins(_locked(baked, ["--upgrade"]))
        found = search(old, everything, lambda names: attempt(baked, names))
    except RehearseError as error:
        raise ScenarioError(str(error)) from None
    FINDING.write_text(json.dumps(asdict(found), indent=2) + "\n", encoding="utf-8")
    print(told(found))


def told(found: Finding) -> str:
    """A finding in one line."""
    if not found.problem:
        return f"works with {len(found.upgraded)} newer libraries"
    broken = ", ".join(f"{name} {old} → {new}" for name, (old, new) in found.culprits.items())
    return f"broken by {broken}: {found.problem}" if broken else f"broken without any newer library: {found.problem}"


def attempt(baked: Path, names: Sequence[str]) -> Try:
    """Upgrade these packages in a copy of the bake and rehearse it."""
    project = _locked(baked, [f"--upgrade-package={name}" for name in names])
    out = (FOLDER / "rehearsal").resolve()
    print(f"rehearsing with {len(names)} newer libraries ...", flush=True)
    command = [str(Path(sys.executable).with_name("rehearse")), "play", str(project), "--out", str(out), "--no-drift"]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True)
    if done.returncode == 0:
        return Try(_pins(project), "")
    return Try(_pins(project), _problem(out / "timeline.json") or (done.stderr.strip().splitlines() or ["no message"])[-1][:300])


def _locked(baked: Path, upgrades: Sequence[str]) -> Path:
    """A copy of the bake whose locks were resolved again with these words for uv."""
    project = FOLDER.resolve() / "project" / baked.name
    shutil.rmtree(project, ignore_errors=True)
    shutil.copytree(baked, project)
    if upgrades:
        command = ["make", "lock", f"ARGS={' '.join(upgrades)}"]
        done = subprocess.run(command, cwd=project, env=environment(), capture_output=True, text=True)
        if done.returncode:
            raise ScenarioError(f"the newest libraries cannot be resolved: {done.stderr.strip()[-400:]}")
    return project


def _pins(project: Path) -> dict[str, str]:
    return pins("\n".join((project / name).read_text(encoding="utf-8") for name in _LOCKS))


def _problem(timeline: Path) -> str:
    steps = json.loads(timeline.read_bytes()) if timeline.exists() else []
    return next((f"{step['step']}: {step['detail']}"[:300] for step in steps if not step["ok"]), "")


if __name__ == "__main__":
    try:
        main()
    except ScenarioError as error:
        sys.exit(f"error: {error}")
