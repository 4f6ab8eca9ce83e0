"""Promotes the bundle in ``models/bundle`` when main's review of it says *promote*.

``python -m <package>.registry.promote origin``  first: finds the candidate that was judged and takes its objects over
``python -m <package>.registry.promote``
Every step looks at the state first, so that a run that was cut off can be repeated: the bundle is stored before any
pointer names it, and the pointer files change in one commit.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from .. import ProblemError, bundle, candidate, github, pointer, run
from ..bundle import Scorer
from ..git import git, show
from ..history import entries, version_of
from ..plan import PROMOTED, introduced
from . import STATUS, actor, commit_to_main, deployment

ORIGIN = Path("reports/origin.json")


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
    newest = max(runs, key=lambda item: item["id"])
    return msgspec.structs.replace(found, run_id=newest["id"], created_at=newest["created_at"])


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


def fetch_origin() -> None:
    """Find the origin of the inputs that HEAD has and take its candidate over."""
    found = find(introduced())
    if found.run_id is not None:
        found = take_over(found)
    ORIGIN.parent.mkdir(exist_ok=True)
    ORIGIN.write_bytes(msgspec.json.encode(found) + b"\n")
    print(
        f"origin: pull request {found.pull_request}, run {found.run_id}"
        + (f"; {found.reason}: the pipeline trains what it lacks" if found.reason else "")
    )


ENVIRONMENTS = ("staging", "production")
REVIEW = Path("reports/review.json")
CARD = Path("reports/card.md")


class Judged(NamedTuple):
    """What main's review says of the bundle: metrics by name and, where it was promoted against the gates, by whom."""

    metrics: dict[str, float]
    override: pointer.Override | None


class PromotionError(ProblemError):
    """A bundle must not be promoted."""


def promote() -> None:
    """Store, register and publish the judged bundle. One that is in production or held is not promoted again.

    Raises:
        PromotionError: the review is not about this bundle, or does not say *promote*.
    """
    made = bundle.load(Path("models/bundle"))
    judged = _judged(made.digest)
    origin = msgspec.json.decode(ORIGIN.read_bytes(), type=Origin) if ORIGIN.exists() else Origin()
    now = pointer.read(_path("production"))
    if now and made.digest in (now.digest, *(item.digest for item in now.held)):
        _note(now, made.digest)
        return
    _tell_difference(origin, made.digest)
    _store(made)
    next_pointer = _pointer(made, judged, origin, now)
    _release(next_pointer, _message(next_pointer, origin))


def _judged(digest: str) -> Judged:
    try:
        review = json.loads(REVIEW.read_bytes())
        verdict, judged, override = review["verdict"], review["digest"], review["override"]
        values = {item["name"]: item["candidate"]["value"] for item in review["metrics"]}
    except (OSError, ValueError, LookupError, TypeError):
        raise PromotionError(f"{REVIEW} is missing or no review; run `make judge-main` first") from None
    if judged != digest:
        raise PromotionError(f"{REVIEW} judged {judged}, but models/bundle is {digest}; run `make judge-main` again")
    if verdict != "promote":
        raise PromotionError(f"main's review says '{verdict}' for {digest}: {'; '.join(review['reasons'])}; nothing was changed")
    metrics = {name: round(value, 6) for name, value in values.items() if value is not None}
    return Judged(metrics, pointer.Override(override["by"], override["reason"]) if override else None)


def _note(now: pointer.Pointer, digest: str) -> None:
    """Write down that main's inputs give a bundle that is known already, so that the next push need not find out again."""
    here = git("rev-parse", "HEAD")
    if now.digest == digest:
        new, why = msgspec.structs.replace(now, commit=here), f"is version {now.version}, in production already"
    else:
        held = tuple(msgspec.structs.replace(item, commit=here) if item.digest == digest else item for item in now.held)
        new, why = (
            msgspec.structs.replace(now, held=held),
            "is held since it was rolled back; a pull request that edits the pointer lifts it",
        )
    path = _path("production")
    pointer.write(path, new)
    commit_to_main([str(path)], f"Note that {here[:9]} makes a known bundle\n\n{digest} {why}.")
    print(f"{digest} {why}: not promoted")


def _tell_difference(origin: Origin, digest: str) -> None:
    if origin.reviewed and origin.reviewed != digest:
        print(f"::warning::not the model that was reviewed ({origin.reviewed}): main's inputs differ; {digest} was judged again")


def _store(made: bundle.Bundle) -> None:
    """Put DVC's objects and the bundle into the store, push it, and read the bundle back as a server would."""
    root = pointer.open_store()
    if subprocess.run([sys.executable, "-m", "dvc", "push", "-q", "--run-cache"]).returncode:
        raise PromotionError("`dvc push --run-cache` failed (its message is above); nothing was promoted, run the workflow again")
    target = pointer.bundle_folder(made.digest, root)
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for name in ("manifest.json", *bundle.FILES):
        shutil.copyfile(made.folder / name, target / name)
    pointer.save_store(f"Bundle {made.digest}")
    Scorer(bundle.load(pointer.bundle_folder(made.digest, pointer.open_store()), made.digest)).check_golden()


def _pointer(made: bundle.Bundle, judged: Judged, origin: Origin, now: pointer.Pointer | None) -> pointer.Pointer:
    return pointer.Pointer(
        model=made.manifest.model,
        version=version_of(made.digest, entries(_path("production"))),
        digest=made.digest,
        bundle=pointer.address(made.digest),
        commit=git("rev-parse", "HEAD"),
        pull_request=origin.pull_request,
        metrics=judged.metrics,
        previous=pointer.Previous(now.version, now.digest) if now else None,
        override=judged.override,
        held=now.held if now else (),
        promoted_by=actor(),
    )


def _release(new: pointer.Pointer, message: str) -> None:
    """Environment by environment in order; the pointer files reach main together, in one commit."""
    with deployment("staging", new.commit, new):
        Scorer(bundle.load(pointer.bundle_folder(new.digest), new.digest)).check_golden()
    with deployment("production", new.commit, new):
        for environment in ENVIRONMENTS:
            pointer.write(_path(environment), new)
        shutil.copyfile(CARD, "models/card.md")
        commit_to_main([*(str(_path(name)) for name in ENVIRONMENTS), *PROMOTED], message)
    recorded = show("HEAD", str(_path("production")))
    print(f"promoted {new.model} version {new.version}\n{(recorded or b'').decode()}")


def _message(new: pointer.Pointer, origin: Origin) -> str:
    source = f"the candidate of pull request #{origin.pull_request}" if origin.pull_request else f"commit {new.commit[:9]}"
    lines = [f"Promote {new.model} version {new.version}", "", f"{new.digest}", f"Made from {source}."]
    if new.override:
        lines.append(f"Against the gates, by {new.override.by}: {new.override.reason}")
    if origin.reviewed and origin.reviewed != new.digest:
        lines.append(f"Not the model that was reviewed ({origin.reviewed}): main's inputs differ; judged again.")
    return "\n".join(lines)


def _path(environment: str) -> Path:
    return Path(f"models/{environment}.yaml")


def main() -> None:
    """Take the candidate over (``origin``), or promote."""
    match sys.argv[1:]:
        case ["origin"]:
            fetch_origin()
        case []:
            promote()
        case _:
            raise ProblemError("promote: say nothing or `origin`")


if __name__ == "__main__":
    run(main)
