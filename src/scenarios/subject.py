"""Which pull request a finished run of the scenarios belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import ScenarioError, github

WORKFLOW = "scenarios.yml"
ARTIFACT = "scenarios"


@dataclass(frozen=True)
class Subject:
    """A pull request and its commit; ``pull_request`` is None where it moved on, and nothing should be said of this run."""

    head_sha: str
    measured: bool
    pull_request: int | None


def of_run(run_id: int) -> Subject:
    """Look a run up.

    Raises:
        ScenarioError: it is not a pull request's run of the scenarios, or GitHub cannot be asked.
    """
    run = github.get(f"actions/runs/{run_id}")
    path = run["path"].partition("@")[0]
    if path != f".github/workflows/{WORKFLOW}" or run["event"] != "pull_request":
        raise ScenarioError(f"run {run_id} is {run['event']} of {path}, not a pull request's {WORKFLOW}; it is not judged")
    sha: str = run["head_sha"]
    pulls: list[dict[str, Any]] = [one for one in github.every("pulls?state=open&base=main") if one["head"]["sha"] == sha]
    return Subject(sha, run["conclusion"] == "success", pulls[0]["number"] if len(pulls) == 1 else None)
