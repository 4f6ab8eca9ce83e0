"""The least that the same ASGI server does: reads a body and answers with a constant of so many bytes. No framework, no checks."""

import sys
from typing import Any

from churn.serving import Live
from churn.serving.server import Server, listen

LENGTH = int(sys.argv[1])
BODY = b'"' + b"x" * (LENGTH - 2) + b'"'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % LENGTH)]


async def hello(_: Any, receive: Any, send: Any) -> None:
    """Read, and answer."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})


if __name__ == "__main__":
    Server(hello, Live()).run(sockets=[listen("127.0.0.1", int(sys.argv[2]))])  # type: ignore[arg-type]
