"""Workflow runs, their jobs and artifacts, and starting a workflow by hand."""

from __future__ import annotations

import secrets

from ...actions.runs import Run
from ...errors import Refused
from .. import dispatching, views
from ..hosts import RESULTS_HOST
from ..model import Artifact
from ..server import Reply
from .router import Context, page, required, route


def _run(context: Context) -> Run:
    found = next((one for one in context.state.runs if one.id == context.number("n")), None)
    if found is None:
        raise Refused(404, "Not Found")
    return found


def _view(context: Context, one: Run) -> views.View:
    pulls = [
        p for p in context.state.pulls if p.state == "open" and p.head_sha == one.head_sha and p.head_repository == context.state.full_name
    ]
    return views.run(context.state, one, context.core.repositories.get(one.head_repository), [] if one.fork else pulls)


def _page_of_runs(context: Context, runs: list[Run]) -> Reply:
    query = context.call.query
    wanted = {
        "head_sha": query.get("head_sha"),
        "event": query.get("event"),
        "head_branch": query.get("branch"),
        "actor": query.get("actor"),
    }
    chosen = [
        one
        for one in reversed(runs)
        if all(value is None or getattr(one, name) == value for name, value in wanted.items())
        and query.get("status") in (None, one.status, one.conclusion)
    ]
    return page(context, [_view(context, one) for one in chosen], "workflow_runs")


@route("GET", "~/actions/runs", "actions:read")
def list_runs(context: Context) -> Reply:
    return _page_of_runs(context, context.state.runs)


@route("GET", "~/actions/workflows/{file}/runs", "actions:read")
def list_workflow_runs(context: Context) -> Reply:
    file = context.parts["file"]
    runs = [one for one in context.state.runs if file in (one.workflow, str(views.workflow_id(one.path)))]
    known = [word for path, _ in dispatching.workflow_names(context.state) for word in _words(path)]
    if not runs and file not in known:
        raise Refused(404, "Not Found")
    return _page_of_runs(context, runs)


def _words(path: str) -> tuple[str, str]:
    return path.rsplit("/", 1)[-1], str(views.workflow_id(path))


@route("GET", "~/actions/workflows", "actions:read")
def list_workflows(context: Context) -> Reply:
    found = [
        {"id": views.workflow_id(path), "name": name, "path": path, "state": "active"}
        for path, name in dispatching.workflow_names(context.state)
    ]
    return page(context, found, "workflows")


@route("GET", "~/actions/workflows/{file}", "actions:read")
def get_workflow(context: Context) -> Reply:
    for path, name in dispatching.workflow_names(context.state):
        if context.parts["file"] in _words(path):
            return Reply.of(200, {"id": views.workflow_id(path), "name": name, "path": path, "state": "active"})
    raise Refused(404, "Not Found")


@route("GET", "~/actions/runs/{n}", "actions:read")
def get_run(context: Context) -> Reply:
    return Reply.of(200, _view(context, _run(context)))


@route("GET", "~/actions/runs/{n}/jobs", "actions:read")
def list_jobs(context: Context) -> Reply:
    one = _run(context)
    names = list(one.definition.jobs) if one.definition else []
    return page(context, [views.job(one, name, number) for number, name in enumerate(names)], "jobs")


@route("POST", "~/actions/runs/{n}/cancel", "actions:write")
def cancel_run(context: Context) -> Reply:
    one = _run(context)
    if one.status == "completed":
        raise Refused(409, "Cannot cancel a workflow run that is completed.")
    context.core.player.cancel(one, context.actor)
    return Reply.of(202, {})


@route("POST", "~/actions/workflows/{file}/dispatches", "actions:write", locked=False)
def dispatch(context: Context) -> Reply:
    value = context.call.json()
    required(value, "ref")
    known = [path for path, _ in dispatching.workflow_names(context.state) if context.parts["file"] in _words(path)]
    file = _words(known[0])[0] if known else context.parts["file"]
    dispatching.dispatch(context.core, context.state, file, value.get("inputs") or {}, context.actor, str(value["ref"]))
    return Reply(204)


@route("POST", "~/dispatches", "contents:write")
def repository_dispatch(context: Context) -> Reply:
    value = context.call.json()
    required(value, "event_type")
    dispatching.repository_dispatch(context.core, context.state, str(value["event_type"]), value.get("client_payload") or {}, context.actor)
    return Reply(204)


def _artifact_views(context: Context, chosen: list[Artifact]) -> Reply:
    heads = {one.id: one.head_sha for one in context.state.runs}
    name = context.call.query.get("name")
    return page(
        context,
        [views.artifact(context.state, one, heads.get(one.run_id, "")) for one in reversed(chosen) if name in (None, one.name)],
        "artifacts",
    )


@route("GET", "~/actions/runs/{n}/artifacts", "actions:read")
def list_run_artifacts(context: Context) -> Reply:
    one = _run(context)
    return _artifact_views(context, [each for each in context.state.artifacts if each.run_id == one.id])


@route("GET", "~/actions/artifacts", "actions:read")
def list_artifacts(context: Context) -> Reply:
    return _artifact_views(context, context.state.artifacts)


def _artifact(context: Context) -> Artifact:
    found = next((one for one in context.state.artifacts if one.id == context.number("n")), None)
    if found is None:
        raise Refused(404, "Not Found")
    return found


@route("GET", "~/actions/artifacts/{n}", "actions:read")
def get_artifact(context: Context) -> Reply:
    one = _artifact(context)
    heads = {run.id: run.head_sha for run in context.state.runs}
    return Reply.of(200, views.artifact(context.state, one, heads.get(one.run_id, "")))


@route("GET", "~/actions/artifacts/{n}/zip", "actions:read")
def download_artifact(context: Context) -> Reply:
    one, key = _artifact(context), secrets.token_urlsafe(16)
    context.core.signed[key] = one.path
    return Reply(302, headers={"location": f"https://{RESULTS_HOST}/signed/{key}"})
