"""Deployments and their statuses."""

from __future__ import annotations

from ...errors import Refused
from .. import git, merging, views
from ..model import Deployment, Environment, now
from ..server import Reply
from .router import Context, page, required, route

STATES = ("error", "failure", "inactive", "in_progress", "queued", "pending", "success")


def _deployment(context: Context) -> Deployment:
    found = next((one for one in context.state.deployments if one.id == context.number("n")), None)
    if found is None:
        raise Refused(404, "Not Found")
    return found


@route("GET", "~/deployments", "deployments:read")
def list_deployments(context: Context) -> Reply:
    query = context.call.query
    chosen = [
        one
        for one in reversed(context.state.deployments)
        if query.get("environment") in (None, one.environment)
        and query.get("sha") in (None, one.sha)
        and query.get("ref") in (None, one.ref)
        and query.get("task") in (None, one.task)
    ]
    return page(context, [views.deployment(context.state, one) for one in chosen])


@route("POST", "~/deployments", "deployments:write")
def create_deployment(context: Context) -> Reply:
    value = context.call.json()
    required(value, "ref")
    sha = git.resolve(context.state.git_dir, str(value["ref"]))
    if sha is None:
        raise Refused(422, f"No ref found for: {value['ref']}")
    wanted = value.get("required_contexts")
    contexts = wanted if wanted is not None else sorted({one.context for one in context.state.statuses if one.sha == sha})
    if merging.missing_statuses(context.state, contexts, sha):
        raise Refused(409, "Conflict: Commit status checks failed for " + str(value["ref"]))
    made = Deployment(
        context.core.next_id(),
        str(value["ref"]),
        sha,
        str(value.get("environment") or "production"),
        str(value.get("description") or ""),
        value.get("payload") or {},
        context.login,
        str(value.get("task") or "deploy"),
    )
    context.state.deployments.append(made)
    context.state.environments.setdefault(made.environment, Environment(made.environment))
    context.core.tell("deployment", repository=context.state.full_name, id=made.id, environment=made.environment, sha=sha)
    return Reply.of(201, views.deployment(context.state, made))


@route("GET", "~/deployments/{n}", "deployments:read")
def get_deployment(context: Context) -> Reply:
    return Reply.of(200, views.deployment(context.state, _deployment(context)))


@route("GET", "~/deployments/{n}/statuses", "deployments:read")
def list_deployment_statuses(context: Context) -> Reply:
    return page(context, list(reversed(_deployment(context).statuses)))


@route("POST", "~/deployments/{n}/statuses", "deployments:write")
def create_deployment_status(context: Context) -> Reply:
    one, value = _deployment(context), context.call.json()
    if value.get("state") not in STATES:
        raise Refused(422, f"Validation Failed: state must be one of {', '.join(STATES)}")
    made = {
        "id": context.core.next_id(),
        "state": value["state"],
        "description": value.get("description") or "",
        "environment": value.get("environment") or one.environment,
        "environment_url": value.get("environment_url") or "",
        "log_url": value.get("log_url") or "",
        "creator": views.user(context.login),
        "created_at": now(),
    }
    one.statuses.append(made)
    if value["state"] == "success" and value.get("auto_inactive", True):
        _retire_others(context, one)
    context.core.tell(
        "deployment status",
        repository=context.state.full_name,
        id=one.id,
        environment=one.environment,
        state=made["state"],
    )
    return Reply.of(201, made)


def _retire_others(context: Context, newest: Deployment) -> None:
    for other in context.state.deployments:
        if other is not newest and other.environment == newest.environment and other.state == "success":
            other.statuses.append({**other.statuses[-1], "id": context.core.next_id(), "state": "inactive", "created_at": now()})
