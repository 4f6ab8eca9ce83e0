"""Two rule sets of main: what it takes no commit without, and the merge queue.

They are two because a plan without merge queues refuses the second one alone, and because who may go past the queue (an administrator,
who merges an overridden pull request) may not go past the check. The check names no app: whoever may push a branch can have a job set it.
"""

from functools import partial
from typing import Any

from .. import github
from . import MAIN, STATUS, Change, Found, Wanted, Word

QUEUE = "merge queue"
_REFS = (f"refs/heads/{MAIN}", "~DEFAULT_BRANCH", "~ALL")
Body = dict[str, Any]
_ANY_DEPLOY_KEY: Body = {"actor_id": None, "actor_type": "DeployKey", "bypass_mode": "always"}
_ADMINISTRATORS: Body = {"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "pull_request"}


def look_at_check(wanted: Wanted) -> Found:
    """The rule set "model review", and what in others forbids the way of promotion.

    "Get all repository rulesets" (``GET …/rulesets``), "Get a repository ruleset" (``GET …/rulesets/{id}``), "Get rules for a branch"
    (``GET …/rules/branches/main``); "Create" and "Update a repository ruleset" (``POST …/rulesets``, ``PUT …/rulesets/{id}``).
    """
    kinds = {"deletion": "cannot be deleted", "non_fast_forward": "takes no force push"}
    checks = {
        "required_status_checks": [{"context": STATUS}],
        "strict_required_status_checks_policy": False,
        "do_not_enforce_on_create": True,
    }
    rules: list[Body] = [*({"type": kind} for kind in kinds), {"type": "required_status_checks", "parameters": checks}]
    words = kinds | {"required_status_checks": f"takes no commit without the status '{STATUS}'"}
    if wanted.push != "direct":
        rules.append({"type": "pull_request", "parameters": _PULL_REQUEST})
        words["pull_request"] = "is changed by pull requests only (who must approve is yours to set)"
    yield from _look(STATUS, rules, words, [_ANY_DEPLOY_KEY] if wanted.push == "deploy-key" else [])
    if wanted.push == "direct":
        yield from _in_the_way()


def look_at_queue(wanted: Wanted) -> Found:
    """The rule set "merge queue", where promotion can live with one."""
    if wanted.push == "direct":
        yield Word("look", "merge queue: left out, main would take no push of a job; it wants promotion.push: deploy-key or pull-request")
    elif not wanted.organisation:
        yield Word("look", "merge queue: GitHub has it for repositories of organisations only; merge one pull request after the other")
    else:
        rules: list[Body] = [{"type": "merge_queue", "parameters": _ONE_BY_ONE | {"merge_method": wanted.merge_method}}]
        words = {"merge_queue": "takes pull requests one by one, each trained and judged on the very main that it lands on"}
        passing = [_ADMINISTRATORS, *([_ANY_DEPLOY_KEY] if wanted.push == "deploy-key" else [])]
        yield from _look(QUEUE, rules, words, passing)


# All keys that the documentation calls required; people set them stricter, which stays.
_PULL_REQUEST: Body = {
    "required_approving_review_count": 0,
    "dismiss_stale_reviews_on_push": False,
    "require_code_owner_review": False,
    "require_last_push_approval": False,
    "required_review_thread_resolution": False,
}
_ONE_BY_ONE: Body = {
    "grouping_strategy": "ALLGREEN",
    "max_entries_to_build": 1,
    "max_entries_to_merge": 1,
    "min_entries_to_merge": 1,
    "min_entries_to_merge_wait_minutes": 0,
    "check_response_timeout_minutes": 120,  # train.yml and review.yml together, and some waiting for a runner
}


def _look(name: str, rules: list[Body], words: dict[str, str], passing: list[Body]) -> Found:
    number = next((one["id"] for one in github.get_all("rulesets", includes_parents="false") if one["name"] == name), None)
    if number is None:
        body: Body = {"name": name, "target": "branch", "enforcement": "active", "rules": rules, "bypass_actors": passing}
        body["conditions"] = {"ref_name": {"include": [_REFS[0]], "exclude": []}}
        yield Change(_told(name, [*words.values(), *map(_who, passing)]), partial(github.send, "POST", "rulesets", body))
        return
    now = github.get(f"rulesets/{number}")
    if now["enforcement"] != "active":
        yield Word("look", f"rule set '{name}': it is there but not active, so it protects nothing; it stays so until you switch it on")
    body, lacking = _completed(now, rules, words, passing)
    if lacking:
        yield Change(_told(name, lacking), partial(github.send, "PUT", f"rulesets/{number}", body))


def _completed(now: Body, rules: list[Body], words: dict[str, str], passing: list[Body]) -> tuple[Body, list[str]]:
    """The rule set as it is with what it lacks, and that in words."""
    lacking: list[str] = []
    kept = list(now["rules"])
    for rule in rules:
        there = next((one for one in kept if one["type"] == rule["type"]), None)
        if there is None or not _covers(there, rule):
            kept = [one for one in kept if one is not there] + [_joined(there, rule)]
            lacking.append(words[rule["type"]])
    actors = list(now.get("bypass_actors") or [])
    for actor in passing:
        if not any(_is(one, actor) for one in actors):
            actors.append(actor)
            lacking.append(_who(actor))
    refs = now.get("conditions", {}).get("ref_name", {"include": [], "exclude": []})
    if not set(refs["include"]) & set(_REFS):
        refs = refs | {"include": [*refs["include"], _REFS[0]]}
        lacking.append("is what it is about")
    same = {key: now[key] for key in ("name", "target", "enforcement")}
    return same | {"rules": kept, "bypass_actors": actors, "conditions": {"ref_name": refs}}, lacking


def _is(one: Body, actor: Body) -> bool:
    """Whether somebody on a bypass list is who we mean; deploy keys have no number, or one that says nothing."""
    return one["actor_type"] == actor["actor_type"] and (actor["actor_id"] is None or one["actor_id"] == actor["actor_id"])


def _covers(there: Body, rule: Body) -> bool:
    """Whether a rule has what ours asks for: of the checks ours, of all else that it is there at all."""
    return rule["type"] != "required_status_checks" or STATUS in (
        one["context"] for one in there.get("parameters", {}).get("required_status_checks", [])
    )


def _joined(there: Body | None, rule: Body) -> Body:
    if there is None:
        return rule
    ours, theirs = rule["parameters"], there.get("parameters", {})
    checks = [*theirs.get("required_status_checks", []), *ours["required_status_checks"]]
    return rule | {"parameters": ours | theirs | {"required_status_checks": checks}}


def _told(name: str, parts: list[str]) -> str:
    return f"rule set '{name}': {MAIN} {', '.join(parts)}"


def _who(actor: Body) -> str:
    if actor["actor_type"] == "DeployKey":
        return "lets deploy keys pass that may write"
    return "lets administrators merge past it, for overrides"


def _in_the_way() -> Found:
    refused = {"pull_request": "a pull request", "merge_queue": "the merge queue"}
    for rule in github.get_all(f"rules/branches/{MAIN}"):
        if rule["type"] in refused:
            whose = rule.get("ruleset_source_type", "Repository").lower()
            what = f"{MAIN}: a rule set of the {whose} asks for {refused[rule['type']]}, so that promotion cannot push"
            yield Word("look", f"{what}; take the rule off, or set promotion.push to deploy-key or pull-request")
