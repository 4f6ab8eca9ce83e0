"""Deployment environments and the branches that they let in."""

from __future__ import annotations

from typing import Any

from ...errors import Refused
from .. import views
from ..model import Environment
from ..server import Reply
from .router import Context, page, required, route

ONE = "~/environments/{environment}"
POLICIES = f"{ONE}/deployment-branch-policies"


def _environment(context: Context) -> Environment:
    found = context.state.environments.get(context.parts["environment"])
    if found is None:
        raise Refused(404, "Not Found")
    return found


def _allow_rules(context: Context, value: dict[str, Any]) -> None:
    """A free plan keeps environments in private repositories, but protects none."""
    words = {"deployment_branch_policy": "branch policy", "reviewers": "required reviewers", "wait_timer": "wait timer"}
    asked = next((word for key, word in words.items() if value.get(key)), None)
    if asked and context.state.private and context.state.plan == "free":
        what = f"Please ensure the billing plan supports the {asked} protection rule."
        raise Refused(422, f"Failed to create the environment protection rule. {what}")


def _view(one: Environment) -> views.View:
    custom = one.branches is not None
    rules = [*one.rules, *([{"id": 1, "type": "branch_policy"}] if custom else [])]
    policy = {"protected_branches": False, "custom_branch_policies": True} if custom else None
    return {"id": 1 + sum(map(ord, one.name)), "name": one.name, "protection_rules": rules, "deployment_branch_policy": policy}


@route("GET", "~/environments", "actions:read")
def list_environments(context: Context) -> Reply:
    return page(context, [_view(one) for one in context.state.environments.values()], "environments")


@route("GET", ONE, "actions:read")
def get_environment(context: Context) -> Reply:
    return Reply.of(200, _view(_environment(context)))


@route("PUT", ONE, "administration:write")
def set_environment(context: Context) -> Reply:
    """Make or replace: what the body does not name is as in a new one."""
    value, name = context.call.json(), context.parts["environment"]
    _allow_rules(context, value)
    one = context.state.environments.setdefault(name, Environment(name))
    policy = value.get("deployment_branch_policy")
    if policy is not None and policy.get("protected_branches") == policy.get("custom_branch_policies"):
        raise Refused(422, "Validation Failed: protected_branches and custom_branch_policies cannot have the same value")
    if policy is not None and policy["protected_branches"]:
        raise Refused(422, "the rehearsal knows custom branch policies only")
    one.branches = None if policy is None else one.branches or []
    one.rules = list(_rules(value))
    return Reply.of(200, _view(one))


def _rules(value: dict[str, Any]) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = []
    if value.get("wait_timer"):
        rules.append({"id": 2, "type": "wait_timer", "wait_timer": value["wait_timer"]})
    if value.get("reviewers"):
        people = [{"type": one["type"], "reviewer": {"id": one["id"]}} for one in value["reviewers"]]
        rules.append(
            {"id": 3, "type": "required_reviewers", "prevent_self_review": bool(value.get("prevent_self_review")), "reviewers": people}
        )
    return rules


@route("GET", POLICIES, "actions:read")
def list_policies(context: Context) -> Reply:
    return page(context, [_policy(name) for name in _branches(context)], "branch_policies")


@route("POST", POLICIES, "administration:write")
def create_policy(context: Context) -> Reply:
    value, branches = context.call.json(), _branches(context)
    required(value, "name")
    if value["name"] in branches:
        raise Refused(303, "A branch policy with this name exists already")
    branches.append(str(value["name"]))
    return Reply.of(200, _policy(branches[-1]))


def _branches(context: Context) -> list[str]:
    found = _environment(context).branches
    if found is None:
        raise Refused(404, "Not Found")
    return found


def _policy(name: str) -> views.View:
    return {"id": 1 + sum(map(ord, name)), "name": name, "type": "branch"}
