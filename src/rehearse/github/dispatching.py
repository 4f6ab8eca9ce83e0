"""Starting workflows by hand, by the clock, or from outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..actions.runs import Run
from ..actions.tree import Tree
from ..actions.triggers import Happening
from ..actions.workflow import FOLDER, Workflow, parse, workflows_of
from ..errors import PlayError, Refused
from . import git
from .events import on_default_branch
from .model import RepositoryState

if TYPE_CHECKING:
    from .core import Core


def workflow_files(state: RepositoryState, ref: str | None = None) -> dict[str, str]:
    """File name to text of the workflows of a ref, the default branch's by default."""
    sha = git.resolve(state.git_dir, ref or state.default_branch)
    if sha is None:
        return {}
    return {path.removeprefix(FOLDER): text for path, text in workflows_of(Tree(state.git_dir, sha)).items()}


def workflow_names(state: RepositoryState) -> list[tuple[str, str]]:
    """Path and name of every workflow of the default branch that can be read."""
    found = []
    for file, text in workflow_files(state).items():
        try:
            found.append((FOLDER + file, parse(FOLDER + file, text).name))
        except PlayError:
            found.append((FOLDER + file, FOLDER + file))
    return found


def dispatch(core: Core, state: RepositoryState, file: str, inputs: Mapping[str, Any], actor: str, ref: str | None = None) -> list[Run]:
    """``workflow_dispatch``. Raises ``Refused`` (404, 422) for what GitHub would refuse."""
    if file not in workflow_files(state):
        raise Refused(404, f"Not Found: the default branch has no workflow {file}")
    text = workflow_files(state, ref).get(file)
    if text is None:
        raise Refused(422, f"No ref found for: {ref}, or it has no workflow {file}")
    workflow = parse(FOLDER + file, text)
    if "workflow_dispatch" not in workflow.on:
        raise Refused(422, f"Workflow does not have 'workflow_dispatch' trigger: {file}")
    filled = fill_inputs(workflow, inputs)
    payload = {"inputs": filled, "ref": f"refs/heads/{ref or state.default_branch}", "workflow": FOLDER + file}
    with core.lock:
        return on_default_branch(core, state, Happening("workflow_dispatch"), payload, actor, only=file, ref=ref)


def fill_inputs(workflow: Workflow, given: Mapping[str, Any]) -> dict[str, str]:
    """Inputs as text with defaults filled in. Raises ``Refused`` (422)."""
    declared = workflow.inputs()
    unknown = sorted(set(given) - set(declared))
    if unknown:
        raise Refused(422, f"Unexpected inputs provided: {unknown}; {workflow.file} has {sorted(declared)}")
    return {name: _input(workflow, name, entry, given) for name, entry in declared.items()}


def _input(workflow: Workflow, name: str, entry: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    value = given.get(name, entry.get("default"))
    if value in (None, ""):
        if entry.get("required"):
            raise Refused(422, f"Required input '{name}' not provided to {workflow.file}")
        return "false" if entry.get("type") == "boolean" else ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if entry.get("type") == "choice" and text not in [str(one) for one in entry.get("options") or []]:
        raise Refused(422, f"Provided value '{text}' for input '{name}' not in the list of allowed values {entry.get('options')}")
    if entry.get("type") == "boolean" and text not in ("true", "false"):
        raise Refused(422, f"Provided value '{text}' for input '{name}' is not a boolean")
    if entry.get("type") == "number" and not _is_number(text):
        raise Refused(422, f"Provided value '{text}' for input '{name}' is not a number")
    return text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def schedule(core: Core, state: RepositoryState, file: str, cron: str | None = None) -> list[Run]:
    """``schedule`` of one workflow of the default branch, at once. Raises ``Refused`` (404, 422)."""
    text = workflow_files(state).get(file)
    if text is None:
        raise Refused(404, f"Not Found: the default branch has no workflow {file}")
    crons = [str(one.get("cron")) for one in parse(FOLDER + file, text).on.get("schedule") or []]
    chosen = cron or (crons[0] if crons else None)
    if chosen not in crons:
        raise Refused(422, f"{file} has no schedule {chosen or ''} (it has {crons})")
    with core.lock:
        return on_default_branch(core, state, Happening("schedule", cron=chosen), {"schedule": chosen}, state.owner, only=file)


def repository_dispatch(core: Core, state: RepositoryState, kind: str, client_payload: Mapping[str, Any], actor: str) -> list[Run]:
    """``repository_dispatch`` with an event type of the caller's choice."""
    with core.lock:
        return on_default_branch(
            core,
            state,
            Happening("repository_dispatch", kind),
            {"action": kind, "client_payload": dict(client_payload)},
            actor,
        )
