"""What GitHub Actions may do in this repository."""

from functools import partial
from typing import Any

from .. import github
from . import Change, Found, Wanted, Word

_ANYBODY = "first_time_contributors_new_to_github"
_BEGINNERS = "first_time_contributors"


def look(wanted: Wanted) -> Found:
    """Whether Actions run, what a job's token may do that asks for nothing, and whether jobs may open pull requests.

    "Get GitHub Actions permissions for a repository" (``GET …/actions/permissions``), "Get default workflow permissions for a repository"
    (``GET …/actions/permissions/workflow``), and for a public one "Get fork PR contributor approval permissions for a repository"
    (``GET …/actions/permissions/fork-pr-contributor-approval``). Each is set with PUT on the same path.
    """
    now = github.get("actions/permissions")
    if not now["enabled"]:
        yield Change("Actions: switch them on; training, review and promotion are workflows", _put("", {"enabled": True}))
    elif now.get("allowed_actions", "all") != "all":
        yield Word("look", "Actions: only chosen ones may run; those that .github/ uses (`grep -r uses: .github`) must be among them")
    yield from _token(wanted)
    if not wanted.private and github.get("actions/permissions/fork-pr-contributor-approval")["approval_policy"] == _ANYBODY:
        what = "Actions: a person's first pull request from a fork waits for an approval before it runs, not only that of a new account"
        yield Change(what, _put("/fork-pr-contributor-approval", {"approval_policy": _BEGINNERS}))


def _token(wanted: Wanted) -> Found:
    now, opens = github.get("actions/permissions/workflow"), _opens_pulls(wanted)
    body = {"default_workflow_permissions": "read", "can_approve_pull_request_reviews": opens is not None}
    lines = []
    if now["default_workflow_permissions"] != "read":
        lines.append("jobs that ask for no rights may only read (ours ask for each right that they need)")
    if now["can_approve_pull_request_reviews"] and opens is None:
        lines.append("jobs may no longer open and approve pull requests (nothing in params.yaml needs it)")
    if not now["can_approve_pull_request_reviews"] and opens is not None:
        lines.append(f"jobs may open, and so approve, pull requests ({opens} needs it)")
    if lines:
        yield Change(f"Actions: {' and '.join(lines)}", _put("/workflow", body))


def _opens_pulls(wanted: Wanted) -> str | None:
    """What in ``params.yaml`` lets a job open pull requests with its own token."""
    if wanted.push == "pull-request":
        return "promotion.push: pull-request"
    return "monitoring.retrain" if wanted.params.monitoring.retrain else None


def _put(path: str, body: dict[str, Any]) -> partial[Any]:
    return partial(github.send, "PUT", f"actions/permissions{path}", body)
