"""Does an event start a workflow? The filters of ``on:``, which act leaves out.

Source: GitHub documentation, "Events that trigger workflows".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..values import Value
from .globs import matches

DEFAULT_TYPES: Mapping[str, tuple[str, ...]] = {
    "pull_request": ("opened", "synchronize", "reopened"),
    "pull_request_target": ("opened", "synchronize", "reopened"),
    "merge_group": ("checks_requested",),
}
KNOWN_EVENTS = frozenset(
    {
        "push",
        "pull_request",
        "pull_request_target",
        "merge_group",
        "workflow_run",
        "workflow_dispatch",
        "workflow_call",
        "repository_dispatch",
        "schedule",
        "issues",
        "issue_comment",
        "release",
        "deployment",
        "deployment_status",
        "status",
        "check_run",
        "check_suite",
        "create",
        "delete",
        "fork",
        "label",
        "milestone",
        "page_build",
        "public",
        "pull_request_review",
        "pull_request_review_comment",
        "registry_package",
        "watch",
        "gollum",
        "discussion",
        "discussion_comment",
        "branch_protection_rule",
    }
)
SKIP = re.compile(r"\[(skip ci|ci skip|no ci|skip actions|actions skip)\]|^skip-checks:\s*true\s*\Z", re.MULTILINE)


@dataclass(frozen=True)
class Happening:
    """What a trigger looks at: the event, the branch or tag it is about, the files.

    ``branch`` is the pushed branch, the base of a pull request or merge group, or the
    head branch of the run that finished. ``files`` is None where GitHub compares none.
    """

    event: str
    action: str | None = None
    branch: str | None = None
    tag: str | None = None
    files: Sequence[str] | None = None
    workflow: str | None = None
    message: str = ""
    cron: str | None = None


def starts(on: Mapping[str, Any], happening: Happening) -> bool:
    """Whether a workflow with this ``on`` mapping (event to filter) starts."""
    if happening.event not in on:
        return False
    if happening.event in ("push", "pull_request") and SKIP.search(happening.message):
        return False
    found = on[happening.event]
    if happening.event == "schedule":
        return happening.cron is None or any(one.get("cron") == happening.cron for one in found or [])
    rules: Mapping[str, Any] = found or {}
    return _type(rules, happening) and _workflow(rules, happening) and _ref(rules, happening) and _paths(rules, happening)


def _type(rules: Mapping[str, Any], happening: Happening) -> bool:
    wanted = rules.get("types") or DEFAULT_TYPES.get(happening.event)
    return wanted is None or happening.action is None or happening.action in as_list(wanted)


def _workflow(rules: Mapping[str, Any], happening: Happening) -> bool:
    return happening.event != "workflow_run" or matches(as_list(rules.get("workflows")), happening.workflow or "")


def _ref(rules: Mapping[str, Any], happening: Happening) -> bool:
    if happening.event == "push":
        asked_branches = {"branches", "branches-ignore"} & set(rules)
        asked_tags = {"tags", "tags-ignore"} & set(rules)
        if happening.tag is not None:
            return _named(rules, "tags", happening.tag) if asked_tags else not asked_branches
        return _named(rules, "branches", happening.branch) if asked_branches else not asked_tags
    return _named(rules, "branches", happening.branch)


def _named(rules: Mapping[str, Any], key: str, value: str | None) -> bool:
    if key in rules and not (value is not None and matches(as_list(rules[key]), value)):
        return False
    ignored = rules.get(f"{key}-ignore")
    return ignored is None or value is None or not matches(as_list(ignored), value)


def _paths(rules: Mapping[str, Any], happening: Happening) -> bool:
    if happening.files is None or happening.tag is not None:
        return True
    if "paths" in rules:
        return any(matches(as_list(rules["paths"]), path) for path in happening.files)
    if "paths-ignore" in rules:
        return not all(matches(as_list(rules["paths-ignore"]), path) for path in happening.files)
    return True


def as_list(value: Value) -> list[str]:
    """A YAML value that may be one word or several, as a list of words."""
    if value is None:
        return []
    return [str(one) for one in value] if isinstance(value, (list, tuple)) else [str(value)]
