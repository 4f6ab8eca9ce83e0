"""Refuse, before playing, what would be played differently from GitHub."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from ..errors import PlayError
from .standins import Reference, StandIns
from .tree import Tree
from .triggers import as_list
from .workflow import Workflow, parse

RUNNERS = ("ubuntu-latest", "ubuntu-24.04", "ubuntu-22.04")
FULL_SHA = re.compile(r"[0-9a-f]{40}")
MATRIX = re.compile(r"\$\{\{\s*matrix\.([\w-]+)\s*\}\}")
IGNORE_PAIRS = ("branches", "tags", "paths")


@dataclass
class Checker:
    """Checks workflows of one commit; ``found`` maps each ``uses`` to its stand-in folder."""

    tree: Tree
    standins: StandIns
    found: dict[str, str] = field(default_factory=dict)

    def check(self, workflow: Workflow) -> None:
        """Raise ``PlayError`` naming file, job and step of the first thing that cannot be played."""
        self._filters(workflow)
        for name, job in workflow.jobs.items():
            where = f"{workflow.path}: job {name}"
            workflow.job_permissions(name, fork=False)
            matrix = (job.get("strategy") or {}).get("matrix")
            self._job(job, where, matrix if isinstance(matrix, Mapping) else {})

    def _filters(self, workflow: Workflow) -> None:
        for event, rules in workflow.on.items():
            for key in IGNORE_PAIRS:
                if isinstance(rules, Mapping) and key in rules and f"{key}-ignore" in rules:
                    raise PlayError(f"{workflow.path}: on.{event} has both {key} and {key}-ignore; GitHub accepts one of them")
                patterns = as_list(rules.get(key)) if isinstance(rules, Mapping) else []
                if patterns and all(one.startswith("!") for one in patterns):
                    raise PlayError(f"{workflow.path}: on.{event}.{key} has only patterns that begin with '!'; add one without")
            if event == "workflow_run" and not as_list((rules or {}).get("workflows")):
                raise PlayError(f"{workflow.path}: on.workflow_run must list 'workflows'")

    def _job(self, job: Mapping[str, Any], where: str, matrix: Mapping[str, Any]) -> None:
        for key in ("services", "container"):
            if key in job:
                raise PlayError(f"{where}: '{key}:' needs containers, which a rehearsal does not have")
        if job.get("continue-on-error"):
            raise PlayError(f"{where}: job-level continue-on-error is not played; put it on the step")
        _timeout(job, where)
        if "uses" in job:
            self._called(str(job["uses"]), where)
            return
        _runner(job, where, matrix)
        steps = job.get("steps")
        if not isinstance(steps, list) or not steps:
            raise PlayError(f"{where}: it has no steps")
        for step in _named_steps(steps, where):
            self._step(*step)

    def _called(self, uses: str, where: str) -> None:
        if not uses.startswith("./"):
            raise PlayError(f"{where}: the reusable workflow {uses} has no stand-in; only ./.github/workflows/... can be played")
        text = self.tree.read(uses[2:])
        if text is None:
            raise PlayError(f"{where}: {uses} is not in the commit")
        self.check(parse(uses[2:], text))

    def _step(self, step: Mapping[str, Any], where: str) -> None:
        _timeout(step, where)
        uses = step.get("uses")
        if uses is None:
            if "run" not in step:
                raise PlayError(f"{where}: a step needs 'run' or 'uses'")
            return
        given = step.get("with") or {}
        if str(uses).startswith("$/"):
            raise PlayError(f"{where}: 'uses: {uses}' cannot be played; write ./{str(uses)[2:]} after a checkout")
        if str(uses).startswith("docker://"):
            raise PlayError(f"{where}: {uses} needs containers, which a rehearsal does not have")
        if str(uses).startswith("./"):
            self._local(str(uses), given, where)
            return
        self._public(str(uses), given, where)

    def _local(self, uses: str, given: Mapping[str, Any], where: str) -> None:
        folder = uses[2:].rstrip("/")
        text = self.tree.read(f"{folder}/action.yml") or self.tree.read(f"{folder}/action.yaml")
        if text is None:
            raise PlayError(f"{where}: {uses} has no action.yml in the commit")
        definition = yaml.safe_load(text)
        _inputs(definition, given, uses, where)
        runs = definition.get("runs") or {}
        if runs.get("using") == "docker":
            raise PlayError(f"{where}: {uses} is a docker action, which a rehearsal cannot run")
        for step, inner in _named_steps(runs.get("steps") or [], f"{where}: {uses}"):
            self._step(step, inner)

    def _public(self, uses: str, given: Mapping[str, Any], where: str) -> None:
        reference = Reference.parse(uses)
        if not FULL_SHA.fullmatch(reference.ref):
            raise PlayError(f"{where}: {uses} is not pinned by a full commit SHA (40 hex digits)")
        definition = self.standins.definition(reference)
        if definition is None:
            raise PlayError(f"{where}: no stand-in for {uses}; there are stand-ins for {', '.join(self.standins.names())}")
        _inputs(definition, given, uses, where)
        self.found[f"{reference.action}@{reference.ref}"] = str(self.standins.folder(reference))
        for step, inner in _named_steps((definition.get("runs") or {}).get("steps") or [], where):
            if "uses" in step:
                self._step(step, inner)


def _inputs(definition: Mapping[str, Any], given: Mapping[str, Any], uses: str, where: str) -> None:
    declared = {str(name).lower(): entry or {} for name, entry in (definition.get("inputs") or {}).items()}
    names = {str(name).lower() for name in given}
    unknown = sorted(names - set(declared))
    if unknown:
        raise PlayError(f"{where}: {uses.split('@')[0]} has no input {', '.join(map(repr, unknown))}; it has {', '.join(sorted(declared))}")
    for name, entry in declared.items():
        if entry.get("required") in (True, "true") and "default" not in entry and name not in names:
            raise PlayError(f"{where}: {uses.split('@')[0]} needs the input '{name}'")


def _timeout(entry: Mapping[str, Any], where: str) -> None:
    value = entry.get("timeout-minutes")
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise PlayError(f"{where}: timeout-minutes is {value!r}; it must be a whole number of minutes")


def _runner(job: Mapping[str, Any], where: str, matrix: Mapping[str, Any]) -> None:
    labels = as_list(job.get("runs-on"))
    found = MATRIX.fullmatch(labels[0]) if len(labels) == 1 else None
    if found:
        extra = [row.get(found[1]) for row in matrix.get("include") or [] if isinstance(row, Mapping) and found[1] in row]
        labels = [*as_list(matrix.get(found[1])), *map(str, extra)]
    elif len(labels) > 1:
        raise PlayError(f"{where}: runs-on {labels} asks for several labels; a rehearsal has {', '.join(RUNNERS)}")
    wrong = [label for label in labels if label not in RUNNERS]
    if wrong or not labels:
        raise PlayError(f"{where}: runs-on {', '.join(wrong) or 'is missing'}; a rehearsal has {', '.join(RUNNERS)}")


def _named_steps(steps: list[Any], where: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    for number, step in enumerate(steps, start=1):
        if not isinstance(step, Mapping):
            raise PlayError(f"{where}: step {number} must be a mapping")
        yield step, f"{where}: step {number} ({step.get('name') or step.get('id') or step.get('uses') or 'run'})"
