"""The repository itself, people, and the little GraphQL that tools send."""

from __future__ import annotations

import base64
import json
import re

from ...errors import Refused
from .. import merging, views
from ..server import Reply
from .router import REPOSITORY, Context, route


@route(
    "GET",
    REPOSITORY,
    "metadata:read",
    "contents:read",
    "actions:read",
    "issues:read",
    "pull-requests:read",
    "statuses:read",
    "deployments:read",
)
def get_repository(context: Context) -> Reply:
    admin, writes = (
        context.call.caller.may(context.state.full_name, (need,)) for need in (("administration", "write"), ("contents", "write"))
    )
    return Reply.of(200, views.repository(context.state) | {"permissions": {"admin": admin, "push": writes, "pull": True}})


@route("GET", "~/collaborators/{user}/permission", "contents:read", "metadata:read")
def permission(context: Context) -> Reply:
    login = context.parts["user"]
    people = [caller.person for caller in context.core.callers.values() if caller.person and caller.person.login == login]
    if not people:
        raise Refused(404, f"{login} is not a user")
    writes = any(context.state.full_name in person.write_to for person in people)
    return Reply.of(
        200,
        {
            "permission": "write" if writes else "read",
            "role_name": "write" if writes else "read",
            "user": views.user(login),
        },
    )


@route("GET", "/user")
def whoami(context: Context) -> Reply:
    if context.call.caller.anonymous:
        raise Refused(401, "Requires authentication")
    if context.by_run:
        raise Refused(403, "Resource not accessible by integration")
    return Reply.of(200, views.user(context.login))


@route("GET", "/meta")
def meta(_: Context) -> Reply:
    return Reply.of(200, {"ssh_keys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHJlaGVhcnNhbA"], "verifiable_password_authentication": False})


@route("POST", "~/attestations", "attestations:write")
def attest(context: Context) -> Reply:
    """Keep an attestation under the digest of each of its subjects. Whoever signs needs an identity, so the job must be given one."""
    if not context.call.caller.may(context.state.full_name, (("id-token", "write"),)):
        raise Refused(403, "Resource not accessible by integration")
    envelope = context.call.json()["bundle"]["dsseEnvelope"]
    for subject in json.loads(base64.b64decode(envelope["payload"]))["subject"]:
        digest = f"sha256:{subject['digest']['sha256']}"
        context.state.attestations[digest] = context.state.attestations.get(digest, 0) + 1
    return Reply.of(201, {"id": sum(context.state.attestations.values())})


@route("GET", "~/attestations/{digest}", "attestations:read")
def attestations(context: Context) -> Reply:
    count = context.state.attestations.get(context.parts["digest"], 0)
    if not count:
        raise Refused(404, "Not Found")
    return Reply.of(200, {"attestations": [{"repository_id": context.state.id, "bundle": {}}] * count})


@route("GET", "/users/{user}")
def get_user(context: Context) -> Reply:
    return Reply.of(200, views.user(context.parts["user"]) | {"name": context.parts["user"]})


@route("POST", "/graphql", locked=False)
def graphql(context: Context) -> Reply:
    value = context.call.json()
    query, variables = str(value.get("query", "")), value.get("variables") or {}
    if context.call.caller.anonymous:
        raise Refused(401, "Requires authentication")
    if "enablePullRequestAutoMerge" in query:
        return _auto_merge(context, query, variables)
    if "defaultBranchRef" in query and {"owner", "name"} <= set(variables):
        return _repository_info(context, f"{variables['owner']}/{variables['name']}")
    if re.search(r"\bviewer\b", query):
        return Reply.of(200, {"data": {"viewer": {"login": context.login, "id": "U_0"}}})
    return Reply.of(
        200,
        {
            "data": None,
            "errors": [
                {
                    "type": "NOT_IMPLEMENTED",
                    "message": "this GraphQL query is not answered here; use gh api with REST paths",
                }
            ],
        },
    )


def _repository_info(context: Context, full_name: str) -> Reply:
    state = context.core.repository(full_name)
    context.core.allow(context.call.caller, full_name, (("contents", "read"), ("metadata", "read")), "GraphQL repository")
    shown = {"id": f"R_{state.id}", "name": state.name, "owner": {"login": state.owner}, "hasIssuesEnabled": True}
    return Reply.of(200, {"data": {"repository": shown | {"defaultBranchRef": {"name": state.default_branch}}}})


def _auto_merge(context: Context, query: str, variables: dict[str, object]) -> Reply:
    found = re.search(r"PR_(\d+)_(\d+)", query + str(variables))
    states = [state for state in context.core.repositories.values() if found and state.id == int(found[1])]
    pull = states[0].pull(int(found[2])) if found and states else None
    if pull is None:
        return Reply.of(200, {"data": None, "errors": [{"type": "NOT_FOUND", "message": "Could not resolve to a node"}]})
    context.core.allow(context.call.caller, states[0].full_name, (("contents", "write"),), "GraphQL enablePullRequestAutoMerge")
    rules = merging.protection_of(states[0], pull.base_ref)
    if not rules or not merging.missing_statuses(states[0], rules.required_statuses, pull.head_sha):
        return Reply.of(200, {"data": None, "errors": [{"type": "UNPROCESSABLE", "message": "Pull request is in clean status"}]})
    pull.auto_merge = context.login
    return Reply.of(200, {"data": {"enablePullRequestAutoMerge": {"clientMutationId": None}}})
