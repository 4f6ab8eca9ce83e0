"""Releases and their assets."""

from __future__ import annotations

from ...errors import Refused
from .. import git, merging, views
from ..model import Release
from ..server import Reply
from .router import Context, page, required, route


def _release(context: Context) -> Release:
    found = next((one for one in context.state.releases if one.id == context.number("n")), None)
    if found is None:
        raise Refused(404, "Not Found")
    return found


@route("GET", "~/releases", "contents:read")
def list_releases(context: Context) -> Reply:
    return page(context, [views.release(context.state, one) for one in reversed(context.state.releases)])


@route("POST", "~/releases", "contents:write", locked=False)
def create_release(context: Context) -> Reply:
    value = context.call.json()
    required(value, "tag_name")
    tag, target = str(value["tag_name"]), str(value.get("target_commitish") or context.state.default_branch)
    with context.state.push_lock, context.core.lock:
        if any(one.tag_name == tag for one in context.state.releases):
            raise Refused(422, "Validation Failed: tag_name already_exists")
        if not value.get("draft"):
            _tag(context, tag, target)
        made = Release(
            context.core.next_id(),
            tag,
            str(value.get("name") or tag),
            str(value.get("body") or ""),
            target,
            context.login,
            bool(value.get("draft")),
            bool(value.get("prerelease")),
        )
        context.state.releases.append(made)
        context.core.tell("release", repository=context.state.full_name, tag=tag, draft=made.draft)
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
        one.draft, one.prerelease = bool(value.get("draft", one.draft)), bool(value.get("prerelease", one.prerelease))
        if not one.draft:
            _tag(context, one.tag_name, one.target)
        return Reply.of(200, views.release(context.state, one))


@route("DELETE", "~/releases/{n}", "contents:write")
def delete_release(context: Context) -> Reply:
    context.state.releases.remove(_release(context))
    return Reply(204)


@route("POST", "~/releases/{n}/assets", "contents:write")
def upload_asset(context: Context) -> Reply:
    one, name = _release(context), context.call.query.get("name", "")
    if not name or "/" in name or name.startswith("."):
        raise Refused(422, "Validation Failed: the asset needs a plain file name")
    if name in one.assets:
        raise Refused(422, "Validation Failed: already_exists")
    number = context.core.next_id()
    path = context.core.world.folder / "releases" / str(number)
    path.write_bytes(context.call.body)
    one.assets[name] = (number, path, context.call.headers.get("content-type", "application/octet-stream"))
    return Reply.of(201, next(asset for asset in views.release(context.state, one)["assets"] if asset["id"] == number))


@route("GET", "~/releases/{n}/assets", "contents:read")
def list_assets(context: Context) -> Reply:
    return page(context, views.release(context.state, _release(context))["assets"])


@route("GET", "~/releases/assets/{n}", "contents:read")
def download_asset(context: Context) -> Reply:
    for one in context.state.releases:
        for asset in views.release(context.state, one)["assets"]:
            if asset["id"] == context.number("n"):
                if "octet-stream" not in context.call.headers.get("accept", ""):
                    return Reply.of(200, asset)
                return Reply(200, one.assets[asset["name"]][1].read_bytes(), asset["content_type"])
    raise Refused(404, "Not Found")


@route("GET", "/(?P<owner>[^/]+)/(?P<name>[^/]+)/releases/download/{tag}/{asset}", "contents:read")
def browse_asset(context: Context) -> Reply:
    for one in context.state.releases:
        if one.tag_name == context.parts["tag"] and context.parts["asset"] in one.assets:
            _, path, kind = one.assets[context.parts["asset"]]
            return Reply(200, path.read_bytes(), kind)
    raise Refused(404, "Not Found")
