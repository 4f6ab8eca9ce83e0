"""Rule sets of a repository."""

from __future__ import annotations

from typing import Any

from ...errors import Refused
from .. import rulesets, views
from ..server import Reply
from .router import Context, page, required, route

PARAMETERS = {
    "deletion": (),
    "non_fast_forward": (),
    "required_status_checks": ("required_status_checks", "strict_required_status_checks_policy"),
    "pull_request": (
        "dismiss_stale_reviews_on_push",
        "require_code_owner_review",
        "require_last_push_approval",
        "required_approving_review_count",
        "required_review_thread_resolution",
    ),
    "merge_queue": (
        "check_response_timeout_minutes",
        "grouping_strategy",
        "max_entries_to_build",
        "max_entries_to_merge",
        "merge_method",
        "min_entries_to_merge",
        "min_entries_to_merge_wait_minutes",
    ),
}
ACTORS = ("Integration", "OrganizationAdmin", "RepositoryRole", "Team", "DeployKey")
KEYS = ("name", "target", "enforcement", "bypass_actors", "conditions", "rules")


def _allowed(context: Context) -> None:
    if context.state.private and context.state.plan == "free":
        plan = "Team" if context.state.organisation else "Pro"
        raise Refused(403, f"Upgrade to GitHub {plan} or make this repository public to enable this feature.")


def _ruleset(context: Context) -> dict[str, Any]:
    _allowed(context)
    found = context.state.rulesets.get(context.number("n"))
    if found is None:
        raise Refused(404, "Not Found")
    return found


def _short(context: Context, one: dict[str, Any]) -> views.View:
    shown = {key: one[key] for key in ("id", "name", "target", "enforcement")}
    return shown | {"source_type": "Repository", "source": context.state.full_name}


def _whole(context: Context, one: dict[str, Any]) -> views.View:
    """All of it; who may bypass it is told to those alone who may change it."""
    may = context.call.caller.may(context.state.full_name, (("administration", "write"),))
    return _short(context, one) | {key: one[key] for key in KEYS if key != "bypass_actors" or may}


@route("GET", "~/rulesets", "metadata:read")
def list_rulesets(context: Context) -> Reply:
    _allowed(context)
    return page(context, [_short(context, one) for one in context.state.rulesets.values()])


@route("GET", "~/rulesets/{n}", "metadata:read")
def get_ruleset(context: Context) -> Reply:
    return Reply.of(200, _whole(context, _ruleset(context)))


@route("POST", "~/rulesets", "administration:write")
def create_ruleset(context: Context) -> Reply:
    _allowed(context)
    value = context.call.json()
    required(value, "name", "enforcement")
    blank = {"target": "branch", "bypass_actors": [], "conditions": {"ref_name": {"include": [], "exclude": []}}, "rules": []}
    made = _checked(context, {"id": context.core.next_id()} | blank | {key: value[key] for key in KEYS if key in value})
    context.state.rulesets[made["id"]] = made
    return Reply.of(201, _whole(context, made))


@route("PUT", "~/rulesets/{n}", "administration:write")
def change_ruleset(context: Context) -> Reply:
    """What the body names is replaced, the rest stays."""
    value = context.call.json()
    made = _checked(context, _ruleset(context) | {key: value[key] for key in KEYS if key in value})
    context.state.rulesets[made["id"]] = made
    return Reply.of(200, _whole(context, made))


@route("DELETE", "~/rulesets/{n}", "administration:write")
def delete_ruleset(context: Context) -> Reply:
    del context.state.rulesets[_ruleset(context)["id"]]
    return Reply(204)


@route("GET", "~/rules/branches/{branch*}", "metadata:read")
def rules_of_branch(context: Context) -> Reply:
    _allowed(context)
    found = rulesets.applying(context.state, context.parts["branch"])
    whose = {"ruleset_source_type": "Repository", "ruleset_source": context.state.full_name}
    return page(context, [rule | whose | {"ruleset_id": ruleset["id"]} for ruleset, rule in found])


def _checked(context: Context, made: dict[str, Any]) -> dict[str, Any]:
    """The rule set. Raises ``Refused`` (422) where GitHub takes no such one."""
    if made["enforcement"] not in ("disabled", "active", "evaluate") or made["target"] not in ("branch", "tag", "push"):
        raise Refused(422, 'Invalid request. No subschema in "anyOf" matched.')
    if any(one["name"] == made["name"] and one["id"] != made["id"] for one in context.state.rulesets.values()):
        raise Refused(422, "Validation Failed: Name must be unique")
    for rule in made["rules"]:
        _check_rule(context, rule)
    for actor in made["bypass_actors"]:
        _check_actor(actor)
    return made


def _check_rule(context: Context, rule: dict[str, Any]) -> None:
    kind, given = rule.get("type"), rule.get("parameters", {})
    if kind not in PARAMETERS or any(name not in given for name in PARAMETERS[kind]):
        raise Refused(422, f"Validation Failed: Invalid rule '{kind}': ")
    public_or_enterprise = not context.state.private or context.state.plan == "enterprise"
    if kind == "merge_queue" and not (context.state.organisation and public_or_enterprise):
        raise Refused(422, "Validation Failed: Invalid rule 'merge_queue': ")


def _check_actor(actor: dict[str, Any]) -> None:
    kind, mode = actor.get("actor_type"), actor.get("bypass_mode", "always")
    is_key = kind == "DeployKey"
    if kind not in ACTORS or mode not in ("always", "pull_request", "exempt") or (is_key and mode == "pull_request"):
        raise Refused(422, "Validation Failed: Bypass actors is invalid")
    if is_key != (actor.get("actor_id") is None) and kind != "OrganizationAdmin":
        raise Refused(422, "Validation Failed: Actor id is invalid")
