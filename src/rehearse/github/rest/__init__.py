"""The REST interface, as far as workflows, ``gh`` and CML use it."""

from . import actions, artifacts, commits, deployments, identity, issues, others, pulls, releases  # noqa: F401 (they register their routes)
from .router import answer

__all__ = ["answer"]
