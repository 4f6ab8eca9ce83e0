"""Keeps one issue while main holds a model that is not promoted: opened, kept up to date, closed when main is settled again.

``python -m <package>.registry.hold_issue``  reads ``reports/review.json``; safe to run again
"""

from pathlib import Path

import msgspec

from .. import ProblemError, issue, pointer, run
from ..git import git
from ..github import GitHubError
from ..plan import plan_push
from . import notify

MARK = "<!-- not-promoted -->"
REVIEW = Path("reports/review.json")
POINTER = Path("models/production.yaml")


class Judged(msgspec.Struct, frozen=True):
    """What the issue tells of ``reports/review.json``."""

    verdict: str
    reasons: list[str]
    digest: str | None
    model: str = ""


def update() -> None:
    """Bring the issue in line with main as it is here.

    Inputs that are promoted, known or held: it is closed. A review that does not say *promote*: it says why. Without a review (its
    making failed) it stays as it is.

    Raises:
        GitHubError: GitHub cannot be asked, or refuses.
        ProblemError: the review cannot be read.
    """
    try:
        if not plan_push()["promote"]:
            _close()
        elif (review := _review()) and review.verdict != "promote":
            _tell(review)
            notify.send("hold", REVIEW, pointer.read(POINTER))
    except GitHubError as error:
        if not issue.are_switched_off(error):
            raise
        print("the issues of this repository are switched off: the log of this run is the only word about it")


def _review() -> Judged | None:
    if not REVIEW.exists():
        print(f"{REVIEW} is not there: nothing was judged, and no issue says more than this run's log")
        return None
    try:
        return msgspec.json.decode(REVIEW.read_bytes(), type=Judged)
    except msgspec.MsgspecError as error:
        raise ProblemError(f"{REVIEW} cannot be read as a review: {error}; run `make judge-main` again") from None


def _tell(review: Judged) -> None:
    now = pointer.read(POINTER)
    title = f"Main is not promoted: {review.model or (now.model if now else 'the model')}"
    issue.keep(MARK, title, body(review, now, git("rev-parse", "HEAD")))


def body(review: Judged, now: pointer.Pointer | None, commit: str) -> str:
    """The issue's text: verdict and reasons, which bundle of which commit, what stays in production, what to do."""
    stays = f"Version {now.version}, `{now.digest}`, stays in production." if now else "Nothing was promoted yet, so nothing is served."
    lines = [
        f"Main was judged after a merge, and the verdict is **{review.verdict}**. {stays}",
        "",
        *(f"- {_code(reason)}" for reason in review.reasons),
        "",
        f"- Commit: {commit}",
        f"- Digest: {_code(review.digest or 'none')}",
        *([f"- Run: {link}"] if (link := issue.run_link()) else []),
        "",
        "What to do: fix it with a pull request, or revert the merge (`git revert -m 1 <merge commit>`, as a pull request too).",
        "Pull requests that each pass can fail together: each was judged with main as it was then. A merge queue judges them in turn.",
        "",
        "This issue is kept up to date and is closed when main holds a promoted model again.",
    ]
    return "\n".join(lines)


def _close() -> None:
    now = pointer.read(POINTER)
    version = f": version {now.version}, `{now.digest}`" if now else ""
    issue.close(MARK, f"Main and production agree again{version}.")


def _code(value: object) -> str:
    """A value in a code span, out of which no Markdown, HTML or mention can come."""
    return f"`{' '.join(str(value).split()).replace('`', chr(39))[:500] or ' '}`"


if __name__ == "__main__":
    run(update)
