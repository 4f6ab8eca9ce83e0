"""What the table of calls sends and receives, in no client's own words. Runs in every client's environment."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Outputs = dict[str, tuple[str, list[int], list[Any]]]  # by name: datatype, shape, values


class RefusedError(Exception):
    """The client says that the server refused: with this HTTP status, in these words."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(f"{status}: {words}")
        self.status, self.words = status, words


class NotOfferedError(Exception):
    """The client has no such call."""


@dataclass(frozen=True)
class Tensor:
    """One input."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Request:
    """One inference; ``outputs`` names those that are wanted, none means all. ``in_a_file`` is for clients that send files of requests."""

    tensors: Sequence[Tensor]
    model: str = "toy"
    version: str = ""
    outputs: Sequence[str] = ()
    id: str = ""
    binary_inputs: bool = False
    binary_outputs: bool = False
    compressed: bool = False
    in_a_file: bool = False


def plain(values: Sequence[Any]) -> list[Any]:
    """Values as a table can compare them: texts, whole numbers, others to four places."""
    return [one.decode() if isinstance(one, bytes) else round(one, 4) if isinstance(one, float) else one for one in values]


class Client(Protocol):
    """What a client's module offers as ``Client(url)``."""

    def live(self) -> bool: ...
    def ready(self) -> bool: ...
    def server(self) -> dict[str, Any]: ...
    def model(self, name: str, version: str) -> dict[str, Any]: ...
    def model_ready(self, name: str, version: str) -> bool: ...
    def infer(self, request: Request) -> tuple[str, Outputs]: ...  # the id of the answer, and its outputs
