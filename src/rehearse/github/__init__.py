"""Repositories, REST, git over HTTP and the door to the outside, on loopback."""

from .hub import LocalGitHub

__all__ = ["LocalGitHub"]
