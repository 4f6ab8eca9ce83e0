"""Pull requests."""

from __future__ import annotations

from ...errors import Refused
from .. import git, merging, views
from ..model import Pull
from ..server import Reply
from .router import Context, page, required, route


def _pull(context: Context) -> Pull:
    found = context.state.pull(context.number("n"))
    if found is None:
        raise Refused(404, "Not Found")
    return found


def _view(context: Context, one: Pull) -> views.View:
    mergeable = git.resolve(context.state.git_dir, f"refs/pull/{one.number}/merge") is not None if one.state == "open" else None
    return views.pull(context.state, one, context.core.repositories.get(one.head_repository), mergeable)


@route("GET", "~/pulls", "pull-requests:read")
def list_pulls(context: Context) -> Reply:
    query = context.call.query
    state, head, base = query.get("state", "open"), query.get("head"), query.get("base")
    chosen = [
        one
        for one in context.state.pulls
        if state in ("all", one.state)
        and base in (None, one.base_ref)
        and head in (None, f"{one.head_repository.split('/')[0]}:{one.head_ref}")
    ]
    chosen.sort(key=lambda one: one.number, reverse=query.get("direction", "desc") == "desc")
    return page(context, [_view(context, one) for one in chosen])


@route("POST", "~/pulls", "pull-requests:write", locked=False)
def create_pull(context: Context) -> Reply:
    value = context.call.json()
    required(value, "title", "head", "base")
    if context.by_run and not context.state.actions.opens_pulls:
        raise Refused(403, "GitHub Actions is not permitted to create or approve pull requests.")
    made = merging.open_pull(
        context.core,
        context.state,
        head=str(value["head"]),
        base=str(value["base"]),
        title=str(value["title"]),
        body=str(value.get("body") or ""),
        author=context.login,
        draft=bool(value.get("draft")),
        quiet=context.by_run,
    )
    return Reply.of(201, _view(context, made))


@route("GET", "~/pulls/{n}", "pull-requests:read")
def get_pull(context: Context) -> Reply:
    return Reply.of(200, _view(context, _pull(context)))


@route("PATCH", "~/pulls/{n}", "pull-requests:write")
def edit_pull(context: Context) -> Reply:
    one, value = _pull(context), context.call.json()
    merging.edit_pull(
        context.core, context.state, one, context.login, title=value.get("title"), body=value.get("body"), quiet=context.by_run
    )
    if value.get("state") in ("open", "closed"):
        merging.set_state(context.core, context.state, one, context.login, value["state"], quiet=context.by_run)
    return Reply.of(200, _view(context, one))


@route("GET", "~/pulls/{n}/files", "pull-requests:read")
def list_files(context: Context) -> Reply:
    one = _pull(context)
    start = git.merge_base(context.state.git_dir, one.base_sha, one.head_sha) or git.ZERO
    return page(context, file_views(context, start, one.head_sha))


def file_views(context: Context, old: str, new: str) -> list[views.View]:
    """Changed files between two commits: name, status, blob."""
    text = git.git(context.state.git_dir, "diff", "--raw", "--no-abbrev", "--no-renames", old, new) if old != git.ZERO else ""
    names = {"A": "added", "D": "removed"}
    rows = [(line.split("\t", 1)[1], line.split("\t", 1)[0].split()) for line in text.splitlines()]
    return [{"filename": name, "status": names.get(fields[4][0], "modified"), "sha": fields[3], "patch": ""} for name, fields in rows]


@route("GET", "~/pulls/{n}/commits", "pull-requests:read")
def list_pull_commits(context: Context) -> Reply:
    one = _pull(context)
    found = git.commits_between(context.state.git_dir, one.base_sha, one.head_sha)
    return page(
        context,
        [
            {
                "sha": each["sha"],
                "commit": {
                    "message": each["message"].strip(),
                    "author": {"name": each["name"], "email": each["email"]},
                },
            }
            for each in found
        ],
    )


@route("GET", "~/pulls/{n}/merge", "pull-requests:read")
def is_merged(context: Context) -> Reply:
    if not _pull(context).merged:
        raise Refused(404, "Not Found")
    return Reply(204)


@route("PUT", "~/pulls/{n}/merge", "contents:write", locked=False)
def merge(context: Context) -> Reply:
    value = context.call.json()
    made = merging.merge_pull(
        context.core,
        context.state,
        context.number("n"),
        context.login,
        method=str(value.get("merge_method") or "merge"),
        by_run=context.by_run,
        sha=value.get("sha"),
    )
    return Reply.of(200, {"sha": made, "merged": True, "message": "Pull Request successfully merged"})


@route("GET", "~/commits/{sha}/pulls", "pull-requests:read")
def pulls_of_commit(context: Context) -> Reply:
    sha = git.resolve(context.state.git_dir, context.parts["sha"])
    if sha is None:
        raise Refused(422, f"No commit found for SHA: {context.parts['sha']}")
    chosen = [
        one
        for one in context.state.pulls
        if sha in (one.head_sha, one.merge_commit_sha if one.merged else None)
        or (git.is_ancestor(context.state.git_dir, sha, one.head_sha) and not git.is_ancestor(context.state.git_dir, sha, one.base_sha))
    ]
    return page(context, [_view(context, one) for one in chosen if context.call.query.get("state") in (None, "all", one.state)])
