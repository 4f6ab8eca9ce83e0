"""Prints what a request of one row costs the server in processor time, over what an endpoint that does nothing costs.

``request_cost.py PACKAGE BUNDLE`` in the serving environment of a project, with ``bench/`` on the path. The other endpoint runs under the
same ASGI server, reads a body and answers one of the same length. Both take turns; the result is the median of the rounds' ratios.
"""

import importlib
import json
import os
import statistics
import sys
from contextlib import ExitStack
from typing import Any

from load import load
from servers import answer, content_for, running

ROUNDS, SECONDS, CONNECTIONS = int(os.environ.get("ROUNDS", "7")), 0.5, 16


def main(package: str, bundle: str) -> None:
    """Measure and print."""
    rows = importlib.import_module(f"{package}.bundle").load(bundle).golden["records"][:1]
    content = content_for("ours", ([], []))
    with ExitStack() as stack:
        command = [sys.executable, "-m", f"{package}.serving", "--model", bundle, "--queue", "4096", "--port"]
        ours, _ = stack.enter_context(running(command, content, rows))
        length = str(len(answer(ours, rows)))
        bare, _ = stack.enter_context(running([sys.executable, __file__, "bare", package, length], content, rows))
        costs = [[load(one.pid, one.port, content(rows), CONNECTIONS, SECONDS) for one in (ours, bare)] for _ in range(ROUNDS)]
    if lost := sum(result.answers - result.good for pair in costs for result in pair):
        sys.exit(f"{lost} requests were not answered with 200")
    ratios = [mine.cpu / least.cpu for mine, least in costs]
    print(json.dumps({"ratio": round(statistics.median(ratios), 3), "lowest": round(min(ratios), 3), "highest": round(max(ratios), 3)}))


def endpoint(package: str, length: int, port: int) -> None:
    """Serve an answer of so many bytes, whatever is asked."""
    serving, server = (importlib.import_module(f"{package}.{name}") for name in ("serving", "serving.server"))
    body = b'"' + b"x" * (length - 2) + b'"'
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % length)]

    async def bare(_: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    server.Server(bare, serving.Live()).run(sockets=[server.listen("127.0.0.1", port)])


if __name__ == "__main__":
    if sys.argv[1] == "bare":
        endpoint(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        main(*sys.argv[1:])
