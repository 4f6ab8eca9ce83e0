"""The least that the same ASGI server does: reads a body and answers with a constant of so many bytes. No framework, no checks.

``hello.py LENGTH PORT`` runs it under uvicorn as it comes, with the settings that cost least; ``hello.py LENGTH PACKAGE PORT`` under what
the generated package made of uvicorn.
"""

import importlib
import sys
from typing import Any

import uvicorn

LENGTH, PORT = int(sys.argv[1]), int(sys.argv[-1])
BODY = b'"' + b"x" * (LENGTH - 2) + b'"'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % LENGTH)]
LEAST: dict[str, Any] = {"ws": "none", "lifespan": "off", "access_log": False, "server_header": False, "proxy_headers": False}


async def hello(_: Any, receive: Any, send: Any) -> None:
    """Read, and answer."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})


def main() -> None:
    """Answer until the process is ended."""
    if len(sys.argv) == 3:
        return uvicorn.run(hello, host="127.0.0.1", port=PORT, http="httptools", log_level="warning", **LEAST)
    serving, server = (importlib.import_module(f"{sys.argv[2]}.{name}") for name in ("serving", "serving.server"))
    return server.Server(hello, serving.Live()).run(sockets=[server.listen("127.0.0.1", PORT)])


if __name__ == "__main__":
    main()
