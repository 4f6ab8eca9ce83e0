"""Prints what a request of one row costs the server in processor time, over what an endpoint that does nothing costs.

``request_cost.py PACKAGE BUNDLE`` in the serving environment of a project, with ``bench/`` on the path. The other endpoint is the one of
``bench/rivals/hello.py``, with answers of the same length. Both take turns; the result is the median of the rounds' ratios.
"""

import importlib
import json
import os
import statistics
import sys
from contextlib import ExitStack
from pathlib import Path

from load import load
from servers import answer, content_for, hello, ours, running

ROUNDS, SECONDS, CONNECTIONS = int(os.environ.get("ROUNDS", "7")), 0.5, 16


def main(package: str, bundle: str) -> None:
    """Measure and print."""
    rows = importlib.import_module(f"{package}.bundle").load(bundle).golden["records"][:1]
    content = content_for("ours", ([], []))
    with ExitStack() as stack:
        server, _ = stack.enter_context(running(ours(Path(bundle), package=package), content, rows))
        bare, _ = stack.enter_context(running(hello(len(answer(server, rows))), content, rows))
        costs = [[load(one.pid, one.port, content(rows), CONNECTIONS, SECONDS) for one in (server, bare)] for _ in range(ROUNDS)]
    if lost := sum(result.answers - result.good for pair in costs for result in pair):
        sys.exit(f"{lost} requests were not answered with 200")
    ratios = [mine.cpu / least.cpu for mine, least in costs]
    print(json.dumps({"ratio": round(statistics.median(ratios), 3), "lowest": round(min(ratios), 3), "highest": round(max(ratios), 3)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
