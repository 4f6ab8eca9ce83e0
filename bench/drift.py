"""Times the tests of drift on 1,000,000 rows of 20 columns against 100,000, counts what they find, and does the same with Evidently.

Run by ``make -C bench drift`` in a baked project. Seconds are CPU time of one thread, so that a busy machine changes little; wall time
is beside it. Progress goes to standard error; the last line of standard output is a JSON object.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from churn import drift
from drift_rows import CATEGORIES, CURRENT, LARGE, NUMBERS, REFERENCE, TINY, columns

ROUNDS = int(os.environ.get("ROUNDS", "5"))
NULLS = 5  # sets in which nothing has changed
MOST_SECONDS = 0.6
RIVAL = Path(__file__).with_name("rivals") / "evidently_drift.py"
NEEDS = ("evidently==0.7.23", "pandas>=3.0,<3.1")  # with pandas 3.1 it cannot be imported
Columns = dict[str, np.ndarray]


def look(then: Columns, now: Columns) -> list[str]:
    """The columns that have drifted."""
    found = [drift.compare(then[name], now[name], "category" if then[name].dtype == object else "number") for name in then]
    adjusted = drift.benjamini_hochberg([one.p for one in found])
    rows = min(len(next(iter(side.values()))) for side in (then, now))
    return sorted(name for name, one, p in zip(then, found, adjusted, strict=True) if drift.has_drifted(one, p, rows))


def ours() -> dict[str, object]:
    """Times and findings of our own tests."""
    then, now = columns(REFERENCE, 0, moved=False), columns(CURRENT, 1, moved=True)
    cpu, wall = [], []
    for number in range(ROUNDS):
        began = time.process_time(), time.perf_counter()
        flagged = look(then, now)
        cpu.append(time.process_time() - began[0])
        wall.append(time.perf_counter() - began[1])
        say(f"round {number + 1} of {ROUNDS}: {cpu[-1]:.2f} s of CPU, {wall[-1]:.2f} s, drifted: {', '.join(flagged)}")
    false = [name for seed in range(NULLS) for name in look(then, columns(CURRENT, 2 + seed, moved=False))]
    say(f"{NULLS} sets in which nothing has changed: {len(false)} of {NULLS * len(then)} columns drifted")
    times = {"cpu_s": round(statistics.median(cpu), 3), "wall_s": round(statistics.median(wall), 3)}
    return times | judged(flagged) | {"null_columns": NULLS * len(then), "null_flagged": len(false)}


def judged(flagged: list[str]) -> dict[str, object]:
    """Recall of the large changes, and what was flagged beside them."""
    missed = sorted(set(LARGE) - set(flagged))
    tiny = sorted(set(TINY) & set(flagged))
    return {
        "found": len(LARGE) - len(missed),
        "of": len(LARGE),
        "missed": missed,
        "tiny_flagged": tiny,
        "false": sorted(set(flagged) - {*LARGE, *TINY}),
    }


def rival() -> dict[str, object]:
    """Evidently on the same rows, in an environment of its own; why not, where it cannot be had."""
    needs = [part for library in NEEDS for part in ("--with", library)]
    command = ["uv", "run", "--quiet", "--no-project", "--python", sys.executable, *needs, "python", "-W", "ignore", str(RIVAL)]
    say("evidently: sets itself up, then takes a minute or two")
    try:
        done = subprocess.run(command, env=os.environ | {"DO_NOT_TRACK": "1"}, capture_output=True, text=True)
    except OSError as error:
        return {"left_out": f"uv cannot be run: {error}"}
    if done.returncode:
        return {"left_out": (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]}
    told = json.loads(done.stdout.splitlines()[-1])
    for way, sets in told.items():
        planted, null = sets["planted"], sets["null"]
        told[way] = {
            "cpu_s": planted["cpu_s"],
            "wall_s": planted["wall_s"],
            **judged(planted["flagged"]),
            "null_flagged": len(null["flagged"]),
        }
        say(f"evidently, {way}: {told[way]}")
    return told


def say(text: str) -> None:
    """A line of progress."""
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """Print the figures; 1 when a limit is broken."""
    own = ours()
    ok = own["cpu_s"] <= MOST_SECONDS and not own["missed"] and not own["tiny_flagged"] and not own["false"] and not own["null_flagged"]
    size = {"rows": CURRENT, "reference_rows": REFERENCE, "numbers": NUMBERS, "categories": CATEGORIES}
    print(json.dumps({"ok": bool(ok), "size": size, "ours": own, "evidently": rival(), "limits": {"cpu_s": MOST_SECONDS}}))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
