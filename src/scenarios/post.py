"""``python -m scenarios.post``: posts the judged report as one comment, updated in place, then the status, so that green means readable.

Standard library and ``gh`` alone: the job that may write runs nothing else. Reads ``build/report``, or the folder that is named.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from . import ScenarioError, github

STATUS = "scenarios"
_MARK = re.compile(rf'!\[\]\(https://cml\.dev/watermark\.png#[0-9a-f]+ "CML watermark {STATUS}"\)')
_FIRST_PAGE = 30  # the comments that CML reads when it looks for its own
_LONGEST = 65_000  # characters; GitHub takes 65,536 with the watermark


def post(folder: Path) -> None:
    """Post ``report.md`` and what ``conclusion.json`` says. Raises ScenarioError; a report that cannot be posted leaves a red status."""
    conclusion, text = json.loads((folder / "conclusion.json").read_bytes()), folder / "report.md"
    if conclusion["pull_request"] is None:
        print(f"nothing posted: no open pull request has {conclusion['head_sha'][:9]} as its head")
        return
    number, sha = int(conclusion["pull_request"]), str(conclusion["head_sha"])
    try:
        if len(text.read_text(encoding="utf-8")) > _LONGEST:
            raise ScenarioError(f"the report has more than {_LONGEST:,} characters, GitHub takes 65,536")
        _comment(number, sha, text)
    except ScenarioError as error:
        _status(sha, "error", "the report could not be posted; re-run the report job")
        raise ScenarioError(f"the report could not be posted: {error}") from None
    _status(sha, "success" if conclusion["passed"] is True else "failure", str(conclusion["line"]))


def _comment(number: int, sha: str, text: Path) -> None:
    comments = github.every(f"issues/{number}/comments")
    ours = [(place, one) for place, one in enumerate(comments) if one["user"]["type"] == "Bot" and _MARK.search(one["body"] or "")]
    if (not ours or ours[-1][0] < _FIRST_PAGE) and _by_cml(number, sha, text):
        return
    body = {"body": f'{text.read_text(encoding="utf-8")}\n![](https://cml.dev/watermark.png#{sha} "CML watermark {STATUS}")'}
    if ours:
        github.send("PATCH", f"issues/comments/{ours[-1][1]['id']}", body)
    else:
        github.send("POST", f"issues/{number}/comments", body)


def _by_cml(number: int, sha: str, text: Path) -> bool:
    """Whether CML is here and posted. It writes to the global git configuration, so it gets one of its own."""
    if not shutil.which("cml"):
        print("cml is not on PATH: posting the same report without it")
        return False
    command = ["cml", "comment", "update", "--publish=false", f"--watermark-title={STATUS}", f"--target=pr/{number}", f"--commit-sha={sha}"]
    with tempfile.TemporaryDirectory() as folder:
        own = {"REPO_TOKEN": os.environ.get("GH_TOKEN", ""), "HOME": folder, "GIT_CONFIG_GLOBAL": str(Path(folder, "gitconfig"))}
        environment = os.environ | own | {"ITERATIVE_DO_NOT_TRACK": "1"}
        done = subprocess.run([*command, str(text)], env=environment, capture_output=True, text=True)
    if done.returncode:
        print(f"cml failed ({(done.stderr.strip().splitlines() or ['no message'])[-1]}): posting the same report without it")
    return done.returncode == 0


def _status(sha: str, state: str, line: str) -> None:
    link = {"target_url": address} if (address := github.run_link()) else {}
    line = line if len(line) <= 140 else f"{line[:139]}…"
    github.send("POST", f"statuses/{sha}", {"state": state, "context": STATUS, "description": line, **link})


if __name__ == "__main__":
    try:
        post(Path(sys.argv[1] if len(sys.argv) > 1 else "build/report"))
    except ScenarioError as error:
        sys.exit(f"error: {error}")
