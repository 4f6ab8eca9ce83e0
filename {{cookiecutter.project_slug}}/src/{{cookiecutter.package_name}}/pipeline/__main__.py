"""``python -m <package>.pipeline`` (``make train``): check, run what changed, and show what came out."""

import json
import sys
from pathlib import Path

from .. import csv_file, estimators, params
from ..errors import ProblemError, run
from ..git import GitError, git
from . import METRICS, REPORTS, reproduce

USAGE = """usage: python -m <package>.pipeline [--keep] [arguments of `dvc repro`, for instance --pull or --force]

Runs the stages of dvc.yaml whose inputs changed. dvc.lock, metrics and card of the run go to reports/;
--keep also leaves them in the working tree, which is what promotion commits."""


class PreflightError(ProblemError):
    """The pipeline cannot run here."""


def main() -> int:
    """Run the pipeline; the exit code is 0 only when every stage is up to date."""
    arguments = sys.argv[1:]
    if {"-h", "--help"} & set(arguments):
        print(USAGE)
        return 0
    keep = "--keep" in arguments
    chosen = preflight()
    with reproduce.as_in_head(keep):
        code = reproduce.reproduce([argument for argument in arguments if argument != "--keep"])
        if code == 0:
            reproduce.keep_reports()
    if code == 0:
        summary(chosen.model.name)
    return code


def preflight() -> params.Params:
    """The parameters, when the pipeline can start; otherwise a :class:`ProblemError` with what is missing and what to do."""
    chosen = params.load()
    _check_git()
    csv_file.check(chosen.data.path, chosen)
    estimators.find(chosen.model)
    return chosen


def summary(model: str) -> None:
    """Print metrics, digest and the next command."""
    found = json.loads((REPORTS / METRICS.name).read_bytes())
    print(f"\n{model}, {found['rows']:,} test rows, threshold {found['threshold']:g}")
    for name, value in found["metrics"].items():
        print(f"  {name:10} {'not defined' if value is None else format(value, '.4f')}")
    print(f"  {'digest':10} {found['digest']}\nNext: make report compares it with the model in production, make serve serves.")


def _check_git() -> None:
    here = Path.cwd()
    try:
        top = Path(git("rev-parse", "--show-toplevel"))
    except GitError as error:
        if "not installed" in str(error):
            raise
        raise PreflightError(
            f"{here.name}: is not a git repository, and DVC needs one; run `git init -b main && git add -A && git commit -m 'First commit'`"
        ) from None
    if top.resolve() != here.resolve():
        raise PreflightError(f"{here.name}: is a folder inside the git repository {top.name}; give it its own with `git init -b main`")


if __name__ == "__main__":
    run(main)
