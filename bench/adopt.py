"""Times ``adopt`` of a tall table, with an id and without one, and looks at the memory that it takes.

Run by ``make -C bench adopt`` in the environment of a baked project. Progress goes to standard error, the last line of standard output is
a JSON object with the seconds and GiB of the worse of both.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import kinds
import numpy as np
import pandas as pd

ROWS = int(os.environ.get("ROWS", "1000000"))
PART = 50_000
NUMBERS, COUNTS, WORDS = 31, 8, 8  # with id, target and one more number: 50 columns
MOST_SECONDS, MOST_GIB = 60.0, 4.0


def main() -> None:
    """Measure, and print what came out."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "tall.csv"
        write(table)
        for name, more in {"with an id": [], "without": ["DROP=id", "KEEP=id"]}.items():
            found[name] = adopt(table, Path(folder) / name.replace(" ", "-"), more)
            print(f"{name}: {found[name]:.1f} s", file=sys.stderr)
    gib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    ok = max(found.values()) < MOST_SECONDS and gib < MOST_GIB
    print(json.dumps({"ok": ok, "rows": ROWS, "seconds": {name: round(value, 1) for name, value in found.items()}, "gib": round(gib, 2)}))
    sys.exit(not ok)


def write(path: Path) -> None:
    """The table: numbers, counts and words, of which one number has to do with the target."""
    random = np.random.default_rng(0)
    for start in range(0, ROWS, PART):
        rows = min(PART, ROWS - start)
        signal = random.normal(0, 1, rows)
        columns = {"id": np.arange(start, start + rows), "target": np.where(signal + random.normal(0, 1, rows) > 0.5, "yes", "no")}
        columns["telling"] = (signal + random.normal(0, 1, rows)).round(4)
        columns |= {f"number {place}": random.normal(100, 15, rows).round(3) for place in range(NUMBERS)}
        columns |= {f"count {place}": random.integers(0, 1000, rows) for place in range(COUNTS)}
        columns |= {f"word {place}": random.choice(["alpha", "beta", "gamma", "delta", "None"], rows) for place in range(WORDS)}
        pd.DataFrame(columns).to_csv(path, mode="a" if start else "w", header=not start, index=False)


def adopt(table: Path, folder: Path, more: list[str]) -> float:
    """Seconds from the command to the repository that is adopted."""
    kinds.write("penguins", folder)
    git = ["git", "-C", str(folder), "-c", "user.name=Mona", "-c", "user.email=mona@localhost"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *command], check=True)
    begin = time.perf_counter()
    command = [sys.executable, "-m", "churn.adopt", f"DATA={table}", "TARGET=target", *more]
    subprocess.run(command, cwd=folder, check=True, stdout=sys.stderr)
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
