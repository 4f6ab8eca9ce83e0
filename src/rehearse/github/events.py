"""Events: their payloads, and the runs they start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..actions.checks import Checker
from ..actions.concurrency import Group, read_group
from ..actions.runs import Run
from ..actions.tree import Tree
from ..actions.triggers import Happening, starts
from ..actions.workflow import FOLDER, Workflow, parse, workflows_of
from ..errors import PlayError
from . import git, views
from .model import Pull, RepositoryState

if TYPE_CHECKING:
    from .core import Core


@dataclass
class Event:
    """An event about to start runs.

    ``sha`` and ``ref`` become GITHUB_SHA and GITHUB_REF, ``tree`` is the commit whose
    workflow files count, ``head_sha``/``head_branch`` what the run is said to be about.
    """

    happening: Happening
    payload: dict[str, Any]
    sha: str
    ref: str
    tree: str
    head_sha: str
    head_branch: str
    actor: str
    head_repository: str
    pull: int | None = None
    fork: bool = False
    only: str | None = None


def play(core: Core, state: RepositoryState, event: Event) -> list[Run]:
    """Start every workflow the event starts. Refusals become problems and failed runs."""
    tree, started = Tree(state.git_dir, event.tree), []
    payload = event.payload | {"repository": views.repository(state), "sender": views.user(event.actor)}
    with core.lock:
        for path, text in workflows_of(tree).items():
            file = path.removeprefix(FOLDER)
            if file in state.left_out or event.only not in (None, file):
                continue
            try:
                workflow = parse(path, text)
                if not starts(workflow.on, event.happening):
                    continue
            except PlayError as error:
                core.problems.append(str(error))
                continue
            started.append(_start(core, state, event, payload | {"workflow": payload.get("workflow", path)}, workflow))
    return started


def _start(core: Core, state: RepositoryState, event: Event, payload: dict[str, Any], workflow: Workflow) -> Run:
    number = 1 + sum(1 for one in state.runs if one.path == workflow.path)
    run = Run(
        id=core.next_id(),
        number=number,
        repository=state.full_name,
        workflow=workflow.file,
        name=workflow.name,
        event=event.happening.event,
        sha=event.sha,
        ref=event.ref,
        head_sha=event.head_sha,
        head_branch=event.head_branch,
        actor=event.actor,
        log=core.world.logs,
        head_repository=event.head_repository,
        pull=event.pull,
        fork=event.fork,
        payload=payload,
        tree_sha=event.tree,
        definition=workflow,
    )
    run.log = core.world.logs / f"run-{run.id}-{workflow.file.rsplit('.', 1)[0]}.log"
    try:
        checker = Checker(Tree(state.git_dir, event.tree), core.standins)
        checker.check(workflow)
        run.actions = checker.found
        run.groups = _groups(state, run, workflow)
    except PlayError as error:
        run.status, run.conclusion, run.message = "completed", "startup_failure", str(error)
        state.runs.append(run)
        core.problems.append(str(error))
        core.tell("run finished", run=run)
        return run
    core.player.enqueue(run)
    return run


def _groups(state: RepositoryState, run: Run, workflow: Workflow) -> list[Group]:
    pull = run.payload.get("pull_request") or {}
    github = {
        "event": run.payload,
        "event_name": run.event,
        "sha": run.sha,
        "ref": run.ref,
        "ref_name": run.ref.removeprefix("refs/heads/").removeprefix("refs/tags/").removeprefix("refs/pull/"),
        "ref_type": "tag" if run.ref.startswith("refs/tags/") else "branch",
        "head_ref": (pull.get("head") or {}).get("ref", ""),
        "base_ref": (pull.get("base") or {}).get("ref", ""),
        "actor": run.actor,
        "triggering_actor": run.actor,
        "workflow": run.name,
        "repository": run.repository,
        "repository_owner": state.owner,
        "run_id": str(run.id),
        "run_number": str(run.number),
        "run_attempt": "1",
    }
    contexts = {"github": github, "inputs": run.payload.get("inputs") or {}, "vars": state.variables}
    values = [
        (workflow.concurrency, workflow.path),
        *((job.get("concurrency"), f"{workflow.path}: job {name}") for name, job in workflow.jobs.items()),
    ]
    return [read_group(value, contexts, where) for value, where in values if value is not None]


def push(core: Core, state: RepositoryState, ref: str, old: str, new: str, actor: str) -> None:
    """The ``push`` event of one updated branch or tag."""
    branch = ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else None
    tag = ref.removeprefix("refs/tags/") if ref.startswith("refs/tags/") else None
    if new == git.ZERO or (branch is None and tag is None):
        return
    sha = git.resolve(state.git_dir, new) or new
    since = old if old != git.ZERO else _start_of_branch(state, branch, sha)
    files = None if tag else git.changed_files(state.git_dir, since, sha)
    commits = [] if tag else git.commits_between(state.git_dir, since, sha)
    told = [
        {"id": one["sha"], "message": one["message"].strip(), "author": {"name": one["name"], "email": one["email"]}} for one in commits
    ]
    message = git.git(state.git_dir, "log", "-1", "--format=%B", sha)
    payload = {
        "ref": ref,
        "before": old,
        "after": sha,
        "created": old == git.ZERO,
        "deleted": False,
        "forced": old != git.ZERO and not git.is_ancestor(state.git_dir, old, sha),
        "commits": told,
        "head_commit": {"id": sha, "message": message},
        "pusher": {"name": actor},
    }
    happening = Happening("push", branch=branch, tag=tag, files=files, message=message)
    play(core, state, Event(happening, payload, sha, ref, sha, sha, branch or tag or "", actor, state.full_name))


def _start_of_branch(state: RepositoryState, branch: str | None, sha: str) -> str:
    main = git.resolve(state.git_dir, f"refs/heads/{state.default_branch}")
    if main is None or branch == state.default_branch:
        return git.ZERO
    return git.merge_base(state.git_dir, main, sha) or git.ZERO


def pull_request(core: Core, state: RepositoryState, one: Pull, action: str, actor: str, label: str | None = None) -> None:
    """The ``pull_request`` and ``pull_request_target`` events, from the merge commit and the default branch.

    ``label`` names the label of the actions ``labeled`` and ``unlabeled``.
    """
    merge = git.resolve(state.git_dir, f"refs/pull/{one.number}/merge")
    base = git.resolve(state.git_dir, f"refs/heads/{state.default_branch}") or one.base_sha
    start = git.merge_base(state.git_dir, one.base_sha, one.head_sha)
    files = git.changed_files(state.git_dir, start or git.ZERO, one.head_sha)
    payload = {
        "action": action,
        "number": one.number,
        "pull_request": views.pull(state, one, core.repositories.get(one.head_repository), merge is not None),
        **({"label": views.label(state, label)} if label is not None else {}),
    }
    fork = one.head_repository != state.full_name
    message = git.git(state.git_dir, "log", "-1", "--format=%B", one.head_sha)
    ref = f"refs/pull/{one.number}/merge"
    if merge is not None:
        happening = Happening("pull_request", action, branch=one.base_ref, files=files, message=message)
        play(
            core,
            state,
            Event(
                happening,
                payload,
                merge,
                ref,
                merge,
                one.head_sha,
                one.head_ref,
                actor,
                one.head_repository,
                one.number,
                fork,
            ),
        )
    happening = Happening("pull_request_target", action, branch=one.base_ref, files=files)
    play(
        core,
        state,
        Event(
            happening,
            payload,
            base,
            f"refs/heads/{state.default_branch}",
            base,
            base,
            state.default_branch,
            actor,
            one.head_repository,
            one.number,
        ),
    )


def merge_group(core: Core, state: RepositoryState, one: Pull, merged: str, ref: str, actor: str) -> None:
    """The ``merge_group`` event: the base with the pull request merged in, before the base moves."""
    payload = {
        "action": "checks_requested",
        "merge_group": {
            "head_sha": merged,
            "head_ref": ref,
            "base_sha": one.base_sha,
            "base_ref": f"refs/heads/{one.base_ref}",
        },
    }
    happening = Happening("merge_group", "checks_requested", branch=one.base_ref)
    play(
        core,
        state,
        Event(happening, payload, merged, ref, merged, merged, ref.removeprefix("refs/heads/"), actor, state.full_name),
    )


def workflow_run(core: Core, run: Run, action: str) -> None:
    """The ``workflow_run`` event, for workflows of the default branch only."""
    state = core.repositories[run.repository]
    head = git.resolve(state.git_dir, f"refs/heads/{state.default_branch}")
    if head is None or core.player.closed:
        return
    pulls = [one for one in state.pulls if one.state == "open" and one.head_sha == run.head_sha and one.head_repository == state.full_name]
    view = views.run(state, run, core.repositories.get(run.head_repository), [] if run.fork else pulls)
    payload = {
        "action": action,
        "workflow_run": view,
        "workflow": {"id": view["workflow_id"], "name": run.name, "path": run.path},
    }
    happening = Happening("workflow_run", action, branch=run.head_branch, workflow=run.name)
    play(
        core,
        state,
        Event(
            happening,
            payload,
            head,
            f"refs/heads/{state.default_branch}",
            head,
            head,
            state.default_branch,
            run.actor,
            state.full_name,
        ),
    )


def on_default_branch(
    core: Core,
    state: RepositoryState,
    happening: Happening,
    payload: dict[str, Any],
    actor: str,
    only: str | None = None,
    ref: str | None = None,
) -> list[Run]:
    """An event that plays the default branch (or ``ref``): dispatch, schedule, comments, issues."""
    name = ref or state.default_branch
    sha = git.resolve(state.git_dir, name)
    if sha is None:
        return []
    full = (
        name
        if name.startswith("refs/")
        else f"refs/tags/{name}"
        if git.resolve(state.git_dir, f"refs/heads/{name}") is None
        else f"refs/heads/{name}"
    )
    short = full.removeprefix("refs/heads/").removeprefix("refs/tags/")
    return play(core, state, Event(happening, payload, sha, full, sha, sha, short, actor, state.full_name, only=only))
