"""The REST interface, as far as workflows, ``gh`` and CML use it."""

from . import (  # noqa: F401 (they register their routes)
    actions,
    artifacts,
    commits,
    deployments,
    environments,
    identity,
    issues,
    keys,
    others,
    pulls,
    releases,
    rulesets,
    secrets,
    settings,
)
from .router import answer

__all__ = ["answer"]
