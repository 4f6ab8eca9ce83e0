"""Promotes the judged bundle, and rolls back: the only code that writes ``models/*.yaml``, ``dvc.lock`` and the store.

Everything here works on what can be seen from outside: main, the store, GitHub's deployments. Each step looks, does what is missing and
verifies, so that a run that was cut off anywhere can be repeated and ends in the same state.
"""

import os
from pathlib import Path

from ..git import git

STATUS = "model review"
PRODUCTION = "production"


def actor() -> str:
    """Who started this: the job's actor, or git's user at home."""
    return os.environ.get("GITHUB_ACTOR") or git("config", "user.name")


def pointer_path(environment: str) -> Path:
    """The pointer file of an environment."""
    return Path(f"models/{environment}.yaml")
