"""What can go wrong in a rehearsal, in words for the person who runs it."""


class RehearseError(Exception):
    """Base of every error this package raises on purpose."""


class PlayError(RehearseError):
    """A workflow cannot be played here, or would not do on GitHub what it does here."""


class Refused(RehearseError):  # noqa: N818 (an answer of the hub more than an error)
    """The local GitHub said no, with the HTTP status the real one would use.

    ``status`` is the HTTP status code and ``message`` the text of the answer.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{message} (HTTP {status})")
        self.status = status
        self.message = message
