"""Judges ``models/bundle`` against a champion, as the review job does; run in the folder and environment of the baked default project.

``python inside.py CHAMPION REVIEW``: the champion's bundle and the file to write. Main is the commit before the checked-out one. From
standard input, as JSON: ``pull_request``, ``run_id``, and ``history``, the headline metric of every version promoted so far.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from churn import bundle
from churn.git import git, show
from churn.plan import changed_files
from churn.review import Champion, Merge, Release, Review, changes, claims, evidence, trial, write
from churn.review.judge import ENVIRONMENTS


def main() -> None:
    """Write the review of the checked-out commit."""
    champion = bundle.load(sys.argv[1])
    told = json.load(sys.stdin)
    with tempfile.TemporaryDirectory() as folder:
        main_has = evidence.of_commit(git("rev-parse", "HEAD~1"), Path(folder), "main")
        standing = Champion(len(told["history"]), champion.digest)
        brings = evidence.of_working_tree()
        case = trial.Case(bundle.load("models/bundle"), champion, standing, brings, main_has, main_has.params)
        write(Path(sys.argv[2]), trial.judge(surroundings(told), case))


def surroundings(told: dict[str, Any]) -> Review:
    """What the review job knows before it scores."""
    files = changed_files("HEAD~1", "HEAD")
    releases = [Release(version, value) for version, value in enumerate(told["history"], 1)]
    return Review(
        verdict="cannot judge",
        pull_request=told["pull_request"],
        run_id=told["run_id"],
        head_sha=git("rev-parse", "HEAD"),
        notes=changes.notes(files),
        merge=Merge(len(releases) + 1, ENVIRONMENTS, changes.owners(show("HEAD~1", changes.OWNERS), files)),
        cost=claims.cost(Path("reports/run.json")),
        history=releases,
    )


if __name__ == "__main__":
    main()
