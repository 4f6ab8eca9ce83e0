"""``python -m scenarios.references [WORDS FOR DVC REPRO]``: makes the references that the inputs here call for, and collects what is whole.

References that ``dvc.lock`` already tells to be made of these inputs stay as they are, also in a clone that has nothing else. What is whole
at the end is in ``build/measured``: ``dvc.lock`` and a folder for each scenario that came to its end.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import ScenarioError
from .settings import scenarios

LOCK = Path("dvc.lock")
MEASURED = Path("build/measured")
REFERENCES = ("production.yaml", "card.md", "metrics.json")
_NAMED = 5
_BETWEEN = "build/"  # what stages hand over to each other; a new clone has none of it


def make(words: Sequence[str]) -> int:
    """Run the stages that are not up to date; the exit code of DVC, 0 where there was nothing to do. Raises ScenarioError."""
    found = changed_inputs(status())
    if not found and not words:
        print("the references are made of what is here already; `make references ARGS=--force` makes them all the same")
        collect(list(scenarios()))
        return 0
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    print(f"to be made anew, for what changed: {', '.join(found[:_NAMED]) or 'nothing'}{more}", flush=True)
    code = subprocess.run(["dvc", "repro", "--keep-going", *words]).returncode
    left = status()
    collect([name for name in scenarios() if not any(stage.endswith(f"@{name}") for stage in left)])
    return code


def collect(names: Sequence[str]) -> None:
    """Put the references of these scenarios, and the lock, into ``build/measured``, and nothing else."""
    shutil.rmtree(MEASURED, ignore_errors=True)
    for name in names:
        (MEASURED / name).mkdir(parents=True)
        for file in REFERENCES:
            shutil.copy(Path("models", name, file), MEASURED / name)
    if names:
        shutil.copy(LOCK, MEASURED)


def status() -> dict[str, Any]:
    """What DVC finds different from ``dvc.lock``, by stage. Raises ScenarioError where it cannot say."""
    done = subprocess.run(["dvc", "status", "--json"], capture_output=True, text=True)
    try:
        return json.loads(done.stdout)
    except ValueError:
        words = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise ScenarioError(f"dvc cannot say what has changed: {words[:300]}") from None


def changed_inputs(found: dict[str, Any]) -> list[str]:
    """The inputs that git keeps and that differ, of a :func:`status`: of them, and not of what lies in between, the references are made."""
    entries = [entry for stage in found.values() for entry in stage]
    commands = [str(LOCK.with_suffix(".yaml"))] if "changed command" in entries else []
    paths = {path for entry in entries if isinstance(entry, dict) for path in entry.get("changed deps", {})}
    gone = {path for entry in entries if isinstance(entry, dict) for path in entry.get("changed outs", {}) if not path.startswith(_BETWEEN)}
    return commands + sorted(path for path in paths if not path.startswith(_BETWEEN)) + sorted(gone)


if __name__ == "__main__":
    try:
        sys.exit(make(sys.argv[1:]))
    except ScenarioError as error:
        sys.exit(f"error: {error}")
