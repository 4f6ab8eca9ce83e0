"""Releases and their assets: drafts are for those who may write, a file's name can be had once, uploads have a host of their own."""

from __future__ import annotations

import re

from ...errors import Refused
from .. import git, merging, views
from ..hosts import UPLOADS_HOST
from ..model import Asset, Release, now
from ..server import Reply
from .router import Context, page, required, route

WRITE = (("contents", "write"),)


def _seen(context: Context) -> list[Release]:
    """Releases that the caller sees, oldest first."""
    drafts = context.call.caller.may(context.state.full_name, WRITE)
    return [one for one in context.state.releases if drafts or not one.draft]


def _release(context: Context) -> Release:
    found = next((one for one in _seen(context) if one.id == context.number("n")), None)
    if found is None:
        raise Refused(404, "Not Found")
    return found


def _publish(context: Context, one: Release) -> None:
    """Refuse a second release of a tag, and make a tag that is not there. Raises ``Refused`` (422)."""
    if any(other.tag_name == one.tag_name and not other.draft and other is not one for other in context.state.releases):
        raise Refused(422, "Validation Failed: tag_name already_exists")
    _tag(context, one.tag_name, one.target)
    one.draft, one.published_at = False, one.published_at or now()
    context.core.tell("release", repository=context.state.full_name, tag=one.tag_name, draft=False)


@route("GET", "~/releases", "contents:read")
def list_releases(context: Context) -> Reply:
    return page(context, [views.release(context.state, one) for one in reversed(_seen(context))])


@route("POST", "~/releases", "contents:write", locked=False)
def create_release(context: Context) -> Reply:
    value = context.call.json()
    required(value, "tag_name")
    tag, target = str(value["tag_name"]), str(value.get("target_commitish") or context.state.default_branch)
    with context.state.push_lock, context.core.lock:
        made = Release(
            context.core.next_id(),
            tag,
            str(value.get("name") or tag),
            str(value.get("body") or ""),
            target,
            context.login,
            True,
            bool(value.get("prerelease")),
        )
        if not value.get("draft"):
            _publish(context, made)
        context.state.releases.append(made)
        return Reply.of(201, views.release(context.state, made))


def _tag(context: Context, tag: str, target: str) -> None:
    if f"refs/tags/{tag}" in git.refs(context.state.git_dir):
        return
    sha = git.resolve(context.state.git_dir, target)
    if sha is None:
        raise Refused(422, "Validation Failed: target_commitish is invalid")
    git.update_ref(context.state.git_dir, f"refs/tags/{tag}", sha)
    merging.branch_moved(context.core, context.state, f"refs/tags/{tag}", git.ZERO, sha, context.actor, by_run=context.by_run)


@route("GET", "~/releases/latest", "contents:read")
def latest_release(context: Context) -> Reply:
    shown = [one for one in context.state.releases if not one.draft and not one.prerelease]
    if not shown:
        raise Refused(404, "Not Found")
    return Reply.of(200, views.release(context.state, shown[-1]))


@route("GET", "~/releases/tags/{tag*}", "contents:read")
def release_by_tag(context: Context) -> Reply:
    found = next((one for one in context.state.releases if one.tag_name == context.parts["tag"] and not one.draft), None)
    if found is None:
        raise Refused(404, "Not Found")
    return Reply.of(200, views.release(context.state, found))


@route("GET", "~/releases/{n}", "contents:read")
def get_release(context: Context) -> Reply:
    return Reply.of(200, views.release(context.state, _release(context)))


@route("PATCH", "~/releases/{n}", "contents:write", locked=False)
def edit_release(context: Context) -> Reply:
    value = context.call.json()
    with context.state.push_lock, context.core.lock:
        one = _release(context)
        one.name, one.body = str(value.get("name") or one.name), str(value.get("body") or one.body)
        one.tag_name, one.target = str(value.get("tag_name") or one.tag_name), str(value.get("target_commitish") or one.target)
        one.prerelease = bool(value.get("prerelease", one.prerelease))
        if value.get("draft", one.draft):
            one.draft = True
        else:
            _publish(context, one)
        return Reply.of(200, views.release(context.state, one))


@route("DELETE", "~/releases/{n}", "contents:write")
def delete_release(context: Context) -> Reply:
    context.state.releases.remove(_release(context))
    return Reply(204)


@route("POST", "~/releases/{n}/assets", "contents:write")
def upload_asset(context: Context) -> Reply:
    if context.call.host != UPLOADS_HOST:
        raise Refused(404, "Not Found")
    one, kind = _release(context), context.call.headers.get("content-type")
    name = re.sub(r"[^\w.+-]+", ".", context.call.query.get("name", "")).strip(".")
    if not name or not kind:
        raise Refused(400, "Invalid request: an asset needs ?name= and a Content-Type")
    if "content-length" not in context.call.headers:
        raise Refused(400, "Bad Content-Length: the size of an asset must be told before it is sent")
    if name in one.assets:
        raise Refused(422, "Validation Failed: already_exists")
    number = context.core.next_id()
    path = context.core.world.folder / "releases" / str(number)
    path.write_bytes(context.call.body)
    whole = int(context.call.headers["content-length"]) == len(context.call.body)
    made = one.assets[name] = Asset(number, name, path, kind, "uploaded" if whole else "starter")
    return Reply.of(201, views.asset(context.state, one, made))


@route("GET", "~/releases/{n}/assets", "contents:read")
def list_assets(context: Context) -> Reply:
    return page(context, views.release(context.state, _release(context))["assets"])


def _asset(context: Context) -> tuple[Release, Asset]:
    """The asset with the path's number. Raises ``Refused`` (404)."""
    for one in _seen(context):
        for item in one.assets.values():
            if item.id == context.number("n"):
                return one, item
    raise Refused(404, "Not Found")


@route("GET", "~/releases/assets/{n}", "contents:read")
def download_asset(context: Context) -> Reply:
    one, item = _asset(context)
    if "octet-stream" not in context.call.headers.get("accept", ""):
        return Reply.of(200, views.asset(context.state, one, item))
    return Reply(200, item.content, item.kind)


@route("DELETE", "~/releases/assets/{n}", "contents:write")
def delete_asset(context: Context) -> Reply:
    one, item = _asset(context)
    del one.assets[item.name]
    return Reply(204)


@route("GET", "/(?P<owner>[^/]+)/(?P<name>[^/]+)/releases/download/{tag}/{asset}", "contents:read")
def browse_asset(context: Context) -> Reply:
    for one in context.state.releases:
        if one.tag_name == context.parts["tag"] and not one.draft and context.parts["asset"] in one.assets:
            item = one.assets[context.parts["asset"]]
            return Reply(200, item.content, item.kind)
    raise Refused(404, "Not Found")
