"""A workflow file, read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import yaml

from ..errors import PlayError
from ..github.permissions import effective, read_permissions
from ..values import Value
from .tree import Tree
from .triggers import KNOWN_EVENTS, as_list

FOLDER = ".github/workflows/"


@dataclass(frozen=True)
class Workflow:
    """One workflow. ``on`` maps each event to its filter; ``jobs`` is as written."""

    path: str
    name: str
    on: Mapping[str, Any]
    jobs: Mapping[str, Mapping[str, Any]]
    permissions: dict[str, str] | None
    concurrency: Any
    text: str

    @property
    def file(self) -> str:
        """File name without its folder."""
        return PurePosixPath(self.path).name

    def job_permissions(self, job: str, *, fork: bool) -> dict[str, str]:
        """What the token may do while ``job`` runs."""
        own = read_permissions(self.jobs[job].get("permissions"), f"{self.path}: job {job}")
        return effective(self.permissions, own, fork=fork)

    def inputs(self) -> Mapping[str, Mapping[str, Any]]:
        """Inputs that ``workflow_dispatch`` declares."""
        declared = (self.on.get("workflow_dispatch") or {}).get("inputs") or {}
        return {name: entry or {} for name, entry in declared.items()}


def parse(path: str, text: str) -> Workflow:
    """Read a workflow. Raises ``PlayError`` when it is not one."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise PlayError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("jobs"), dict) or not document["jobs"]:
        raise PlayError(f"{path}: a workflow needs a mapping 'jobs' with at least one job")
    events = document.get("on", document.get(True))
    on = events if isinstance(events, dict) else dict.fromkeys(as_list(events))
    if not on or set(on) - KNOWN_EVENTS:
        raise PlayError(f"{path}: 'on' names no event GitHub knows: {sorted(set(on) - KNOWN_EVENTS) or 'it is empty'}")
    for job, body in document["jobs"].items():
        if not isinstance(body, dict):
            raise PlayError(f"{path}: job {job} must be a mapping")
    granted = {} if "permissions" in document and document["permissions"] is None else document.get("permissions")
    return Workflow(
        path,
        str(document.get("name") or path),
        on,
        document["jobs"],
        read_permissions(granted, path),
        document.get("concurrency"),
        text,
    )


def workflows_of(tree: Tree) -> dict[str, str]:
    """Path and text of every workflow file of a commit."""
    paths = [path for path in tree.files(FOLDER) if path.endswith((".yml", ".yaml")) and "/" not in path[len(FOLDER) :]]
    return {path: tree.read(path) or "" for path in sorted(paths)}


def without_queue(text: str) -> str:
    """The same workflow for act, whose schema does not know ``concurrency.queue``.

    Concurrency is played outside of act, so a group of any name will do there.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return text
    jobs = [body for key, body in _entries(root) if key == "jobs"]
    bodies = [root, *(body for job in jobs for _, body in _entries(job))]
    values = [value for body in bodies for key, value in _entries(body) if key == "concurrency" and "queue" in dict(_entries(value))]
    for value in sorted(values, key=lambda node: node.start_mark.index, reverse=True):
        rest = "" if value.flow_style else "\n" + " " * value.end_mark.column
        text = text[: value.start_mark.index] + "outside" + rest + text[value.end_mark.index :]
    return text


def _entries(node: Value) -> list[tuple[str, Any]]:
    if not isinstance(node, yaml.MappingNode):
        return []
    return [(str(key.value), value) for key, value in node.value]
