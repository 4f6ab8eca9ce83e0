"""Issues, comments and labels."""

from __future__ import annotations

from typing import Any

from ...actions.triggers import Happening
from ...errors import Refused
from .. import labelling, merging, views
from ..events import on_default_branch
from ..model import Comment, Issue, Pull, now
from ..server import Reply
from .router import Context, page, required, route

BODY_LIMIT = 65_536
READ = ("issues:read", "pull-requests:read")
WRITE = ("issues:write", "pull-requests:write")


def _body(value: dict[str, Any]) -> str:
    text = str(value.get("body") or "")
    if not text:
        raise Refused(422, "Validation Failed: Body cannot be blank")
    return _limited(text)


def _limited(text: str) -> str:
    if len(text) > BODY_LIMIT:
        raise Refused(422, f"Validation Failed: Body is too long (maximum is {BODY_LIMIT} characters)")
    return text


def _issue(context: Context) -> Issue:
    found = context.state.issues.get(context.number("n"))
    if found is None:
        raise Refused(404, "Not Found")
    if not isinstance(found, Pull):  # the right to pull requests opens these alone
        call = context.call
        need = (("issues", "read" if call.method == "GET" else "write"),)
        context.core.allow(call.caller, context.state.full_name, need, f"{call.method} {call.path}")
    return found


def _comment(context: Context) -> Comment:
    found = context.state.comments.get(context.number("n"))
    if found is None:
        raise Refused(404, "Not Found")
    return found


@route("GET", "~/issues/{n}/comments", *READ)
def list_comments(context: Context) -> Reply:
    one = _issue(context)
    return page(
        context,
        [views.comment(context.state, each) for each in context.state.comments.values() if each.number == one.number],
    )


@route("POST", "~/issues/{n}/comments", *WRITE)
def create_comment(context: Context) -> Reply:
    one = _issue(context)
    made = Comment(context.core.next_id(), _body(context.call.json()), context.login, number=one.number)
    context.state.comments[made.id] = made
    view = views.comment(context.state, made)
    context.core.tell(
        "comment created",
        repository=context.state.full_name,
        number=one.number,
        id=made.id,
        body=made.body,
        author=made.author,
    )
    if not context.by_run:
        payload = {"action": "created", "issue": views.issue(context.state, one), "comment": view}
        on_default_branch(context.core, context.state, Happening("issue_comment", "created"), payload, context.login)
    return Reply.of(201, view)


@route("GET", "~/issues/comments/{n}", *READ)
def get_comment(context: Context) -> Reply:
    return Reply.of(200, views.comment(context.state, _comment(context)))


@route("PATCH", "~/issues/comments/{n}", *WRITE)
def edit_comment(context: Context) -> Reply:
    return _edit(context, _comment(context))


def _edit(context: Context, one: Comment) -> Reply:
    one.body, one.updated_at = _body(context.call.json()), now()
    one.edits += 1
    context.core.tell(
        "comment edited",
        repository=context.state.full_name,
        number=one.number,
        id=one.id,
        body=one.body,
        author=one.author,
    )
    return Reply.of(200, views.comment(context.state, one))


@route("DELETE", "~/issues/comments/{n}", *WRITE)
def delete_comment(context: Context) -> Reply:
    del context.state.comments[_comment(context).id]
    return Reply(204)


@route("GET", "~/commits/{sha}/comments", "contents:read")
def list_commit_comments(context: Context) -> Reply:
    return page(
        context,
        [views.comment(context.state, each) for each in context.state.comments.values() if each.sha == context.parts["sha"]],
    )


@route("POST", "~/commits/{sha}/comments", "contents:write")
def create_commit_comment(context: Context) -> Reply:
    made = Comment(context.core.next_id(), _body(context.call.json()), context.login, sha=context.parts["sha"])
    context.state.comments[made.id] = made
    context.core.tell(
        "comment created",
        repository=context.state.full_name,
        sha=made.sha,
        id=made.id,
        body=made.body,
        author=made.author,
    )
    return Reply.of(201, views.comment(context.state, made))


@route("PATCH", "~/comments/{n}", "contents:write")
def edit_commit_comment(context: Context) -> Reply:
    return _edit(context, _comment(context))


@route("GET", "~/issues", "issues:read")
def list_issues(context: Context) -> Reply:
    query = context.call.query
    state, labels = query.get("state", "open"), [name for name in query.get("labels", "").split(",") if name]
    chosen = [
        one
        for one in context.state.issues.values()
        if state in ("all", one.state) and set(labels) <= set(one.labels) and query.get("creator") in (None, one.author)
    ]
    chosen.sort(key=lambda one: one.number, reverse=query.get("direction", "desc") == "desc")
    return page(context, [views.issue(context.state, one) for one in chosen])


@route("POST", "~/issues", "issues:write")
def create_issue(context: Context) -> Reply:
    value = context.call.json()
    required(value, "title")
    made = Issue(next(context.state.numbers), str(value["title"]), _limited(str(value.get("body") or "")), context.login)
    context.state.issues[made.number] = made
    _label(context, made, value.get("labels") or [])
    view = views.issue(context.state, made)
    context.core.tell("issue opened", repository=context.state.full_name, number=made.number, title=made.title, author=made.author)
    if not context.by_run:
        on_default_branch(
            context.core,
            context.state,
            Happening("issues", "opened"),
            {"action": "opened", "issue": view},
            context.login,
        )
    return Reply.of(201, view)


@route("GET", "~/issues/{n}", *READ)
def get_issue(context: Context) -> Reply:
    return Reply.of(200, views.issue(context.state, _issue(context)))


@route("PATCH", "~/issues/{n}", *WRITE)
def edit_issue(context: Context) -> Reply:
    one, value = _issue(context), context.call.json()
    one.title = str(value.get("title") or one.title)
    one.body = _limited(str(value.get("body") if value.get("body") is not None else one.body))
    if value.get("state") in ("open", "closed"):
        _set_state(context, one, value["state"])
    if "labels" in value:
        for name in [name for name in one.labels if name not in _names(value["labels"])]:
            labelling.take_off(context.core, context.state, one, name, context.login, quiet=context.by_run)
        _label(context, one, value["labels"])
    return Reply.of(200, views.issue(context.state, one))


def _set_state(context: Context, one: Issue, wanted: str) -> None:
    if isinstance(one, Pull):
        merging.set_state(context.core, context.state, one, context.login, wanted, quiet=context.by_run)
    else:
        one.state = wanted


@route("POST", "~/issues/{n}/labels", *WRITE)
def add_labels(context: Context) -> Reply:
    one = _issue(context)
    _label(context, one, context.call.json().get("labels") or [])
    return Reply.of(200, [views.label(context.state, name) for name in one.labels])


@route("GET", "~/issues/{n}/events", "issues:read")
def list_events(context: Context) -> Reply:
    return page(context, [views.issue_event(context.state, one) for one in _issue(context).events])


@route("GET", "~/issues/{n}/labels", *READ)
def list_issue_labels(context: Context) -> Reply:
    return page(context, [views.label(context.state, name) for name in _issue(context).labels])


@route("DELETE", "~/issues/{n}/labels/{label}", *WRITE)
def remove_label(context: Context) -> Reply:
    one = _issue(context)
    labelling.take_off(context.core, context.state, one, context.parts["label"], context.login, quiet=context.by_run)
    return Reply.of(200, [views.label(context.state, name) for name in one.labels])


def _label(context: Context, one: Issue, labels: list[Any]) -> None:
    for name in _names(labels):
        labelling.put(context.core, context.state, one, name, context.login, quiet=context.by_run)


def _names(labels: list[Any]) -> list[str]:
    return [str(entry["name"] if isinstance(entry, dict) else entry) for entry in labels]


@route("GET", "~/labels", *READ)
def list_labels(context: Context) -> Reply:
    return page(context, [views.label(context.state, name) for name in context.state.labels])


@route("GET", "~/labels/{label}", *READ)
def get_label(context: Context) -> Reply:
    if context.parts["label"] not in context.state.labels:
        raise Refused(404, "Not Found")
    return Reply.of(200, views.label(context.state, context.parts["label"]))


@route("POST", "~/labels", *WRITE)
def create_label(context: Context) -> Reply:
    value = context.call.json()
    required(value, "name")
    if value["name"] in context.state.labels:
        raise Refused(422, "Validation Failed: already_exists")
    context.state.labels[str(value["name"])] = {key: str(value[key]) for key in ("color", "description") if value.get(key)}
    return Reply.of(201, views.label(context.state, str(value["name"])))
