"""Statuses, check runs, commits, references, branches, contents."""

from __future__ import annotations

import base64

from ...errors import Refused
from .. import git, merging, views
from ..model import CheckRun, Status
from ..server import Reply
from .pulls import file_views
from .router import Context, page, required, route

STATES = ("error", "failure", "pending", "success")
CONCLUSIONS = ("action_required", "cancelled", "failure", "neutral", "success", "skipped", "stale", "timed_out")


def _commit(context: Context, part: str = "sha") -> str:
    found = git.resolve(context.state.git_dir, context.parts[part])
    if found is None:
        raise Refused(422, f"No commit found for SHA: {context.parts[part]}")
    return found


@route("POST", "~/statuses/{sha}", "statuses:write")
def create_status(context: Context) -> Reply:
    value, sha = context.call.json(), _commit(context)
    if value.get("state") not in STATES:
        raise Refused(422, f"Validation Failed: state must be one of {', '.join(STATES)}")
    if len(str(value.get("description") or "")) > 140:
        raise Refused(422, "Validation Failed: description is too long (maximum is 140 characters)")
    made = Status(
        context.core.next_id(),
        sha,
        str(value.get("context") or "default"),
        value["state"],
        str(value.get("description") or ""),
        value.get("target_url"),
        context.login,
    )
    context.state.statuses.append(made)
    context.core.tell(
        "status",
        repository=context.state.full_name,
        sha=sha,
        context=made.context,
        state=made.state,
        description=made.description,
    )
    if made.state == "success":
        context.call.after.append(lambda: merging.try_auto_merge(context.core, context.state, sha))
    return Reply.of(201, views.status(made))


@route("GET", "~/commits/{sha}/statuses", "statuses:read")
def list_statuses(context: Context) -> Reply:
    sha = _commit(context)
    return page(context, [views.status(one) for one in reversed(context.state.statuses) if one.sha == sha])


@route("GET", "~/commits/{sha}/status", "statuses:read")
def combined_status(context: Context) -> Reply:
    sha = _commit(context)
    latest = {one.context: one for one in context.state.statuses if one.sha == sha}
    states = {one.state for one in latest.values()}
    state = "failure" if states & {"failure", "error"} else "success" if states == {"success"} else "pending"
    return Reply.of(
        200,
        {
            "state": state,
            "sha": sha,
            "total_count": len(latest),
            "statuses": [views.status(one) for one in latest.values()],
        },
    )


@route("POST", "~/check-runs", "checks:write")
def create_check(context: Context) -> Reply:
    value = context.call.json()
    required(value, "name", "head_sha")
    conclusion = value.get("conclusion")
    if conclusion is not None and conclusion not in CONCLUSIONS:
        raise Refused(422, f"Invalid request. conclusion must be one of {', '.join(CONCLUSIONS)}")
    status = "completed" if conclusion else str(value.get("status") or "queued")
    made = CheckRun(
        context.core.next_id(),
        str(value["name"]),
        str(value["head_sha"]),
        status,
        conclusion,
        value.get("output") or {},
    )
    context.state.checks.append(made)
    context.call.after.append(lambda: merging.try_auto_merge(context.core, context.state, made.head_sha))
    return Reply.of(201, views.check(context.state, made))


@route("PATCH", "~/check-runs/{n}", "checks:write")
def edit_check(context: Context) -> Reply:
    made = next((one for one in context.state.checks if one.id == context.number("n")), None)
    if made is None:
        raise Refused(404, "Not Found")
    value = context.call.json()
    made.conclusion = value.get("conclusion") or made.conclusion
    made.status = "completed" if made.conclusion else str(value.get("status") or made.status)
    made.output |= value.get("output") or {}
    context.call.after.append(lambda: merging.try_auto_merge(context.core, context.state, made.head_sha))
    return Reply.of(200, views.check(context.state, made))


@route("GET", "~/commits/{sha}/check-runs", "checks:read")
def list_checks(context: Context) -> Reply:
    sha = _commit(context)
    return page(context, [views.check(context.state, one) for one in context.state.checks if one.head_sha == sha], "check_runs")


@route("GET", "~/commits/{sha}", "contents:read")
def get_commit(context: Context) -> Reply:
    sha = _commit(context)
    text = git.git(context.state.git_dir, "log", "-1", "--format=%an%x1f%ae%x1f%aI%x1f%P%x1f%T%x1f%B", sha)
    name, mail, date, parents, tree, message = text.split("\x1f", 5)
    author = {"name": name, "email": mail, "date": date}
    first = parents.split()[:1] or [git.ZERO]
    commit = {"message": message.strip(), "author": author, "committer": author, "tree": {"sha": tree}}
    return Reply.of(
        200,
        {
            "sha": sha,
            "commit": commit,
            "parents": [{"sha": one} for one in parents.split()],
            "files": file_views(context, first[0], sha),
        },
    )


@route("GET", "~/compare/{span*}", "contents:read")
def compare(context: Context) -> Reply:
    names = context.parts["span"].split("...")
    shas = [git.resolve(context.state.git_dir, one) for one in names]
    if len(shas) != 2 or None in shas:
        raise Refused(404, "Not Found")
    base, head = str(shas[0]), str(shas[1])
    start = git.merge_base(context.state.git_dir, base, head)
    ahead, behind = (
        git.commits_between(context.state.git_dir, base, head),
        git.commits_between(context.state.git_dir, head, base),
    )
    status = "identical" if base == head else "diverged" if ahead and behind else "ahead" if ahead else "behind"
    return Reply.of(
        200,
        {
            "status": status,
            "ahead_by": len(ahead),
            "behind_by": len(behind),
            "total_commits": len(ahead),
            "merge_base_commit": {"sha": start},
            "base_commit": {"sha": base},
            "commits": [{"sha": one["sha"], "commit": {"message": one["message"].strip()}} for one in ahead],
            "files": file_views(context, start or git.ZERO, head),
        },
    )


@route("POST", "~/git/refs", "contents:write", locked=False)
def create_ref(context: Context) -> Reply:
    value = context.call.json()
    required(value, "ref", "sha")
    ref, sha = str(value["ref"]), str(value["sha"])
    if not ref.startswith("refs/") or git.resolve(context.state.git_dir, sha) is None:
        raise Refused(422, "Reference name or object is not valid")
    with context.state.push_lock:
        if ref in git.refs(context.state.git_dir):
            raise Refused(422, "Reference already exists")
        git.update_ref(context.state.git_dir, ref, sha)
        merging.branch_moved(context.core, context.state, ref, git.ZERO, sha, context.actor, by_run=context.by_run)
    return Reply.of(201, _ref(context, ref, sha))


@route("PATCH", "~/git/refs/{ref*}", "contents:write", locked=False)
def move_ref(context: Context) -> Reply:
    value, ref = context.call.json(), f"refs/{context.parts['ref']}"
    required(value, "sha")
    with context.state.push_lock:
        old, new = git.refs(context.state.git_dir).get(ref), git.resolve(context.state.git_dir, str(value["sha"]))
        if old is None or new is None:
            raise Refused(422, "Reference does not exist" if old is None else "Object does not exist")
        why = merging.why_not_push(context.state, ref, new, context.login)
        if why or (not value.get("force") and not git.is_ancestor(context.state.git_dir, old, new)):
            raise Refused(422, why or "Update is not a fast forward")
        git.update_ref(context.state.git_dir, ref, new)
        merging.branch_moved(context.core, context.state, ref, old, new, context.actor, by_run=context.by_run)
    return Reply.of(200, _ref(context, ref, new))


@route("DELETE", "~/git/refs/{ref*}", "contents:write", locked=False)
def delete_ref(context: Context) -> Reply:
    ref = f"refs/{context.parts['ref']}"
    with context.state.push_lock:
        old = git.refs(context.state.git_dir).get(ref)
        if old is None or merging.protection_of(context.state, ref.removeprefix("refs/heads/")):
            raise Refused(422, "Reference does not exist" if old is None else "Cannot delete this protected branch")
        git.git(context.state.git_dir, "update-ref", "-d", ref)
    return Reply(204)


@route("GET", "~/git/ref/{ref*}", "contents:read")
def get_ref(context: Context) -> Reply:
    ref = f"refs/{context.parts['ref']}"
    sha = git.refs(context.state.git_dir).get(ref)
    if sha is None:
        raise Refused(404, "Not Found")
    return Reply.of(200, _ref(context, ref, sha))


@route("GET", "~/git/matching-refs/{ref*}", "contents:read")
def matching_refs(context: Context) -> Reply:
    start = f"refs/{context.parts['ref']}"
    return page(
        context,
        [_ref(context, ref, sha) for ref, sha in git.refs(context.state.git_dir).items() if ref.startswith(start)],
    )


def _ref(context: Context, ref: str, sha: str) -> views.View:
    kind = git.git(context.state.git_dir, "cat-file", "-t", sha)
    return {"ref": ref, "node_id": f"REF_{ref}", "object": {"type": kind, "sha": sha}}


@route("POST", "~/git/tags", "contents:write")
def create_tag(context: Context) -> Reply:
    value = context.call.json()
    required(value, "tag", "message", "object")
    kind = value.get("type", "commit")
    body = f"object {value['object']}\ntype {kind}\ntag {value['tag']}\ntagger GitHub <noreply@github.com> 0 +0000\n\n{value['message']}\n"
    sha = git.make_tag_object(context.state.git_dir, body)
    return Reply.of(
        201,
        {
            "sha": sha,
            "tag": value["tag"],
            "message": value["message"],
            "object": {"sha": value["object"], "type": value.get("type", "commit")},
        },
    )


@route("GET", "~/branches", "contents:read")
def list_branches(context: Context) -> Reply:
    return page(
        context,
        [
            _branch(context, ref.removeprefix("refs/heads/"), sha)
            for ref, sha in git.refs(context.state.git_dir).items()
            if ref.startswith("refs/heads/")
        ],
    )


@route("GET", "~/branches/{branch*}/protection", "administration:read")
def get_protection(context: Context) -> Reply:
    rules = context.state.protections.get(context.parts["branch"])
    if rules is None:
        raise Refused(404, "Branch not protected")
    return Reply.of(
        200,
        {
            "required_status_checks": {"strict": False, "contexts": rules.required_statuses},
            "allow_force_pushes": {"enabled": False},
            "enforce_admins": {"enabled": not rules.bypass},
        },
    )


@route("GET", "~/branches/{branch*}", "contents:read")
def get_branch(context: Context) -> Reply:
    sha = git.refs(context.state.git_dir).get(f"refs/heads/{context.parts['branch']}")
    if sha is None:
        raise Refused(404, "Branch not found")
    return Reply.of(200, _branch(context, context.parts["branch"], sha))


def _branch(context: Context, name: str, sha: str) -> views.View:
    rules = merging.protection_of(context.state, name)
    checks = {"enforcement_level": "everyone" if rules else "off", "contexts": rules.required_statuses if rules else []}
    return {
        "name": name,
        "commit": {"sha": sha},
        "protected": rules is not None,
        "protection": {"enabled": rules is not None, "required_status_checks": checks},
    }


@route("GET", "~/contents/{path*}", "contents:read")
def get_contents(context: Context) -> Reply:
    ref = context.call.query.get("ref") or context.state.default_branch
    sha, path = git.resolve(context.state.git_dir, ref), context.parts["path"].strip("/")
    if sha is None:
        raise Refused(404, f"No commit found for the ref {ref}")
    content = git.read_file(context.state.git_dir, sha, path)
    if content is None:
        return _folder(context, sha, path)
    if "raw" in context.call.headers.get("accept", ""):
        return Reply(200, content, "application/vnd.github.raw+json; charset=utf-8")
    blob = git.git(context.state.git_dir, "rev-parse", f"{sha}:{path}")
    return Reply.of(
        200,
        {
            "type": "file",
            "encoding": "base64",
            "size": len(content),
            "name": path.rsplit("/", 1)[-1],
            "path": path,
            "sha": blob,
            "content": base64.encodebytes(content).decode(),
        },
    )


def _folder(context: Context, sha: str, path: str) -> Reply:
    text = git.git(context.state.git_dir, "ls-tree", f"{sha}:{path}", check=False)
    if not text:
        raise Refused(404, "Not Found")
    rows = [(line.split("\t", 1)[1], line.split()) for line in text.splitlines()]
    return Reply.of(
        200,
        [
            {"type": "dir" if fields[1] == "tree" else "file", "name": name, "path": f"{path}/{name}", "sha": fields[2]}
            for name, fields in rows
        ],
    )
