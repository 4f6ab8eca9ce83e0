"""The stage that measures what a scenario's other stages made: quality, times, cost of a request, size of the bake and of its image."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from rehearse.baking import ROOT, package
from rehearse.errors import RehearseError

from . import ScenarioError
from .clock import spread
from .settings import Scenario
from .stages import BUILD, anew, baked, environment

INSIDE = Path(__file__).with_name("inside")
# A person waits for the comment in each of these steps of the story; the last is from the comment to the server's answer.
_LOOPS = ("pull request", "worse model", "fork")
_SERVED = "merge"


def measure(scenario: Scenario) -> None:
    """Write ``build/<scenario>/metrics.json``. Raises ScenarioError where an earlier stage left out what is needed."""
    folder = BUILD / scenario.name
    trained = _read(folder / "trained/metrics.json")
    subject = _inside(scenario, ".venv", "headline.py", package(baked(scenario)).name)
    found = {
        "digest": trained["digest"],
        "headline": subject["headline"],
        "lower_is_better": subject["lower_is_better"],
        "quality": trained["metrics"],
        "times": _times(folder),
        "serving": _serving(scenario),
        "files": len(files := _generated(folder)),
        "lines": sum(_lines(path) for path in files),
        "image_mb": _image(scenario),
    }
    (folder / "metrics.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def steps(timeline: Path) -> dict[str, float]:
    """Seconds of each step of the story, by its name without its number."""
    return {re.sub(r"^\d+ ", "", step["step"]): step["seconds"] for step in _read(timeline)}


def _times(folder: Path) -> dict[str, Any]:
    """Laps of the training, of the whole rehearsal, and of what a person waits for in it, each with the yardstick of its time."""
    training, rehearsal = _read(folder / "train.json"), _read(folder / "rehearse.json")
    played = steps(folder / "rehearsal/timeline.json")
    if missing := [name for name in (*_LOOPS, _SERVED) if name not in played]:
        raise ScenarioError(f"{folder / 'rehearsal/timeline.json'} has no step '{missing[0]}'; the story calls it otherwise now")
    loop, served = [played[name] for name in _LOOPS], [played[_SERVED]]
    waits = {"pull_request": loop, "merge_to_served": served}
    return {
        "train": training["laps"] | {"yardstick": training["yardstick"]},
        "rehearsal": rehearsal["laps"] | {"yardstick": rehearsal["yardstick"]},
        **{name: {"seconds": spread(values), "yardstick": rehearsal["yardstick"]} for name, values in waits.items()},
    }


def _serving(scenario: Scenario) -> dict[str, float]:
    """What a request costs, as processor time in requests to an endpoint that does nothing, under the same ASGI server."""
    work = BUILD / scenario.name / "work"
    subprocess.run(["make", "setup-serve"], cwd=work, env=environment(), check=True, stdout=subprocess.DEVNULL)
    return _inside(scenario, ".venv-serve", "request_cost.py", package(baked(scenario)).name, "models/bundle")


def _generated(folder: Path) -> list[Path]:
    """The files of the bake, without the data."""
    (project,) = (folder / "baked").iterdir()
    found = (path for path in sorted(project.rglob("*")) if path.is_file())
    return [path for path in found if path.relative_to(project).parts[0] != "data" and "__pycache__" not in path.parts]


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n")


def _image(scenario: Scenario) -> float | None:
    """Megabytes of the serving image; None, and a word on standard error, where images cannot be built."""
    from rehearse.containers import Engine, ready  # only where there is Linux

    work = BUILD / scenario.name / "work"
    try:
        ready()
        engine = Engine(anew(scenario, "engine").resolve() / "engine", work / "requirements/serve.txt")
    except RehearseError as error:
        print(f"not measured: the size of the image of {scenario.name}, {error}", file=sys.stderr)
        return None
    with contextlib.closing(engine):
        name, tag = package(baked(scenario)).name, f"localhost/{scenario.name}:measured"
        script = f"import pathlib; from {name}.registry.image import build; build(pathlib.Path('models/bundle'), '{tag}')"
        env = environment() | engine.build_env | {"BASE": engine.base, "HOME": str(engine.home)}
        done = subprocess.run([".venv-serve/bin/python", "-c", script], cwd=work, env=env, capture_output=True, text=True)
        if done.returncode:
            raise ScenarioError(f"the image of {scenario.name} cannot be built: {(done.stdout + done.stderr).strip()[-300:]}")
        return round(int(engine.podman("image", "inspect", "--format", "{{.Size}}", tag)) / 1e6, 1)


def _inside(scenario: Scenario, venv: str, script: str, *arguments: str) -> Any:
    """What a script of ours prints as JSON when an environment of the trained project runs it there."""
    work, env = BUILD / scenario.name / "work", environment() | {"PYTHONPATH": str(ROOT / "bench")}
    command = [f"{venv}/bin/python", str(INSIDE / script), *arguments]
    done = subprocess.run(command, cwd=work, env=env, capture_output=True, text=True)
    if done.returncode:
        raise ScenarioError(f"{script} fails for {scenario.name}: {(done.stderr.strip().splitlines() or ['no message'])[-1][:300]}")
    return json.loads(done.stdout)


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ScenarioError(f"{path} cannot be read: {error}; run `make references`") from None
