"""What can go wrong, in words for the person who makes or publishes the starter."""


class MakeError(Exception):
    """The starter cannot be made or published."""
