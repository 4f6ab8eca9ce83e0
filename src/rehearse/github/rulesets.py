"""Rule sets and protected branches: what a branch takes, whichever of them says so.

Source: GitHub documentation, "Available rules for rulesets". Deploy keys that may bypass a rule set push over SSH, which is not played
here, and which persons have a role is not known: a rule set lets nobody pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..actions.globs import matches
from . import git
from .model import Protection, RepositoryState

Rules = dict[str, Any]


def applying(state: RepositoryState, branch: str) -> Iterator[tuple[Rules, Rules]]:
    """Each rule of an active rule set that covers a branch, with its rule set."""
    for ruleset in state.rulesets.values():
        if ruleset["enforcement"] == "active" and covers(ruleset, branch, state.default_branch):
            for rule in ruleset["rules"]:
                yield ruleset, rule


def covers(ruleset: Rules, branch: str, default: str) -> bool:
    """Whether a rule set is about a branch: it is included and not excluded."""
    names = ruleset["conditions"]["ref_name"]
    return any(_named(one, branch, default) for one in names["include"]) and not any(
        _named(one, branch, default) for one in names["exclude"]
    )


def _named(pattern: str, branch: str, default: str) -> bool:
    if pattern == "~ALL" or (pattern == "~DEFAULT_BRANCH" and branch == default):
        return True
    return not pattern.startswith("~") and matches([pattern], f"refs/heads/{branch}")


def protection(state: RepositoryState, branch: str) -> Protection | None:
    """Everything that holds for a branch, None when nothing does."""
    classic, rules = state.protections.get(branch), [rule for _, rule in applying(state, branch)]
    if not rules:
        return classic
    kinds, statuses = {rule["type"] for rule in rules}, list(classic.required_statuses if classic else [])
    is_new = git.resolve(state.git_dir, f"refs/heads/{branch}") is None
    for rule in rules:
        if rule["type"] == "required_status_checks" and not (is_new and rule["parameters"].get("do_not_enforce_on_create")):
            statuses += [one["context"] for one in rule["parameters"]["required_status_checks"] if one["context"] not in statuses]
    wants_pull = "pull_request" in kinds or (classic is not None and classic.require_pull)
    return Protection(statuses, wants_pull, queue="merge_queue" in kinds)


def protections(state: RepositoryState) -> dict[str, Protection]:
    """The protected ones of the branches there are, and of those that have rules of their own."""
    there = {ref.removeprefix("refs/heads/") for ref in git.refs(state.git_dir) if ref.startswith("refs/heads/")}
    found = {branch: protection(state, branch) for branch in sorted(there | set(state.protections))}
    return {branch: rules for branch, rules in found.items() if rules is not None}
