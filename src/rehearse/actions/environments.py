"""Which secrets and variables a run gets, and which environments let it in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..errors import PlayError
from ..github.model import Environment, RepositoryState
from .expressions import as_text, value_of
from .globs import matches
from .runs import Run

SECRET = re.compile(r"\bsecrets\.([A-Za-z_]\w*)")


def named_environments(run: Run) -> dict[str, str]:
    """Job id to the environment it names."""
    if run.definition is None:
        return {}
    contexts = {
        "github": {"event": run.payload, "event_name": run.event, "ref": run.ref},
        "inputs": run.payload.get("inputs") or {},
        "vars": {},
    }
    named = {}
    for job, body in run.definition.jobs.items():
        value: Any = body.get("environment")
        value = value.get("name") if isinstance(value, Mapping) else value
        if value:
            named[job] = as_text(value_of(value, contexts))
    return named


def secrets_for(repository: RepositoryState, run: Run) -> dict[str, str]:
    """Secrets of the repository and of the environments that jobs name; none for a fork.

    Raises ``PlayError`` when an environment does not let the run's branch in, or when a
    job reads a secret of an environment it does not name (on GitHub it would be empty).
    """
    chosen = _environments(repository, run)
    for job, environment in chosen.items():
        _admit(run, job, environment)
    if run.fork:
        return {}
    _no_borrowing(repository, run, chosen)
    secrets = dict(repository.secrets)
    for environment in chosen.values():
        secrets |= environment.secrets
    return secrets


def variables_for(repository: RepositoryState, run: Run) -> dict[str, str]:
    """Variables of the repository and of the environments that jobs name."""
    variables = dict(repository.variables)
    for environment in _environments(repository, run).values():
        variables |= environment.variables
    return variables


def _environments(repository: RepositoryState, run: Run) -> dict[str, Environment]:
    return {job: repository.environments.setdefault(name, Environment(name)) for job, name in named_environments(run).items()}


def _admit(run: Run, job: str, environment: Environment) -> None:
    branch = run.ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
    if environment.branches is not None and not (run.ref.startswith("refs/heads/") and matches(environment.branches, branch)):
        raise PlayError(
            f"{run.path}: job {job}: Branch '{branch}' is not allowed to deploy to {environment.name} "
            "due to environment protection rules "
            f"(allowed: {', '.join(environment.branches)})"
        )


def _no_borrowing(repository: RepositoryState, run: Run, chosen: Mapping[str, Environment]) -> None:
    for job, body in (run.definition.jobs if run.definition else {}).items():
        own = chosen[job].secrets if job in chosen else {}
        for name in SECRET.findall(str(body)):
            elsewhere = [one.name for one in repository.environments.values() if name in one.secrets]
            if elsewhere and name not in own and name not in repository.secrets:
                raise PlayError(
                    f"{run.path}: job {job} reads secrets.{name}, which only the environment {elsewhere[0]} has: "
                    "name that environment in the job"
                )
