"""Times the server against its own floor and against others with the same model: CPU time of the server's processes per request.

Run by ``make -C bench serving`` in a baked project with a trained bundle. The servers take turns, so that a busy machine is busy for all.
The *floor* is the CPU time of onnxruntime's ``run`` with ``model.onnx`` and the inputs of one request, in this process; the *own hello* a
bare ASGI endpoint under this server's uvicorn that reads a body and answers one of the same length, the *plain hello* the same under
uvicorn as it comes, which sends each answer in two pieces. Progress goes to standard error, the last line of standard output is a JSON
object.
"""

import json
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any

from churn import bundle
from environments import NEEDS, LeftOutError, versions
from goals import KINDS, summary
from load import Result, load
from rivals.model import Model
from servers import LOG_SHARE, Rows, Served, answer, content_for, hello, ours, rival, running

BUNDLE = Path(sys.argv[1])
ROUNDS, SECONDS = int(os.environ.get("ROUNDS", "15")), float(os.environ.get("SECONDS", "0.5"))
STARTS = 5
SINGLE, WHOLE = ("one_row", "sixty_four_rows"), ("one_row", "sixty_four_rows", "alone")


def main() -> None:
    """Measure, and print what came out."""
    made = bundle.load(BUNDLE)
    rows = _rows(made)
    starts, left_out = _starts(rows), dict[str, str]()
    found: dict[str, dict[str, list[Result]]] = {}
    floor: dict[str, list[float]] = {"one_row": [], "sixty_four_rows": []}
    with ExitStack() as stack:
        servers = _servers(stack, made, rows, left_out)
        for number in range(ROUNDS):
            for kind, connections in KINDS.items():
                some = rows if kind == "sixty_four_rows" else rows[:1]
                if kind in floor:
                    floor[kind].append(_floor(made, some))
                for name, (served, kinds) in _turned(servers, number):
                    if kind in kinds:
                        result = load(served.pid, served.port, served.content(some), connections, SECONDS)
                        found.setdefault(name, {}).setdefault(kind, []).append(result)
                        say(f"round {number + 1}: {name}, {kind}: {result}")
    print(json.dumps(summary(found, floor, starts, left_out) | {"log_share": LOG_SHARE, "installed": _installed(found)}))


def _rows(made: bundle.Bundle) -> Rows:
    """64 rows of the bundle's golden ones, each with a value for every column (some rivals take no others), as GET /model orders them."""
    names = [column.name for column in made.contract.columns]
    whole = [row for row in made.golden["records"] if None not in row.values()]
    return [{name: whole[number % len(whole)][name] for name in names} for number in range(64)]


def _turned(servers: dict[str, Any], number: int) -> list[tuple[str, Any]]:
    """Another order in each round: whoever comes behind a heavy server finds the caches cold, and the same one must not always do so."""
    order = list(servers.items())
    Random(number).shuffle(order)
    return order


def _floor(made: bundle.Bundle, rows: Rows) -> float:
    """CPU microseconds of the model alone, in this process, as the rivals ask it."""
    session = Model().session
    feed = dict(zip(("numeric", "categorical"), made.contract.matrices(rows), strict=True))
    end, calls, began = time.perf_counter() + SECONDS / 2, 0, time.process_time()
    while time.perf_counter() < end:
        for _ in range(50):
            session.run(["probabilities"], feed)
        calls += 50
    return (time.process_time() - began) / calls * 1e6


def _starts(rows: Rows) -> list[tuple[float, float]]:
    """Seconds from the start of the process to its first prediction, and how many of them it worked."""
    found = []
    for _ in range(STARTS):
        with running(ours(BUNDLE), content_for("ours", ([], [])), rows[:1]) as (_, seconds):
            found.append(seconds)
    say("start to first prediction: " + ", ".join(f"{seconds:.2f} s ({worked:.2f} s of CPU)" for seconds, worked in found))
    return found


def _servers(stack: ExitStack, made: bundle.Bundle, rows: Rows, left_out: dict[str, str]) -> dict[str, tuple[Served, tuple[str, ...]]]:
    """Every server that starts, and what it is timed with."""
    columns = list(made.contract.numeric), list(made.contract.categorical)

    def start(name: str, command: list[str]) -> Served:
        return stack.enter_context(running(command, content_for(name, columns), rows[:1]))[0]

    servers: dict[str, tuple[Served, tuple[str, ...]]] = {"ours": (start("ours", ours(BUNDLE)), WHOLE)}
    expected = {kind: answer(servers["ours"][0], some) for kind, some in zip(SINGLE, (rows[:1], rows), strict=True)}
    for kind, body in expected.items():
        servers[f"plain_hello_{kind}"] = start("hello", hello(len(body))), (kind,)
        servers[f"own_hello_{kind}"] = start("hello", hello(len(body), "churn")), (kind,)
    log = ("--log", stack.enter_context(tempfile.TemporaryDirectory()), "--log-share", str(LOG_SHARE))
    servers["logged"] = start("ours", ours(BUNDLE, *log)), SINGLE
    servers["unwatched"] = start("ours", ours(BUNDLE, script="unwatched.py")), SINGLE
    servers["unbatched"] = start("ours", ours(BUNDLE, script="unbatched.py")), ("alone",)
    told = str(json.loads(expected["one_row"])["predictions"][0]["probability"])[:6].encode()
    for name in NEEDS:
        try:
            say(f"{name}: installing and starting")
            served = start(name, rival(name, BUNDLE))
            if told not in (said := answer(served, rows[:1])):
                raise LeftOutError(f"it answers {said[:100]!r} where {told.decode()} is right")
            servers[name] = served, SINGLE
        except LeftOutError as error:
            left_out[name] = str(error)
            say(f"{name} is left out: {error}")
    return servers


def _installed(found: Any) -> list[str]:
    return [versions(name) for name in NEEDS if name in found]


def say(text: str) -> None:
    """Progress, for a person."""
    print(text, file=sys.stderr)


if __name__ == "__main__":
    main()
