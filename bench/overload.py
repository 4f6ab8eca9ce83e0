"""Offers the server five times what it can do: what it accepts must stay quick, and every other request gets its 503 at once.

Run by ``make -C bench overload`` in a baked project with a trained bundle. Capacity is what four connections get answered without a
pause; unloaded is a fifth of it, overload five times it, both at a rate that does not wait for answers. The two take turns, so that a
busy machine is busy for both; figures are medians over the rounds. A refusal costs a tenth of a millisecond, so the model is one whose
answers cost much more: nobody can even refuse five times as many requests as he can answer when both cost the same. Progress goes to
standard error, the last line of standard output is a JSON object.
"""

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from churn import bundle

HERE = Path(__file__).parent
BUNDLE = Path(sys.argv[1])
ROUNDS, ROWS = int(os.environ.get("ROUNDS", "5")), int(os.environ.get("ROWS", "256"))
REQUESTS = 20_000
MOST = 256
GOAL, LEAST = 3.0, 4.5  # the ratio of the times; the times of the capacity that were really offered


def main() -> None:
    """Measure, and print what came out."""
    records = bundle.load(BUNDLE).golden["records"]
    with (
        tempfile.TemporaryDirectory() as folder,
        server() as port,
    ):
        body = Path(folder, "body")
        body.write_text(json.dumps([records[number % len(records)] for number in range(ROWS)]))
        capacity = statistics.median(press(port, body, "--seconds", 1)["answered"]["200"] for _ in range(3))
        say(f"capacity: {capacity:.0f} requests of {ROWS} rows a second")
        rounds = [_round(port, body, capacity, number) for number in range(1, ROUNDS + 1)]
    print(json.dumps(_summary(rounds, capacity)))


def _round(port: int, body: Path, capacity: float, number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    unloaded = press(port, body, "--rate", capacity / 5, "--connections", MOST, "--seconds", 3)
    loaded = press(port, body, "--rate", capacity * 5, "--connections", MOST, "--count", -(-REQUESTS // ROUNDS))
    for name, found in (("unloaded", unloaded), ("overload", loaded)):
        say(f"round {number}, {name}: {found['rate']:.0f} a second, answered {found['answered']}, p99 in ms {found['p99_ms']}")
    return unloaded, loaded


def _summary(rounds: list[tuple[dict[str, Any], dict[str, Any]]], capacity: float) -> dict[str, Any]:
    unloaded, loaded = (statistics.median(pair[side]["p99_ms"]["200"] for pair in rounds) for side in (0, 1))
    overloads = [pair[1] for pair in rounds]
    answered = {status: sum(one["answered"].get(status, 0) for one in overloads) for status in ("200", "503")}
    sent, lost = (sum(one[name] for one in overloads) for name in ("sent", "lost"))
    offered = statistics.median(one["rate"] for one in overloads) / capacity
    wrong = [text for one in overloads for text in one["wrong"]]
    return {
        "ok": offered >= LEAST and loaded <= GOAL * unloaded and sum(answered.values()) == sent >= REQUESTS and not lost and not wrong,
        "capacity": round(capacity),
        "rows": ROWS,
        "offered": round(offered, 1),
        "requests": sent,
        "answered": answered,
        "lost": lost,
        "wrong": wrong[:3],
        "p99_ms": {"unloaded": round(unloaded, 2), "accepted": round(loaded, 2)},
        "p99_refused_ms": round(statistics.median(one["p99_ms"].get("503", 0.0) for one in overloads), 2),
        "ratio": round(loaded / unloaded, 2),
        "goal": GOAL,
    }


@contextmanager
def server() -> Iterator[int]:
    """The server on a free port, which is told."""
    command = [sys.executable, "-m", "churn.serving", "--model", str(BUNDLE), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            found = next((found for line in process.stderr if (found := re.search(r"listening on \S+:(\d+) ", line))), None)
            if found is None:
                raise RuntimeError("the server does not start")
            yield int(found[1])
        finally:
            process.terminate()


def press(port: int, body: Path, *options: object) -> dict[str, Any]:
    """The books of one run of press.py."""
    command = [sys.executable, HERE / "press.py", port, body, *options]
    done = subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def say(text: str) -> None:
    """Progress, for a person."""
    print(text, file=sys.stderr)


if __name__ == "__main__":
    main()
