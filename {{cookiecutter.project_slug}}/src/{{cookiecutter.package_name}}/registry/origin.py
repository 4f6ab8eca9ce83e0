"""Where a commit on main came from, and the candidate that was judged for it, whose objects are taken over.

``python -m <package>.registry.origin``  writes ``reports/origin.json`` (``make origin``)
"""

import shutil
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import yaml

from .. import candidate, github, params, run
from ..plan import introduced
from . import STATUS

ORIGIN = Path("reports/origin.json")
CANDIDATE_LOCK = Path("reports/candidate.lock")
REVIEWED = Path("reports/reviewed")


class Origin(msgspec.Struct, frozen=True):
    """Where the commit on main came from.

    ``reviewed`` is the digest that the posted review promised, ``reason`` says why nothing could be taken over, ``created_at`` when
    the train run began.
    """

    pull_request: int | None = None
    run_id: int | None = None
    reviewed: str | None = None
    reason: str | None = None
    created_at: str | None = None


def read() -> Origin:
    """What the last search found; nothing where none was made."""
    return msgspec.json.decode(ORIGIN.read_bytes(), type=Origin) if ORIGIN.exists() else Origin()


def find(commit: str) -> Origin:
    """The merged pull request of a commit, its train run, and the digest its review promised. Forks hand over nothing.

    A merge queue trains and judges the very commit that becomes main, so its run counts before the pull request's own.
    """
    pulls = [pull for pull in github.get_all(f"commits/{commit}/pulls") if pull.get("merge_commit_sha") == commit and pull.get("merged_at")]
    if len(pulls) != 1:
        return Origin(reason="the commit is no merge of a pull request")
    pull = pulls[0]
    head, queued = pull["head"], _newest_run(commit, "merge_group")
    found = Origin(pull["number"], reviewed=(reviewed_digest(commit) if queued else None) or reviewed_digest(head["sha"]))
    if (head["repo"] or {}).get("full_name") != pull["base"]["repo"]["full_name"]:
        return msgspec.structs.replace(found, reason="the pull request came from a fork, whose objects are never stored")
    newest = queued or _newest_run(head["sha"], "pull_request")
    if newest is None:
        return msgspec.structs.replace(found, reason="the pull request has no successful train run")
    return msgspec.structs.replace(found, run_id=newest["id"], created_at=newest["created_at"])


def _newest_run(sha: str, event: str) -> dict[str, Any] | None:
    """The newest successful train run of a commit."""
    runs = github.get_all("actions/workflows/train.yml/runs", key="workflow_runs", head_sha=sha, event=event, status="success")
    return max(runs, key=lambda item: item["id"], default=None)


def reviewed_digest(sha: str) -> str | None:
    """The digest in the newest ``model review`` status of a commit, if that status promised one."""
    ours: list[dict[str, Any]] = [item for item in github.get_all(f"commits/{sha}/statuses") if item["context"] == STATUS]
    newest = max(ours, key=lambda item: item["id"], default=None)
    if newest is None or newest["state"] != "success":
        return None
    promised: str = newest["description"] or ""  # null where it came without one
    return promised.removeprefix("promote ") if promised.startswith("promote sha256:") else None


def take_over(found: Origin, rebuild: bool) -> Origin:
    """Bring the run's DVC objects into the local cache. What is damaged or foreign is refused whole, with the reason.

    With ``rebuild`` its objects stay out, and its bundle is kept to be compared with the one that main trains.
    """
    artifacts = github.get_all(f"actions/runs/{found.run_id}/artifacts", key="artifacts")
    ours = [item for item in artifacts if item["name"] == candidate.ARTIFACT and not item["expired"]]
    if not ours:
        return msgspec.structs.replace(found, reason="the train run's candidate has expired")
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder, "candidate.zip")
        github.download(f"actions/artifacts/{ours[-1]['id']}/zip", archive)
        try:
            unpacked = candidate.unpack(archive, Path(folder, "candidate"))
            if rebuild:
                shutil.copytree(unpacked / "bundle", REVIEWED)
                return msgspec.structs.replace(found, reason="promotion.rebuild is on")
            count = candidate.import_objects(unpacked)
        except candidate.CandidateError as error:
            return msgspec.structs.replace(found, reason=str(error))
        shutil.copyfile(unpacked / "dvc.lock", CANDIDATE_LOCK)
    print(f"took over {count} objects of run {found.run_id}")
    return found


def sources(lock: Path) -> dict[str, Any]:
    """What each stage of a ``dvc.lock`` was made from: parameters, and files that no stage makes, with their checksums.

    Empty for a file that is no lock: then nothing can be said about it.
    """
    stages, made = _stages(lock), outputs(lock)
    return {
        name: (stage["cmd"], stage.get("params"), {path: md5 for path, md5 in _files(stage, "deps") if path not in made})
        for name, stage in stages.items()
    }


def outputs(lock: Path) -> dict[str, str]:
    """The MD5 of every file that a stage of a ``dvc.lock`` makes."""
    return dict(pair for stage in _stages(lock).values() for pair in _files(stage, "outs"))


def _files(stage: dict[str, Any], side: str) -> list[tuple[str, str]]:
    return [(item["path"], item["md5"]) for item in stage.get(side, []) if "md5" in item]


def _stages(lock: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(lock.read_text(encoding="utf-8"))["stages"]
        return found if all("cmd" in stage for stage in found.values()) else {}
    except (OSError, ValueError, yaml.YAMLError, LookupError, TypeError, AttributeError):
        return {}


def main() -> None:
    """Find the origin of the inputs that HEAD has and take its candidate over."""
    ORIGIN.parent.mkdir(exist_ok=True)
    CANDIDATE_LOCK.unlink(missing_ok=True)
    shutil.rmtree(REVIEWED, ignore_errors=True)
    found = find(introduced())
    if found.run_id is not None:
        found = take_over(found, params.load().promotion.rebuild)
    ORIGIN.write_bytes(msgspec.json.encode(found) + b"\n")
    print(
        f"origin: pull request {found.pull_request}, run {found.run_id}"
        + (f"; {found.reason}: the pipeline trains what it lacks" if found.reason else "")
    )


if __name__ == "__main__":
    run(main)
