"""One HTTP answer, and how it goes out."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from . import Live
from .refused import RefusedError

JSON = b"application/json"

Send = Callable[[Any], Awaitable[None]]
Pairs = list[tuple[bytes, bytes]]


class Answer(msgspec.Struct, frozen=True):
    """Status, body and what its headers say; ``digest`` is that of the model that answers, if one does."""

    status: int
    body: bytes
    digest: str | None = None
    kind: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


def in_json(status: int, content: object, digest: str | None = None, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Answer:
    """An answer whose body is JSON."""
    return Answer(status, msgspec.json.encode(content), digest, JSON, headers)


def refusal(refused: RefusedError, digest: str | None) -> Answer:
    """The answer to a request that is refused, with the header that its status asks for."""
    headers = {
        401: ((b"www-authenticate", b"Bearer"),),
        405: ((b"allow", refused.allow.encode()),),
        503: ((b"retry-after", b"%d" % refused.wait),),
    }
    return in_json(refused.status, refused.content, digest, headers.get(refused.status, ()))


def start(answer: Answer, live: Live) -> dict[str, Any]:
    """The message of ASGI that begins an answer; while the server is draining it tells the client to close the connection."""
    headers: Pairs = [(b"content-type", answer.kind), (b"content-length", b"%d" % len(answer.body)), *answer.headers]
    if answer.digest is not None:
        headers.append((b"x-model-digest", answer.digest.encode()))
    if live.draining:
        headers.append((b"connection", b"close"))
    return {"type": "http.response.start", "status": answer.status, "headers": headers}
