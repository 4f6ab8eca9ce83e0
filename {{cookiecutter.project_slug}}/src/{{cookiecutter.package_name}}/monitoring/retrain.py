"""Proposes to train again: one pull request with the newest data, which is trained, judged and promoted like any other.

Nothing is pushed to main, and no model is made here. There is never a second open one, and none for data that somebody declined.
"""

import hashlib
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .. import dataset, github
from ..commits import commit_on
from ..git import git
from ..params import Params
from ..store.filesystem import connect_light, in_one_line
from ..store.settings import Settings as Place
from . import MonitorError, Report

PREFIX = "retrain/"
TOKEN = "RETRAIN_TOKEN"  # noqa: S105 - the name of a secret
_MARK = "<!-- retrain {} -->"


def propose(report: Report, text: str, chosen: Params) -> int | None:
    """Open the pull request, or bring the text of the open one up to date; its number, None where there is nothing to propose.

    Raises:
        MonitorError: there is no newer data, or it does not hold to the contract. GitHubError, GitError: GitHub refuses.
    """
    opened = _ours("open")
    if opened:
        mark = next(iter(re.findall(r"<!-- retrain [0-9a-f]{64} -->", opened[0]["body"] or "")), "")
        number: int = opened[0]["number"]
        github.send("PATCH", f"pulls/{number}", {"body": _body(report, text, mark)})
        print(f"retraining pull request #{number} is up to date")
        return number
    git("fetch", "-q", "--no-tags", "origin", "refs/heads/main")
    base = git("rev-parse", "FETCH_HEAD")
    files = fresh(chosen)
    title = f"Train {report.model} again: production has drifted"
    commit = commit_on(base, files, f"{title}\n\n" + "\n".join(report.findings))
    if commit == base:
        print("no retraining pull request: the newest data is what main has already")
        return None
    mark = _MARK.format(hashlib.sha256("\0".join(files.values()).encode()).hexdigest())
    if any(mark in (pull["body"] or "") and not pull.get("merged_at") for pull in _ours("closed")):
        print("no retraining pull request: one with the same data was closed without a merge")
        return None
    return _open(commit, title, _body(report, text, mark))


def fresh(chosen: Params) -> Mapping[str, str]:
    """The files, by path, that bring the newest data.

    Raises:
        MonitorError: ``monitoring.data`` does not say where newer data is. ContractError: it breaks the contract.
    """
    if chosen.monitoring.data is None:
        raise MonitorError("params.yaml: monitoring.retrain needs monitoring.data, the path or URL of the newest labelled rows")
    with in_one_line(chosen.monitoring.data, "read", "monitoring.data", "correct monitoring.data in params.yaml"):
        system, path = connect_light(Place("", chosen.monitoring.data))
        data = system.cat_file(path)
    incoming = Path("reports") / "newest.csv"
    incoming.parent.mkdir(exist_ok=True)
    incoming.write_bytes(data)
    dataset.read(incoming, chosen)
    return {chosen.data.path: data.decode()}


def _ours(state: str) -> list[dict[str, Any]]:
    """Pull requests from our branches: a fork's branch of the same name is none of them."""
    found = github.get("pulls", state=state, base="main", sort="updated", direction="desc", per_page=100)
    return [pull for pull in found if pull["head"]["ref"].startswith(PREFIX) and _is_here(pull)]


def _is_here(pull: dict[str, Any]) -> bool:
    return bool((pull["head"]["repo"] or {}).get("full_name") == pull["base"]["repo"]["full_name"])


def _open(commit: str, title: str, body: str) -> int:
    branch = f"{PREFIX}{time.strftime('%Y-%m-%d', time.gmtime())}"
    with _own_token():
        git("push", "-q", "--force", "origin", f"{commit}:refs/heads/{branch}")
        number: int = github.send("POST", "pulls", {"title": title, "head": branch, "base": "main", "body": body})["number"]
    print(f"opened retraining pull request #{number} from {branch}")
    return number


@contextmanager
def _own_token() -> Iterator[None]:
    """The token of the secret, if there is one: what a job's own token opens starts no workflow."""
    mine, job = os.environ.get(TOKEN, "").strip(), os.environ.get("GH_TOKEN")
    if mine:
        os.environ["GH_TOKEN"] = mine
    try:
        yield
    finally:
        if mine and job is None:
            del os.environ["GH_TOKEN"]
        elif mine and job is not None:
            os.environ["GH_TOKEN"] = job


def _body(report: Report, text: str, mark: str) -> str:
    start = (
        ""
        if os.environ.get(TOKEN, "").strip()
        else (
            f"**To start its checks, close this pull request and open it again**: a job's own token starts none. "
            f"With a token in the secret `{TOKEN}` they start by themselves (README, *Watching*).\n\n"
        )
    )
    return (
        f"{mark}\nProduction is no longer what version {report.version} was trained on. This brings the newest labelled rows; "
        f"the model made of them is judged like any other, and nothing is promoted before the merge.\n\n{start}{text}"
    )
