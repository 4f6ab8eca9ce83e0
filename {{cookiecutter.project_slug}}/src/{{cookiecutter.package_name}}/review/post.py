"""Posts a review to its pull request: the comment first, then the required status, so that green means readable.

``python -m <package>.review.post``
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from .. import github, run
from ..github import GitHubError
from . import Review, read

STATUS = "model review"
TITLE = "model review"
FIRST_PAGE = 30  # the comments that CML reads when it looks for its own
_CML = ["cml", "comment", "update", "--publish=false", f"--watermark-title={TITLE}"]
_STATES = {"promote": "success", "unaffected": "success", "hold": "failure", "cannot judge": "failure"}


def post(review: Review, text: Path) -> None:
    """Post comment and status. Nothing is posted for an outdated run.

    Raises:
        GitHubError: the comment could not be posted (the status then says so and blocks the merge), or the status could not.
    """
    if review.verdict == "outdated" or review.head_sha is None:
        print(f"nothing posted: {'; '.join(review.reasons)}")
        return
    quiet = review.verdict == "unaffected" and review.moves_to is None
    try:
        if review.pull_request is not None:
            _comment(review.pull_request, review.head_sha, text, quiet)
    except GitHubError as error:
        _status(review.head_sha, "error", "the report could not be posted; re-run the review job")
        raise GitHubError(f"the report could not be posted: {error}; re-run the review job", error.status) from None
    _status(review.head_sha, _STATES[review.verdict], describe(review))


def describe(review: Review) -> str:
    """The status line, at most 140 characters; for *promote* it is ``promote <digest>``, which promotion reads."""
    if review.verdict == "promote":
        return f"promote {review.digest}"
    if review.verdict == "unaffected":
        return "no input of the pipeline changed"
    line = f"{review.verdict}: {'; '.join(review.reasons)}"
    return line if len(line) <= 140 else line[:139] + "…"


def watermark(sha: str) -> str:
    """The mark by which CML, and we, find the comment again; in CML 0.20.6's form."""
    return f'![](https://cml.dev/watermark.png#{sha} "CML watermark {TITLE}")'


def _comment(number: int, sha: str, text: Path, quiet: bool) -> None:
    """Make or update our comment; ``quiet`` only updates, so that a change of documentation gets none."""
    comments = github.get_all(f"issues/{number}/comments")
    mark = re.compile(rf'!\[\]\(https://cml\.dev/watermark\.png#[0-9a-f]+ "CML watermark {re.escape(TITLE)}"\)')
    ours = [(place, item) for place, item in enumerate(comments) if mark.search(item["body"] or "")]
    if quiet and not ours:
        return
    beyond_cml = bool(ours) and ours[-1][0] >= FIRST_PAGE
    if not beyond_cml and _posted_by_cml(number, text):
        return
    _comment_ourselves(number, sha, text, ours[-1][1] if ours else None)


def _posted_by_cml(number: int, text: Path) -> bool:
    """Whether CML could be had and posted. It gets its own git configuration, because it writes to the global one."""
    if not shutil.which("cml"):
        print("cml is not on PATH: posting the same report without it")
        return False
    token = os.environ.get("GH_TOKEN", "")
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "REPO_TOKEN": token,
            "ITERATIVE_DO_NOT_TRACK": "1",
            "HOME": folder,
            "GIT_CONFIG_GLOBAL": str(Path(folder, "gitconfig")),
        }
        done = subprocess.run(
            [*_CML, f"--target=pr/{number}", str(text)], env=environment, capture_output=True, encoding="utf-8", errors="replace"
        )
    if done.returncode:
        print(f"cml failed ({(done.stderr.strip().splitlines() or ['no message'])[-1]}): posting the same report without it")
    return done.returncode == 0


def _comment_ourselves(number: int, sha: str, text: Path, ours: dict[str, Any] | None) -> None:
    body = {"body": f"{text.read_text(encoding='utf-8')}\n\n{watermark(sha)}"}
    if ours:
        github.send("PATCH", f"issues/comments/{ours['id']}", body)
    else:
        github.send("POST", f"issues/{number}/comments", body)


def _status(sha: str, state: str, description: str) -> None:
    server, run_id = os.environ.get("GITHUB_SERVER_URL"), os.environ.get("GITHUB_RUN_ID")
    link = {"target_url": f"{server}/{github.repository()}/actions/runs/{run_id}"} if server and run_id else {}
    github.send("POST", f"statuses/{sha}", {"state": state, "context": STATUS, "description": description, **link})


def main() -> None:
    """Post ``reports/review.json`` and ``reports/report.md``."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "reports")
    post(read(folder / "review.json"), folder / "report.md")


if __name__ == "__main__":
    run(main)
