"""What is judged: the pull request of a finished train run, and what a commit brings as data, never as code."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .. import ProblemError, candidate, github, params
from ..git import git, show
from . import ReviewError
from .changes import LOCK

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

TRAIN = ".github/workflows/train.yml"


@dataclass(frozen=True)
class Subject:
    """A finished train run and the pull request it belongs to.

    ``merge`` is the commit that was trained: the pull request merged into main, present in this clone as data.
    ``pull_request`` is None for a merge queue's run, ``outdated`` says why nothing should be judged, ``conflict`` that the pull
    request cannot be merged, and ``created_at`` when the run began, by GitHub's clock.
    """

    run_id: int
    head_sha: str
    succeeded: bool
    merge: str | None
    pull_request: int | None = None
    fork: bool = False
    outdated: str | None = None
    conflict: bool = False
    created_at: str = ""


def find(run_id: int, base: str = "main") -> Subject:
    """Look a run up and fetch its merge commit, without checking it out.

    Raises:
        ReviewError: the run is not one of the train workflow for a pull request or merge queue.
        GitHubError, GitError: GitHub cannot be asked.
    """
    run = github.get(f"actions/runs/{run_id}")
    if run["path"].split("@")[0] != TRAIN or run["event"] not in ("pull_request", "merge_group"):
        raise ReviewError(f"run {run_id} is {run['event']} of {run['path']}, not a pull request's {TRAIN}; it is not judged")
    sha, succeeded = run["head_sha"], run["conclusion"] == "success"
    if run["event"] == "merge_group":
        git("fetch", "-q", "--no-tags", "origin", sha)
        return Subject(run_id, sha, succeeded, sha, created_at=run["created_at"])
    found = [pull for pull in github.get_all("pulls", state="open", base=base) if pull["head"]["sha"] == sha]
    if len(found) != 1:
        return Subject(run_id, sha, succeeded, None, outdated=f"{len(found)} open pull requests have {sha[:9]} as their head, not one")
    pull = found[0]
    fork = (pull["head"]["repo"] or {}).get("full_name") != pull["base"]["repo"]["full_name"]
    merge = _fetch_merge(pull["number"], sha)
    return Subject(run_id, sha, succeeded, merge, pull["number"], fork, conflict=merge is None, created_at=run["created_at"])


def newest_run(number: int) -> int | None:
    """The newest finished train run of a pull request's head; None where there is none yet."""
    sha = github.get(f"pulls/{number}")["head"]["sha"]
    runs = github.get_all("actions/workflows/train.yml/runs", key="workflow_runs", head_sha=sha, event="pull_request", status="completed")
    return max((run["id"] for run in runs), default=None)


def fetch_candidate(run_id: int, into: Path) -> Path | None:
    """Download and unpack the candidate of a run; None where the run left none.

    Raises:
        CandidateError: the artifact holds anything that does not belong there.
    """
    artifacts = github.get_all(f"actions/runs/{run_id}/artifacts", key="artifacts")
    ours = [item for item in artifacts if item["name"] == candidate.ARTIFACT and not item["expired"]]
    if not ours:
        return None
    into.mkdir(parents=True, exist_ok=True)
    archive = into / "candidate.zip"
    github.download(f"actions/artifacts/{ours[-1]['id']}/zip", archive)
    return candidate.unpack(archive, into / "candidate")


def _fetch_merge(number: int, sha: str) -> str | None:
    """The pull request merged into main; None where GitHub could not merge it."""
    ref = f"refs/judge/{number}"
    if not git("ls-remote", "origin", f"refs/pull/{number}/merge"):
        return None
    git("fetch", "-q", "--no-tags", "origin", f"+refs/pull/{number}/merge:{ref}")
    merge = git("rev-parse", ref)
    if git("rev-parse", f"{merge}^2") != sha:
        raise ReviewError(f"pull request {number} moved on while it was judged; the run of its newest commit will be judged")
    return merge


@dataclass(frozen=True)
class Material:
    """Parameters, raw data file and its digest, and the lock of libraries, as a commit has them."""

    params: params.Params
    data: Path
    data_digest: str
    lock: bytes | None

    def rows(self) -> "pd.DataFrame":
        """The rows of the raw data, checked against the contract."""
        from .. import dataset  # pandas and pandera: not there, and not needed, where runs are only sifted

        return dataset.read(self.data, self.params)

    def sides(self, frame: "pd.DataFrame") -> "np.ndarray":
        """The side of each row: ``"train"``, ``"validation"`` or ``"test"``."""
        from .. import dataset

        return dataset.sides(frame, self.params)


def of_working_tree() -> Material:
    """The material of the files as they are here."""
    chosen = params.load()
    lock = Path(LOCK)
    return _material(chosen, Path(chosen.data.path), lock.read_bytes() if lock.exists() else None)


def of_commit(commit: str, into: Path, whose: str = "the pull request") -> Material:
    """The material of a commit, its data written below ``into``; ``whose`` names the commit in errors.

    Raises:
        ReviewError: the commit lacks params.yaml or the data file.
        ParamsError: the code here cannot read the commit's params.yaml.
    """
    text = show(commit, "params.yaml")
    if text is None:
        raise ReviewError(f"params.yaml is missing in {whose}; restore it")
    chosen = params.parse(text.decode("utf-8", "replace"), f"params.yaml in {whose}")
    content = show(commit, chosen.data.path)
    if content is None:
        raise ReviewError(f"params.yaml in {whose} names the data file {chosen.data.path}, which git does not have; commit it")
    data = into / commit / "data" / Path(chosen.data.path).name
    data.parent.mkdir(parents=True, exist_ok=True)
    data.write_bytes(content)
    return _material(chosen, data, show(commit, LOCK))


def _material(chosen: params.Params, data: Path, lock: bytes | None) -> Material:
    try:
        digest = hashlib.sha256(data.read_bytes()).hexdigest()
    except OSError:
        raise ProblemError(f"{data} is missing; params.yaml: data.path names it") from None
    return Material(chosen, data, f"sha256:{digest}", lock)
