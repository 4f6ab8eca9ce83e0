"""``python -m <package>.monitoring.run``: looks at production, writes the report, and keeps one issue about what has drifted.

Outside a job, or with ``--look``, it only looks. Fine: the issue is closed. Too little to tell: it stays as it is. With
``monitoring.retrain`` in ``params.yaml`` a drift becomes one retraining pull request as well. Safe to run again.
"""

import os
import sys
from pathlib import Path

from .. import ProblemError, issue, params, pointer, run
from ..github import GitHubError
from ..params import Params
from . import Report, picture, report, retrain
from .look import look

MARK = "<!-- production-drift -->"
POINTER = Path("models/production.yaml")


def main() -> None:
    """Look, tell, act."""
    if sys.argv[1:] not in ([], ["--look"]):
        raise ProblemError("monitoring.run: say nothing, or --look to open neither an issue nor a pull request")
    chosen, now = params.load(), pointer.read(POINTER)
    if now is None or chosen.monitoring.log is None:
        why = "nothing was promoted yet" if now is None else "params.yaml: monitoring.log is not set, so no prediction log is kept"
        print(f"nothing to look at: {why}")
        return
    found = look(now, chosen)
    text = report.write(found)
    print(text)
    if picture.can_draw() and (drawn := picture.draw(found)):
        print(f"{drawn} shows it as a picture")
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with open(summary, "a", encoding="utf-8") as stream:
            stream.write(text)
    if os.environ.get("GITHUB_ACTIONS") and "--look" not in sys.argv:
        act(found, text, chosen)


def act(found: Report, text: str, chosen: Params) -> None:
    """Bring issue and pull request in line with the report.

    Raises:
        GitHubError: GitHub refuses. ProblemError: ``monitoring.retrain`` is on, and there is nothing to train on.
    """
    try:
        if found.state == "drifted":
            issue.keep(MARK, f"Production has drifted: {found.model}", _body(text, chosen))
        elif found.state == "fine":
            issue.close(MARK, f"Healed: the newest {found.rows:,} rows are as version {found.version} knows them (`{found.digest}`).")
    except GitHubError as error:
        if not issue.are_switched_off(error):
            raise
        print("the issues of this repository are switched off: the job summary is the only word about it")
    if found.state == "drifted" and chosen.monitoring.retrain:
        retrain.propose(found, text, chosen)


def _body(text: str, chosen: Params) -> str:
    link = issue.run_link()
    todo = (
        "A pull request with the newest data is kept beside this issue."
        if chosen.monitoring.retrain
        else "What to do: look whether the source of these columns changed; then bring newer data with a pull request. "
        "`monitoring.retrain: true` in `params.yaml` opens it by itself."
    )
    run_line = f"\n\nRun: {link}" if link else ""
    return f"{text}\n{todo}{run_line}\n\nThis issue is kept up to date and is closed when production is as the model knows it again."


if __name__ == "__main__":
    run(main)
