"""Finds the candidate that was judged for what main holds now, so that promotion need not train.

``python -m <package>.registry.origin``
Writes ``reports/origin.json``. Finding nothing is no error: then the pipeline trains, and the reason is kept.
"""

import tempfile
from pathlib import Path
from typing import Any

import msgspec

from .. import candidate, github
from ..errors import run
from ..plan import introduced
from . import STATUS

OUT = Path("reports/origin.json")


class Origin(msgspec.Struct, frozen=True):
    """Where the commit on main came from.

    ``reviewed`` is the digest that the posted review promised, ``reason`` says why nothing could be taken over.
    """

    pull_request: int | None = None
    run_id: int | None = None
    reviewed: str | None = None
    reason: str | None = None


def find(commit: str) -> Origin:
    """The merged pull request of a commit, its train run, and the digest its review promised. Forks hand over nothing."""
    pulls = [pull for pull in github.get_all(f"commits/{commit}/pulls") if pull.get("merge_commit_sha") == commit and pull.get("merged_at")]
    if len(pulls) != 1:
        return Origin(reason="the commit is no merge of a pull request")
    pull = pulls[0]
    found = Origin(pull["number"], reviewed=reviewed_digest(pull["head"]["sha"]))
    if (pull["head"]["repo"] or {}).get("full_name") != pull["base"]["repo"]["full_name"]:
        return msgspec.structs.replace(found, reason="the pull request came from a fork, whose objects are never stored")
    runs = github.get_all(
        "actions/workflows/train.yml/runs", key="workflow_runs", head_sha=pull["head"]["sha"], event="pull_request", status="success"
    )
    if not runs:
        return msgspec.structs.replace(found, reason="the pull request has no successful train run")
    return msgspec.structs.replace(found, run_id=max(item["id"] for item in runs))


def reviewed_digest(sha: str) -> str | None:
    """The digest in the newest ``model review`` status of a commit, if that status promised one."""
    ours: list[dict[str, Any]] = [item for item in github.get_all(f"commits/{sha}/statuses") if item["context"] == STATUS]
    newest = max(ours, key=lambda item: item["id"], default=None)
    if newest is None or newest["state"] != "success" or not newest["description"].startswith("promote sha256:"):
        return None
    return newest["description"].removeprefix("promote ")


def take_over(found: Origin) -> Origin:
    """Bring the run's DVC objects into the local cache. What is damaged or foreign is refused whole, with the reason."""
    artifacts = github.get_all(f"actions/runs/{found.run_id}/artifacts", key="artifacts")
    ours = [item for item in artifacts if item["name"] == candidate.ARTIFACT and not item["expired"]]
    if not ours:
        return msgspec.structs.replace(found, reason="the train run's candidate has expired")
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder, "candidate.zip")
        github.download(f"actions/artifacts/{ours[-1]['id']}/zip", archive)
        try:
            count = candidate.import_objects(candidate.unpack(archive, Path(folder, "candidate")))
        except candidate.CandidateError as error:
            return msgspec.structs.replace(found, reason=str(error))
    print(f"took over {count} objects of run {found.run_id}")
    return found


def main() -> None:
    """Find the origin of the inputs that HEAD has and take its candidate over."""
    found = find(introduced())
    if found.run_id is not None:
        found = take_over(found)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_bytes(msgspec.json.encode(found) + b"\n")
    print(
        f"origin: pull request {found.pull_request}, run {found.run_id}"
        + (f"; {found.reason}: the pipeline trains what it lacks" if found.reason else "")
    )


if __name__ == "__main__":
    run(main)
