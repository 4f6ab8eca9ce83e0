"""What is judged: the pull request of a finished train run, and what its commit brings as data, never as code."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .. import ProblemError, candidate, github, params
from ..git import git, show
from . import ReviewError

if TYPE_CHECKING:
    import pandas as pd

TRAIN = ".github/workflows/train.yml"


@dataclass(frozen=True)
class Subject:
    """A finished train run and the pull request it belongs to.

    ``merge`` is the commit that was trained: the pull request merged into main, present in this clone as data.
    ``pull_request`` is None for a merge queue's run, ``outdated`` says why nothing should be judged,
    and ``conflict`` that the pull request cannot be merged.
    """

    run_id: int
    head_sha: str
    succeeded: bool
    merge: str | None
    pull_request: int | None = None
    fork: bool = False
    outdated: str | None = None
    conflict: bool = False


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
        return Subject(run_id, sha, succeeded, sha)
    found = [pull for pull in github.get_all("pulls", state="open", base=base) if pull["head"]["sha"] == sha]
    if len(found) != 1:
        return Subject(run_id, sha, succeeded, None, outdated=f"{len(found)} open pull requests have {sha[:9]} as their head, not one")
    pull = found[0]
    fork = (pull["head"]["repo"] or {}).get("full_name") != pull["base"]["repo"]["full_name"]
    merge = _fetch_merge(pull["number"], sha)
    return Subject(run_id, sha, succeeded, merge, pull["number"], fork, conflict=merge is None)


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
    """Parameters, raw data file and its digest, as a commit has them."""

    params: params.Params
    data: Path
    data_digest: str

    def test_rows(self) -> "pd.DataFrame":
        """The rows of the raw data that belong to the test side, checked against the contract."""
        from .. import dataset  # pandas and pandera: not there, and not needed, where runs are only sifted

        frame = dataset.read(self.data, self.params)
        return frame[dataset.side(frame[self.params.data.id], self.params.split) == "test"]


def of_working_tree() -> Material:
    """The material of the files as they are here."""
    chosen = params.load()
    return _material(chosen, Path(chosen.data.path))


def of_commit(commit: str, into: Path) -> Material:
    """The material of a commit, its data written to ``into``.

    Raises:
        ReviewError: the commit lacks params.yaml or the data file.
        ParamsError: main's code cannot read the commit's params.yaml.
    """
    text = show(commit, "params.yaml")
    if text is None:
        raise ReviewError("params.yaml is missing in the pull request; restore it")
    chosen = params.parse(text.decode("utf-8", "replace"), "params.yaml in the pull request")
    content = show(commit, chosen.data.path)
    if content is None:
        raise ReviewError(f"params.yaml in the pull request names the data file {chosen.data.path}, which git does not have; commit it")
    data = into / "data" / Path(chosen.data.path).name
    data.parent.mkdir(parents=True)
    data.write_bytes(content)
    return _material(chosen, data)


def _material(chosen: params.Params, data: Path) -> Material:
    try:
        digest = hashlib.sha256(data.read_bytes()).hexdigest()
    except OSError:
        raise ProblemError(f"{data} is missing; params.yaml: data.path names it") from None
    return Material(chosen, data, f"sha256:{digest}")
