"""The least that the same ASGI server does: reads a body and answers with a constant of so many bytes. No framework, no checks.

``hello.py PACKAGE LENGTH PORT``; the package is the generated one that brings the server.
"""

import importlib
import sys
from typing import Any

PACKAGE, LENGTH, PORT = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
BODY = b'"' + b"x" * (LENGTH - 2) + b'"'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % LENGTH)]


async def hello(_: Any, receive: Any, send: Any) -> None:
    """Read, and answer."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})


if __name__ == "__main__":
    serving, server = (importlib.import_module(f"{PACKAGE}.{name}") for name in ("serving", "serving.server"))
    server.Server(hello, serving.Live()).run(sockets=[server.listen("127.0.0.1", PORT)])
