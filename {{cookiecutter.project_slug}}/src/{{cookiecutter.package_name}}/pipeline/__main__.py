"""``python -m <package>.pipeline`` (``make train``): check, run what changed, and show what came out."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .. import ProblemError, complain, csv_file, model, params, run
from ..git import GitError, git, show
from . import LOCK, METRICS, REPORTS
from .costs import Recorder

USAGE = """usage: python -m <package>.pipeline [--keep] [arguments of `dvc repro`, for instance --pull or --force]

Runs the stages of dvc.yaml whose inputs changed. dvc.lock and metrics of the run go to reports/;
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
    with as_in_head(keep):
        code = reproduce([argument for argument in arguments if argument != "--keep"])
        if code == 0:
            keep_reports()
    if code == 0:
        summary(chosen.model.name)
    return code


def preflight() -> params.Params:
    """The parameters, when the pipeline can start; otherwise a :class:`ProblemError` with what is missing and what to do."""
    chosen = params.load()
    _check_keys()
    _check_git()
    csv_file.check(chosen.data.path, chosen)
    model.find(chosen.model, chosen.problem)
    return chosen


def summary(name: str) -> None:
    """Print metrics, digest and the next command; a job's summary gets the same."""
    found = json.loads((REPORTS / METRICS.name).read_bytes())
    threshold = "" if found["threshold"] is None else f", threshold {found['threshold']:g}"
    width = max(map(len, found["metrics"]), default=0)
    lines = [f"{name}, {found['rows']:,} test rows{threshold}"]
    for metric, value in found["metrics"].items():
        lines.append(f"  {metric:{width}} {'not defined' if value is None else format(value, '.4f')}")
    lines.append(f"  digest {found['digest']}")  # unpadded it fits a terminal of 80 columns
    text = "\n".join(lines)
    print(f"\n{text}\nNext: make report compares it with the model in production, make serve serves.")
    if page := os.environ.get("GITHUB_STEP_SUMMARY"):
        with open(page, "a", encoding="utf-8") as stream:
            stream.write(f"```text\n{text}\n```\n")


def _check_keys() -> None:
    """DVC tracks parameters by name and wants each in the file, also those that may be empty."""
    present = params.top_level()
    missing = [name for name in OPTIONAL if name not in present]
    if missing:
        raise PreflightError(f"params.yaml: {missing[0]} is missing, and dvc.yaml names it; add `{missing[0]}: {OPTIONAL[missing[0]]}`")


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


OPTIONAL = {"seed": "0", "threshold": "null", "money": "null", "parity": "{tolerance: 1.0e-5}", "protected": "[]", "slices": "[]"}
COMMITTED_BY_PROMOTION = (LOCK, METRICS)
STAGE_FAILED = re.compile(r"ERROR: failed to reproduce")
OF_NO_USE_HERE = re.compile(
    r"To track the changes with git, run:|\s*git add |To enable auto staging, run:|\s*dvc config core\.autostage"
    r"|Use `dvc push`|(Generating|Updating) lock file"
)


class ReproduceError(ProblemError):
    """DVC could not run the pipeline."""


def reproduce(arguments: list[str]) -> int:
    """Run ``dvc repro`` with more arguments, pass its output on as it comes, and return 0, or 1 when a stage failed.

    A stage says itself what is wrong, in a line that begins with ``error:``; what DVC adds to it is left out. Raises
    :class:`ReproduceError` when DVC failed for a reason of its own.
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    explained, recorder = False, Recorder()
    with subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro", *arguments],
        env={**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            recorder.hear(line)
            explained = explained or line.startswith("error: ")
            if line.strip() and not (explained and STAGE_FAILED.match(line)) and not OF_NO_USE_HERE.match(line):
                print(line, end="", flush=True) if not line.startswith("error: ") else complain(line.rstrip())
    recorder.write()
    if process.returncode and not explained:
        raise ReproduceError("dvc repro failed, its reason stands above; when it is dvc.yaml, `git diff dvc.yaml` shows what changed")
    return 1 if process.returncode else 0


@contextmanager
def as_in_head(keep: bool) -> Iterator[None]:
    """Whatever happens inside, the files that promotion commits are afterwards as HEAD has them, unless ``keep``."""
    try:
        yield
    finally:
        if not keep:
            for path in COMMITTED_BY_PROMOTION:
                _restore(path)


def keep_reports() -> None:
    """Copy lock and metrics of this run to ``reports/``, which git ignores."""
    REPORTS.mkdir(exist_ok=True)
    for path in COMMITTED_BY_PROMOTION:
        if not path.is_file():
            raise ReproduceError(f"{path}: was not written by the pipeline; does dvc.yaml still have its stage?")
        shutil.copyfile(path, REPORTS / path.name)


def _restore(path: Path) -> None:
    committed = show("HEAD", path.as_posix())
    if committed is None:
        path.unlink(missing_ok=True)
    elif not path.is_file() or path.read_bytes() != committed:
        path.write_bytes(committed)


if __name__ == "__main__":
    run(main)
