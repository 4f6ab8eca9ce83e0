"""The artifact service that the upload and download stand-ins talk to.

The run's token says which run it is; like the real service, it asks for no permission.
"""

from __future__ import annotations

import hashlib

from ...actions.runs import Run
from ...errors import Refused
from ..model import Artifact
from ..server import Reply
from .router import Context, route

FORBIDDEN = set('"<>|*?:\\/\r\n')


def _own_run(context: Context) -> Run:
    run = context.call.caller.run
    if run is None:
        raise Refused(401, "the artifact service takes a running workflow's token only")
    return run


@route("PUT", "/artifacts/{artifact}")
def upload(context: Context) -> Reply:
    run, name = _own_run(context), context.parts["artifact"]
    if set(name) & FORBIDDEN:
        raise Refused(400, f"the artifact name {name!r} has a character that is not allowed")
    state = context.core.repositories[run.repository]
    there = next((one for one in state.artifacts if (one.run_id, one.name) == (run.id, name)), None)
    if there is not None:
        if context.call.query.get("overwrite") != "true":
            raise Refused(409, f"an artifact with the name {name} already exists on the workflow run")
        state.artifacts.remove(there)
    content = context.core.faults.tamper(run.id, run.workflow, name, context.call.body)
    number = context.core.next_id()
    path = context.core.world.folder / "artifacts" / str(run.id) / f"{number}.zip"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    made = Artifact(number, run.id, name, path, hashlib.sha256(content).hexdigest())
    state.artifacts.append(made)
    context.core.tell("artifact uploaded", run=run, name=name, size=len(content))
    return Reply.of(201, {"id": made.id, "digest": made.digest, "size": len(content)})


@route("GET", "/artifacts")
def list_own(context: Context) -> Reply:
    run = _own_run(context)
    mine = [one for one in context.core.repositories[run.repository].artifacts if one.run_id == run.id]
    return Reply.of(200, {"artifacts": [{"id": one.id, "name": one.name, "digest": f"sha256:{one.digest}"} for one in mine]})


@route("GET", "/artifacts/{n}/zip")
def download_own(context: Context) -> Reply:
    run = _own_run(context)
    for one in context.core.repositories[run.repository].artifacts:
        if (one.run_id, one.id) == (run.id, context.number("n")):
            return Reply(200, one.path.read_bytes(), "application/zip")
    raise Refused(404, "Not Found")


@route("GET", "/signed/{key}")
def download_signed(context: Context) -> Reply:
    path = context.core.signed.get(context.parts["key"])
    if path is None:
        raise Refused(403, "the address has expired")
    return Reply(200, path.read_bytes(), "application/zip")
