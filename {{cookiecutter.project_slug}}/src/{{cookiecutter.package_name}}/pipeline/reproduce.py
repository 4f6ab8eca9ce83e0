"""Runs ``dvc repro`` and leaves the files that only promotion commits as they are in HEAD."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import ProblemError
from ..git import show
from . import CARD, LOCK, METRICS, REPORTS

COMMITTED_BY_PROMOTION = (LOCK, METRICS, CARD)
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
    explained = False
    with subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro", *arguments],
        env={**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            explained = explained or line.startswith("error: ")
            if line.strip() and not (explained and STAGE_FAILED.match(line)) and not OF_NO_USE_HERE.match(line):
                print(line, end="", flush=True, file=sys.stderr if line.startswith("error: ") else sys.stdout)
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
    """Copy lock, metrics and card of this run to ``reports/``, which git ignores."""
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
