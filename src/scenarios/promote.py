"""Makes what a merged pull request's run measured main's references: nothing is trained or measured again.

The references and ``dvc.lock`` are taken from the run's artifact, as data. They are committed if DVC finds that every input which they name
is main's; where main has moved on, or nothing was measured, ``make references`` at home makes them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from . import ScenarioError, github
from .judge import METRICS
from .measured import parse
from .references import LOCK, REFERENCES, changed_inputs, status
from .settings import scenarios
from .subject import ARTIFACT, WORKFLOW

_BOT = ("-c", "user.name=github-actions[bot]", "-c", "user.email=41898282+github-actions[bot]@users.noreply.github.com")
_VERBS = ("add", "checkout", "commit", "push", "rev-parse", "status")
_HELPER = ("-c", "credential.helper=", "-c", "credential.helper=!gh auth git-credential")


def promote(commit: str) -> str:
    """Promote what belongs to a commit of main, in the clone here; what was done, or why nothing, in one line.

    Raises:
        ScenarioError: GitHub cannot be asked, main refuses the push, or the artifact is no such.
    """
    pulls = [one for one in github.get(f"commits/{commit}/pulls") if one["merged_at"]]
    if not pulls:
        return f"nothing promoted: {commit[:9]} came by no pull request; `make references` makes references at home"
    pull: dict[str, Any] = pulls[0]
    if (pull["head"]["repo"] or {}).get("full_name") != github.repository():
        return f"nothing promoted: #{pull['number']} came from a fork, whose measurements are not taken over; run `make references`"
    with tempfile.TemporaryDirectory() as folder:
        brought = Path(folder, "brought")
        if not _download(pull["head"]["sha"], brought):
            return f"nothing promoted: no run measured {pull['head']['sha'][:9]}, the head of #{pull['number']}; run `make references`"
        names = _take(brought)
    if stale := changed_inputs(status()):
        _git("checkout", "--quiet", "--", str(LOCK), "models")
        return f"nothing promoted: main's {stale[0]} is not what #{pull['number']} was measured with; run `make references`"
    return _commit(f"Promote the references of #{pull['number']}", names)


def _download(sha: str, folder: Path) -> bool:
    runs = github.every(f"actions/workflows/{WORKFLOW}/runs?head_sha={sha}&event=pull_request&status=success", "workflow_runs")
    return any(github.download_artifact(run["id"], ARTIFACT, folder) for run in sorted(runs, key=lambda one: -one["id"])[:1])


def _take(brought: Path) -> list[str]:
    """Copy the lock and the known files of each scenario here; the scenarios' names."""
    names = list(scenarios())
    for path in (LOCK.name, *(f"{name}/{file}" for name in names for file in REFERENCES)):
        if not (brought / path).is_file() or (brought / path).is_symlink():
            raise ScenarioError(f"the artifact {ARTIFACT} has no {path}: that scenario did not come to its end; run `make references`")
    for name in names:
        parse((brought / name / METRICS).read_text(encoding="utf-8"), f"{name}/{METRICS} of the artifact")
        Path("models", name).mkdir(parents=True, exist_ok=True)
        for file in REFERENCES:
            shutil.copyfile(brought / name / file, Path("models", name, file))
    shutil.copyfile(brought / LOCK, LOCK)
    return names


def _commit(message: str, names: list[str]) -> str:
    _git("add", "--", str(LOCK), *(f"models/{name}" for name in names))
    if not _git("status", "--porcelain", "--untracked-files=no"):
        return f"nothing to promote: the references of {', '.join(names)} are main's already"
    _git(*_BOT, "commit", "--quiet", "--message", message)
    try:
        _git(*_HELPER, "push", "--quiet", "origin", "HEAD:refs/heads/main")
    except ScenarioError as error:
        raise ScenarioError(f"{error}; let this workflow push to main, or run `make references` and open a pull request") from None
    return f"promoted {', '.join(names)}: {message}"


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise ScenarioError(f"git {next(word for word in arguments if word in _VERBS)}: {' '.join(done.stderr.split())[-300:]}")
    return done.stdout.strip()


if __name__ == "__main__":
    try:
        print(promote(os.environ.get("GITHUB_SHA") or _git("rev-parse", "HEAD")))
    except ScenarioError as error:
        sys.exit(f"error: {error}")
