"""Settings of GitHub Actions in a repository."""

from __future__ import annotations

from typing import Any

from ...errors import Refused
from ..server import Reply
from .router import Context, required, route

APPROVALS = ("first_time_contributors_new_to_github", "first_time_contributors", "all_external_contributors")
PERMISSIONS, WORKFLOW, FORKS = (
    "~/actions/permissions",
    "~/actions/permissions/workflow",
    "~/actions/permissions/fork-pr-contributor-approval",
)


def _one_of(value: Any, name: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise Refused(422, f"Validation Failed: {name} must be one of {', '.join(known)}")
    return str(value)


@route("GET", PERMISSIONS, "administration:read")
def get_permissions(context: Context) -> Reply:
    now = context.state.actions
    return Reply.of(
        200, {"enabled": now.enabled} | ({"allowed_actions": now.allowed, "sha_pinning_required": False} if now.enabled else {})
    )


@route("PUT", PERMISSIONS, "administration:write")
def set_permissions(context: Context) -> Reply:
    value, now = context.call.json(), context.state.actions
    if not isinstance(value.get("enabled"), bool):
        raise Refused(422, 'Invalid request. "enabled" wasn\'t supplied.')
    now.enabled = value["enabled"]
    now.allowed = _one_of(value.get("allowed_actions", now.allowed), "allowed_actions", ("all", "local_only", "selected"))
    return Reply(204)


@route("GET", WORKFLOW, "administration:read")
def get_token(context: Context) -> Reply:
    now = context.state.actions
    return Reply.of(200, {"default_workflow_permissions": now.token, "can_approve_pull_request_reviews": now.opens_pulls})


@route("PUT", WORKFLOW, "administration:write")
def set_token(context: Context) -> Reply:
    value, now = context.call.json(), context.state.actions
    now.token = _one_of(value.get("default_workflow_permissions", now.token), "default_workflow_permissions", ("read", "write"))
    now.opens_pulls = bool(value.get("can_approve_pull_request_reviews", now.opens_pulls))
    return Reply(204)


@route("GET", FORKS, "administration:read")
def get_forks(context: Context) -> Reply:
    _not_private(context)
    return Reply.of(200, {"approval_policy": context.state.actions.fork_approval})


@route("PUT", FORKS, "administration:write")
def set_forks(context: Context) -> Reply:
    _not_private(context)
    value = context.call.json()
    required(value, "approval_policy")
    context.state.actions.fork_approval = _one_of(value["approval_policy"], "approval_policy", APPROVALS)
    return Reply(204)


def _not_private(context: Context) -> None:
    if context.state.private:
        raise Refused(422, "Fork PR approval is not allowed for private repositories.")
