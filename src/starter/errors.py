"""What can go wrong, in words for the person who makes or publishes the starter."""

from rehearse.errors import RehearseError


class MakeError(RehearseError):
    """The starter cannot be made or published."""
