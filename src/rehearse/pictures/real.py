"""Makes the reviews in ``reviews/`` again: ``python -m rehearse.pictures.real``, ``make reviews``.

The default project is baked into ``build/pictures``. In it every version of each case's history is trained by the pipeline, then the
pull request's candidate, which :mod:`.inside` judges against the last version. Timings and digests are those of this machine.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import yaml

from ..baking import ROOT, bake
from ..errors import RehearseError
from ..story.project import Clone
from .cases import Case, Step, cases
from .comments import REVIEWS

BUILD = ROOT / "build/pictures"
INSIDE = Path(__file__).with_name("inside.py")
_OURS = ("VIRTUAL_ENV", "PYTHONPATH", "MAKEFLAGS", "MAKELEVEL", "RUNNER_NAME", "GITHUB_STEP_SUMMARY")


def main() -> int:
    """Write every review; exit code 1 when one cannot be made."""
    shutil.rmtree(BUILD, ignore_errors=True)
    try:
        here = project(BUILD)
        for name, case in cases(here.folder).items():
            play(case, here, REVIEWS / f"{name}.json")
            print(REVIEWS / f"{name}.json", flush=True)
    except RehearseError as error:
        print(f"not made: reviews, {error}", file=sys.stderr)
        return 1
    return 0


def project(folder: Path) -> Clone:
    """The default project as a repository of its own with its environment, below ``folder``."""
    env = {name: value for name, value in os.environ.items() if name not in _OURS}
    who = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in (("NAME", "Mona"), ("EMAIL", "mona@localhost"))}
    tools = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}", "GIT_CONFIG_GLOBAL": os.devnull}
    made = Clone(bake(folder), env | who | tools)
    made.git("init", "-q", "-b", "main")
    run(made, "make", "setup")
    return made


def play(case: Case, here: Clone, out: Path) -> None:
    """Train every step of the case, keep the bundle before the last, and let the last be judged against it."""
    champion, history = here.folder / "models/champion", []
    content = case.data.read_text(encoding="utf-8")  # the binary case's own file is written over
    for version, step in enumerate(case.steps, 1):
        write(case, step, content, here.folder)
        here.commit(f"Version {version} of {case.params['model']['name']}")
        if version == len(case.steps):
            shutil.rmtree(champion, ignore_errors=True)
            shutil.copytree(here.folder / "models/bundle", champion)
        run(here, ".venv/bin/python", "-m", "churn.pipeline")
        found = json.loads((here.folder / "reports/metrics.json").read_bytes())
        history.append(found["metrics"][case.params["review"]["headline"]])
    known = {"history": history[:-1], "pull_request": case.pull_request, "run_id": case.run_id}
    run(here, ".venv/bin/python", str(INSIDE), str(champion), str(out), given=known)


def write(case: Case, step: Step, content: str, folder: Path) -> None:
    """Put the parameters and data of a step into the project."""
    params = case.params | step.changed
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    lines = content.splitlines(keepends=True)
    (folder / params["data"]["path"]).write_text("".join(lines[: len(lines) - step.unknown]), encoding="utf-8")


def run(here: Clone, *command: str, given: Mapping[str, object] | None = None) -> None:
    """Run a command in the project; raises ``RehearseError`` with its last words when it fails."""
    done = subprocess.run(command, cwd=here.folder, env=here.env, input=json.dumps(given), capture_output=True, text=True)
    if done.returncode:
        raise RehearseError(f"{' '.join(command[:3])} failed: {(done.stdout + done.stderr).strip()[-800:]}")


if __name__ == "__main__":
    sys.exit(main())
