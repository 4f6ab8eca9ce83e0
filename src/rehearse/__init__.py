"""A local GitHub: real git, real workflow files, no network.

``World`` owns the folder in which everything happens, ``LocalGitHub`` serves
repositories, the REST interface and Actions out of it.
"""

# The hub comes first: it imports both halves in an order in which neither meets the other half-made.
from .github import LocalGitHub

# isort: split
from .actions.runs import Run
from .errors import PlayError, Refused, RehearseError
from .github.repository import Repository
from .world import World

__all__ = ["LocalGitHub", "PlayError", "Refused", "RehearseError", "Repository", "Run", "World"]
