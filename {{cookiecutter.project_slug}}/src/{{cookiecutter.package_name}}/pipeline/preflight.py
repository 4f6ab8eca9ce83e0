"""What can be known to be wrong before anything runs."""

from pathlib import Path

from .. import csv_header, estimators, params
from ..errors import ProblemError
from ..git import GitError, git


class PreflightError(ProblemError):
    """The pipeline cannot run here."""


def check() -> params.Params:
    """The parameters, when the pipeline can start; otherwise a :class:`ProblemError` with what is missing and what to do."""
    chosen = params.load()
    _check_git()
    csv_header.check(chosen.data.path, chosen)
    estimators.find(chosen.model)
    return chosen


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
