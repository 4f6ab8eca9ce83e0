"""What an administrator sets in a repository."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class DeployKey:
    """A deploy key: the public half."""

    id: int
    title: str
    key: str
    read_only: bool


@dataclass
class ActionsSettings:
    """Settings → Actions → General. ``opens_pulls`` lets runs' tokens open pull requests; a new repository on github.com says no."""

    enabled: bool = True
    allowed: str = "all"
    token: str = "read"
    opens_pulls: bool = True
    fork_approval: str = "first_time_contributors"
