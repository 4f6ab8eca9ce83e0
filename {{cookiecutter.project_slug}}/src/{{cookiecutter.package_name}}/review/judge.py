"""Makes the judgement and writes ``reports/review.json`` and ``reports/report.md``.

``python -m <package>.review.judge sift ID`` a finished train run, if nothing must be scored; the light environment is enough
``python -m <package>.review.judge run ID``  a finished train run, its candidate taken as data
``python -m <package>.review.judge main``    the bundle that the pipeline made here (promotion)
``python -m <package>.review.judge local``   the same at home, against the working tree's gates
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import jinja2
import msgspec

from .. import ProblemError, bundle, params, pointer, run
from ..git import show
from ..plan import PROMOTED, changed_files, needs_training, tell
from . import Champion, GateResult, Review, ReviewError, evidence, write

OUT = Path("reports")
POINTER = Path("models/production.yaml")


def sift(run_id: int) -> tuple[Review, evidence.Subject | None]:
    """What can be said about a train run without scoring; the subject comes along when its candidate must be scored."""
    about = evidence.find(run_id)
    known = Review(verdict="cannot judge", pull_request=about.pull_request, fork=about.fork, head_sha=about.head_sha, run_id=run_id)
    if about.outdated:
        return _with(known, verdict="outdated", reasons=[about.outdated]), None
    if about.conflict or about.merge is None:
        return _with(known, reasons=["the pull request conflicts with main; merge main into it and resolve the conflicts"]), None
    files = changed_files(f"{about.merge}^1", about.merge)
    known = _with(known, notes=notes(files))
    if not about.succeeded:
        return _with(known, reasons=["the train workflow failed: its log says why"]), None
    if needs_training(files):
        return known, about
    try:
        return _with(known, verdict="unaffected", moves_to=_moved(about.merge) if POINTER.as_posix() in files else None), None
    except ProblemError as problem:
        return _with(known, reasons=[str(problem)]), None


def judge_run(run_id: int, scratch: Path) -> Review:
    """Judge a train run's candidate with the gates of this checkout (main). Never raises for what the run brought."""
    known, about = sift(run_id)
    if about is None:
        return known
    try:
        return _judge_candidate(known, about, scratch)
    except ProblemError as problem:
        return _with(known, reasons=[str(problem)])


def judge_here() -> Review:
    """Judge the bundle in ``models/bundle`` with the gates, split and data of the working tree.

    Raises:
        BundleError: the pipeline has not run, or the bundle is damaged.
    """
    made = bundle.load(Path("models/bundle"))
    return _judge(Review(verdict="cannot judge"), made, evidence.of_working_tree(), params.load())


def _judge_candidate(known: Review, about: evidence.Subject, scratch: Path) -> Review:
    folder = evidence.fetch_candidate(about.run_id, scratch)
    if folder is None:
        return _with(known, reasons=["pipeline inputs changed, but the train run left no candidate; re-run it"])
    candidate = bundle.load(folder / "bundle")
    brought = evidence.of_commit(str(about.merge), scratch)
    judged = _judge(known, candidate, brought, params.load())
    if judged.verdict == "cannot judge":
        return judged
    if problem := _forged(folder / "metrics.json", judged, candidate.digest):
        return _with(judged, verdict="cannot judge", reasons=[problem])
    return judged


def _judge(known: Review, candidate: bundle.Bundle, brought: evidence.Material, ours: params.Params) -> Review:
    if candidate.manifest.data_digest != brought.data_digest:
        reason = "the candidate was trained on other data than the pull request holds now; train it again"
        return _with(known, digest=candidate.digest, reasons=[reason])
    from .compare import compare, judge_gate, parameters, verdict  # scikit-learn and pandas: only where a candidate is scored

    champion, standing, problem = _champion()
    rows = brought.test_rows()
    outcome = compare(candidate, champion, rows, brought.params)
    results = [judge_gate(gate, outcome.metrics, champion is not None) for gate in ours.gates]
    said, reasons = verdict(results)
    if problem:
        said, reasons = "cannot judge", [problem]
    remarks = [*known.notes, *([outcome.champion_problem] if outcome.champion_problem else [])]
    return _with(
        known,
        verdict=said,
        reasons=reasons,
        notes=remarks,
        digest=candidate.digest,
        champion=standing,
        rows=len(rows),
        threshold=candidate.manifest.threshold,
        data_digest=candidate.manifest.data_digest,
        metrics=outcome.metrics,
        slices=outcome.slices,
        gates=results,
        parameters=parameters(ours, brought.params),
    )


def _moved(merge: str) -> Champion:
    """The version to which a pull request moves production by hand, once its bundle is found whole in the store."""
    text = show(merge, POINTER.as_posix())
    if text is None:
        raise ReviewError(f"{POINTER} is deleted: nothing could be served; to go back to an earlier version run the rollback workflow")
    named = pointer.parse(text.decode("utf-8", "replace"), f"{POINTER} in the pull request")
    bundle.load(pointer.bundle_folder(named.digest, pointer.open_store()), named.digest)
    return Champion(named.version, named.digest)


def _champion() -> tuple[bundle.Bundle | None, Champion | None, str | None]:
    named = pointer.read(POINTER)
    if named is None:
        return None, None, None
    standing = Champion(named.version, named.digest)
    folder = pointer.bundle_folder(named.digest, pointer.open_store())
    try:
        return bundle.load(folder, named.digest), standing, None
    except ProblemError as error:
        return None, standing, f"the champion {named.digest} cannot be read from the store: {error}"


def _forged(path: Path, judged: Review, digest: str) -> str | None:
    """Stored metrics decide nothing; a file that contradicts the judged ones is still a reason to stop."""
    try:
        stated = json.loads(path.read_bytes())
        told, named = stated["metrics"], stated["digest"]
        same = named == digest and all(abs(told[item.name] - item.candidate) <= 1e-4 for item in judged.metrics)
    except (OSError, ValueError, LookupError, TypeError):
        return "metrics.json of the candidate is missing or unreadable; train again"
    wrong = "metrics.json of the candidate does not say what its bundle scores on the test rows; train again without editing it"
    return None if same else wrong


def _with(review: Review, **values: Any) -> Review:
    return msgspec.structs.replace(review, **values)


def notes(files: list[str]) -> list[str]:
    """Sentences about changed files that need the code owners' eyes or should not be in a pull request."""
    found = []
    rules = [name for name in files if name.startswith((".github/", "models/")) or "/review/" in name or "/registry/" in name]
    rules = [name for name in rules if name not in PROMOTED]
    if rules:
        found.append(f"changes {_list(rules)}: judged by main's version; the change takes effect after the merge and needs the code owners")
    carried = [name for name in files if name in PROMOTED]
    if carried and POINTER.as_posix() not in files:  # a revert of a promotion or rollback rightly takes them along
        found.append(f"carries {_list(carried)}, which only promotion commits; drop them with `make drop-promoted`")
    return found


def _list(names: list[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:5])
    return shown + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _write(review: Review) -> None:
    OUT.mkdir(exist_ok=True)
    write(OUT / "review.json", review)
    text = render(review)
    (OUT / "report.md").write_text(text, encoding="utf-8")
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with open(summary, "a", encoding="utf-8") as stream:
            stream.write(text)


LIMIT = 65_000  # GitHub refuses comments over 65,536 characters; the rest is the watermark's
_HEADLINES = {
    "promote": "✅ Promote",
    "hold": "❌ Hold",
    "cannot judge": "⚠️ Cannot judge",
    "unaffected": "⚪ Not affected",
    "outdated": "⚪ Outdated",
}
_MARKS = {"pass": "✅", "fail": "❌", "not applied": "➖", "cannot be judged": "⚠️"}


def render(review: Review) -> str:
    """The report. Text that came from a pull request is escaped; what is too long is cut with a line that says so."""
    environment = jinja2.Environment(  # noqa: S701 - Markdown: everything that a pull request brought goes through `code`
        loader=jinja2.FileSystemLoader(Path(__file__).parent), trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters.update(code=_code, number=_number, delta=_delta, gate=_gate)
    text = environment.get_template("comment.md.j2").render(review=review, headline=_HEADLINES[review.verdict])
    if len(text) <= LIMIT:
        return text
    return text[: LIMIT - 200] + "\n\n_The rest of this report is too long for a comment; the summary of the review job has it._\n"


def _code(value: object) -> str:
    """A value in a code span: no Markdown, HTML, mention or table cell can come out of it."""
    text = " ".join(str(value).split()).replace("`", "'").replace("|", "¦")
    return f"`{text[:300] or ' '}`"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _delta(value: float | None) -> str:
    return "–" if value is None else f"{value:+.4f}".replace("-", "−")


def _gate(results: list[GateResult], metric: str) -> str:
    ours = [f"{_MARKS[item.outcome]} {item.gate.removeprefix(metric).strip()}" for item in results if item.metric == metric]
    return "<br>".join(ours) or "–"


def main() -> int:
    """Judge, write both files, print the report. Exit code 1 only for ``main`` without the verdict *promote*."""
    match sys.argv[1:]:
        case ["sift", number] if number.isdigit():
            review, about = sift(int(number))
            tell({"score": about is not None})
            if about is not None:
                return 0
        case ["run", number] if number.isdigit():
            with tempfile.TemporaryDirectory() as scratch:
                review = judge_run(int(number), Path(scratch))
        case ["main"] | ["local"]:
            review = judge_here()
        case _:
            raise ProblemError("judge: say `sift ID`, `run ID`, `main` or `local`; at home use `make report`")
    _write(review)
    print((OUT / "report.md").read_text(encoding="utf-8"))
    return int(sys.argv[1] == "main" and review.verdict != "promote")


if __name__ == "__main__":
    run(main)
