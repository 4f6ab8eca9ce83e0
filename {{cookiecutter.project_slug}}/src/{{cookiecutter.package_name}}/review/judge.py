"""Makes the judgement and writes ``reports/review.json``, ``reports/report.md`` and ``reports/card.md``.

``python -m <package>.review.judge sift``   a finished train run, if nothing must be scored; the light environment is enough
``python -m <package>.review.judge run``    a finished train run, its candidate taken as data
``python -m <package>.review.judge main``   the bundle that the pipeline made here (promotion)
``python -m <package>.review.judge local``  the same at home, against the working tree's gates
The first two read RUN_ID, or PULL_REQUEST and take the newest run of its head.
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from .. import ProblemError, bundle, params, pointer, run, store
from ..git import git, show, succeeds
from ..history import entries, version_of
from ..plan import POINTER, changed_files, needs_training, tell
from ..store import settings
from . import Champion, Merge, Override, Release, Review, ReviewError, changes, claims, evidence, override, write
from .report import card
from .report.render import render, summary

OUT = Path("reports")
ORIGIN = OUT / "origin.json"
MADE = Path("models/bundle")
MOST_RELEASES = 20


def sift(run_id: int) -> tuple[Review, evidence.Subject | None]:
    """What can be said about a train run without scoring; the subject comes along when its candidate must be scored."""
    about = evidence.find(run_id)
    known = Review(verdict="cannot judge", pull_request=about.pull_request, fork=about.fork, head_sha=about.head_sha, run_id=run_id)
    if about.outdated:
        return replace(known, verdict="outdated", reasons=[about.outdated]), None
    if about.conflict or about.merge is None:
        return replace(known, reasons=["the pull request conflicts with main; merge main into it and resolve the conflicts"]), None
    files = changed_files(f"{about.merge}^1", about.merge)
    known = replace(known, notes=changes.notes(files), merge=Merge(owners=changes.owners(show("HEAD", changes.OWNERS), files)))
    if not about.succeeded:
        return replace(known, reasons=[_failed(about)]), None
    if needs_training(files):
        return known, about
    try:
        return replace(known, verdict="unaffected", moves_to=_moved(about.merge) if POINTER.as_posix() in files else None), None
    except ProblemError as problem:
        return replace(known, reasons=[str(problem)]), None


def judge_run(run_id: int, scratch: Path) -> Review:
    """Judge a train run's candidate with the gates of this checkout (main). Never raises for what the run brought."""
    known, about = sift(run_id)
    if about is None:
        return known
    rewritten = changes.rewritten(changed_files(f"{about.merge}^1", str(about.merge)))
    try:
        judged = _judge_candidate(known, about, rewritten, scratch)
        return _overridden(judged, about.pull_request, about.created_at)
    except ProblemError as problem:
        return replace(known, reasons=[*([rewritten] if rewritten else []), str(problem)])


def judge_main(scratch: Path) -> Review:
    """Judge the bundle in ``models/bundle`` as main's next version; an override counts for the very bundle that was reviewed.

    Raises:
        BundleError: the pipeline has not run, or the bundle is damaged.
    """
    made = bundle.load(MADE)
    here = evidence.of_working_tree()
    now = pointer.read(POINTER)
    before = _before(now.commit, scratch) if now else None
    judged = _judge(Review(verdict="cannot judge"), made, here, before, params.load(), OUT / "run.json")
    origin: dict[str, Any] = json.loads(ORIGIN.read_bytes()) if ORIGIN.exists() else {}
    if origin.get("reviewed") != made.digest:
        return judged
    return _overridden(judged, origin.get("pull_request"), origin.get("created_at") or "")


def judge_here(scratch: Path) -> Review:
    """Judge the bundle in ``models/bundle`` with the gates, split and data of the working tree, against main's parameters and data.

    Raises:
        BundleError: the pipeline has not run, or the bundle is damaged.
    """
    made, here = bundle.load(MADE), evidence.of_working_tree()
    main = next((name for name in ("origin/main", "main") if succeeds("rev-parse", "-q", "--verify", f"{name}^{{commit}}")), "HEAD")
    before = _before(main, scratch)
    return _judge(Review(verdict="cannot judge"), made, here, before, here.params, OUT / "run.json")


def _before(revision: str, scratch: Path) -> evidence.Material | None:
    """What a revision was made of; None, with a word about it, where that cannot be read any more."""
    try:
        return evidence.of_commit(git("rev-parse", f"{revision}^{{commit}}"), scratch, revision)
    except ProblemError as problem:
        print(f"not compared with the data of {revision}: {problem}")
        return None


def _judge_candidate(known: Review, about: evidence.Subject, rewritten: str | None, scratch: Path) -> Review:
    folder = evidence.fetch_candidate(about.run_id, scratch)
    if folder is None:
        return replace(known, reasons=["pipeline inputs changed, but the train run left no candidate; re-run it"])
    candidate = bundle.load(folder / "bundle")
    brought = evidence.of_commit(str(about.merge), scratch)
    before = evidence.of_working_tree()
    judged = _judge(known, candidate, brought, before, before.params, folder / "run.json", rewritten)
    if judged.gates and (problem := claims.problem(folder, candidate, brought.params, judged.metrics)):
        return replace(judged, verdict="cannot judge", reasons=[*judged.reasons, problem], gates=[])
    return judged


def _judge(
    known: Review,
    candidate: bundle.Bundle,
    brought: evidence.Material,
    before: evidence.Material | None,
    ours: params.Params,
    run_file: Path,
    rewritten: str | None = None,
) -> Review:
    from .trial import Case, judge  # scikit-learn and pandas: only where a candidate is scored

    champion, standing, unreachable = _champion()
    judged = judge(known, Case(candidate, champion, standing, brought, before, ours, unreachable, rewritten))
    return replace(judged, merge=_merge(known.merge, candidate.digest, ours), cost=claims.cost(run_file), history=_history(ours.headline))


def _overridden(judged: Review, number: int | None, created_at: str) -> Review:
    """The judgement after a label of someone with write access; only what gates decided can be overridden."""
    if number is None or not judged.gates or judged.verdict not in ("hold", "cannot judge"):
        return judged
    match override.find(number, created_at):
        case override.Asked(by, reason):
            return replace(judged, verdict="promote", override=Override(by, reason, judged.verdict))
        case override.Refused(why):
            return replace(judged, notes=[*judged.notes, f"is not overridden: {why}"])
    return judged


def _failed(about: evidence.Subject) -> str:
    chosen = settings.read()
    if about.fork and chosen and chosen.scheme != "file":
        return (
            f"the train workflow failed, and a pull request from a fork has no credentials for the store {chosen.url}: "
            "it cannot be judged here; a maintainer can dispatch it (README, 'Where models are kept')"
        )
    return "the train workflow failed: its log says why"


def _merge(known: Merge, digest: str, ours: params.Params) -> Merge:
    return replace(known, version=version_of(digest, entries(POINTER)), environments=list(ours.promotion.environments))


def _history(headline: str) -> list[Release]:
    found = {entry.pointer.version: entry.pointer.metrics.get(headline) for entry in entries(POINTER)}
    return [Release(version, value) for version, value in sorted(found.items())][-MOST_RELEASES:]


def _moved(merge: str) -> Champion:
    """The version to which a pull request moves production by hand, once its bundle is found whole in the store."""
    text = show(merge, POINTER.as_posix())
    if text is None:
        raise ReviewError(f"{POINTER} is deleted: nothing could be served; to go back to an earlier version run the rollback workflow")
    named = pointer.parse(text.decode("utf-8", "replace"), f"{POINTER} in the pull request")
    bundle.load(store.find(named.digest, named.bundle), named.digest)
    return Champion(named.version, named.digest)


def _champion() -> tuple[bundle.Bundle | None, Champion | None, str | None]:
    named = pointer.read(POINTER)
    if named is None:
        return None, None, None
    standing = Champion(named.version, named.digest)
    store.configured().open()  # a store out of reach is no champion that is missing
    try:
        return bundle.load(store.find(named.digest, named.bundle), named.digest), standing, None
    except ProblemError as error:
        return None, standing, f"the champion {named.digest} cannot be read from the store: {error}"


def _write(review: Review) -> None:
    OUT.mkdir(exist_ok=True)
    write(OUT / "review.json", review)
    (OUT / "report.md").write_text(render(review), encoding="utf-8")
    if page := os.environ.get("GITHUB_STEP_SUMMARY"):
        with open(page, "a", encoding="utf-8") as stream:
            stream.write(summary(review))


def _write_card(review: Review, promoted: bool) -> None:
    data = params.load().data
    version, commit = (review.merge.version, git("rev-parse", "HEAD")) if promoted else (None, None)
    text = card.render(review, bundle.load(MADE), version=version, commit=commit, target=data.target, data=data.path)
    (OUT / "card.md").write_text(text, encoding="utf-8")


def _run_id() -> int | None:
    """The run that RUN_ID names, or the newest finished one of PULL_REQUEST."""
    found, number = os.environ.get("RUN_ID", ""), os.environ.get("PULL_REQUEST", "")
    if found.isdigit():
        return int(found)
    if number.isdigit():
        return evidence.newest_run(int(number))
    raise ProblemError("judge: RUN_ID must be the number of a train run, or PULL_REQUEST that of a pull request")


def main() -> int:
    """Judge, write the files, print the report. Exit code 1 only for ``main`` without the verdict *promote*."""
    with tempfile.TemporaryDirectory() as folder:
        review = _judged(sys.argv[1:], Path(folder))
    if review is None:
        return 0
    _write(review)
    if sys.argv[1] in ("main", "local"):
        _write_card(review, promoted=sys.argv[1] == "main")
    print((OUT / "report.md").read_text(encoding="utf-8"))
    return int(sys.argv[1] == "main" and review.verdict != "promote")


def _judged(words: list[str], scratch: Path) -> Review | None:
    match words:
        case ["sift"]:
            return _sifted()
        case ["run"]:
            return judge_run(int(_run_id() or 0), scratch)
        case ["main"]:
            return judge_main(scratch)
        case ["local"]:
            return judge_here(scratch)
    raise ProblemError("judge: say `sift`, `run`, `main` or `local`; at home use `make report`")


def _sifted() -> Review | None:
    """The review where nothing must be scored; None where ``run`` has to go on, which the step's outputs say."""
    number = _run_id()
    review, about = (Review(verdict="outdated", reasons=["its training has not finished yet"]), None) if number is None else sift(number)
    tell({"score": about is not None})
    return None if about is not None else review


if __name__ == "__main__":
    run(main)
