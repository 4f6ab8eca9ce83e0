"""``python -m <package>.pipeline`` (``make train``): check, run what changed, and show what came out."""

import json
import sys

from ..errors import run
from . import preflight, reproduce
from .paths import METRICS, REPORTS

USAGE = """usage: python -m <package>.pipeline [--keep] [arguments of `dvc repro`, for instance --pull or --force]

Runs the stages of dvc.yaml whose inputs changed. dvc.lock, metrics and card of the run go to reports/;
--keep also leaves them in the working tree, which is what promotion commits."""


def main() -> int:
    """Run the pipeline; the exit code is 0 only when every stage is up to date."""
    arguments = sys.argv[1:]
    if {"-h", "--help"} & set(arguments):
        print(USAGE)
        return 0
    keep = "--keep" in arguments
    chosen = preflight.check()
    with reproduce.as_in_head(keep):
        code = reproduce.reproduce([argument for argument in arguments if argument != "--keep"])
        if code == 0:
            reproduce.keep_reports()
    if code == 0:
        summary(chosen.model.name)
    return code


def summary(model: str) -> None:
    """Print metrics, digest and the next command."""
    found = json.loads((REPORTS / METRICS.name).read_bytes())
    print(f"\n{model}, {found['rows']:,} test rows, threshold {found['threshold']:g}")
    for name, value in found["metrics"].items():
        print(f"  {name:10} {'not defined' if value is None else format(value, '.4f')}")
    print(f"  {'digest':10} {found['digest']}\nNext: make report compares it with the model in production, make serve serves.")


if __name__ == "__main__":
    run(main)
