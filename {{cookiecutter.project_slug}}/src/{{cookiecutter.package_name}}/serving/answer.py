"""One HTTP answer, and how it goes out."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from . import Live, Model, header
from .refused import RefusedError

JSON = b"application/json"

Send = Callable[[Any], Awaitable[None]]
Headers = tuple[tuple[bytes, bytes], ...]


class Answer(msgspec.Struct, frozen=True, gc=False):
    """Status, body, its type, and the headers beside that."""

    status: int
    body: bytes
    headers: Headers = ()
    kind: bytes = JSON


def in_json(status: int, content: object, model: Model | None = None, headers: Headers = ()) -> Answer:
    """An answer whose body is JSON; it names the model that it is of."""
    named = () if model is None else (model.header,)
    return Answer(status, msgspec.json.encode(content), (*headers, *named))


def refusal(refused: RefusedError, digest: str | None) -> Answer:
    """The answer to a request that is refused, with the header that its status asks for."""
    headers = {
        401: ((b"www-authenticate", b"Bearer"),),
        405: ((b"allow", refused.allow.encode()),),
        503: ((b"retry-after", b"%d" % refused.wait),),
    }
    named = () if digest is None else (header(digest),)
    return in_json(refused.status, refused.content, headers=(*headers.get(refused.status, ()), *named))


def start(answer: Answer, live: Live) -> dict[str, Any]:
    """The message of ASGI that begins an answer; while the server is draining it tells the client to close the connection."""
    headers = [(b"content-type", answer.kind), (b"content-length", b"%d" % len(answer.body)), *answer.headers]
    if live.draining:
        headers.append((b"connection", b"close"))
    return {"type": "http.response.start", "status": answer.status, "headers": headers}
