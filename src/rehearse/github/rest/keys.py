"""Deploy keys."""

from __future__ import annotations

import re

from ...errors import Refused
from .. import views
from ..server import Reply
from ..settings import DeployKey
from .router import Context, page, required, route

PUBLIC = re.compile(r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-\S+) [A-Za-z0-9+/]+=*( .*)?")


def _view(one: DeployKey) -> views.View:
    shown = {"id": one.id, "title": one.title, "key": " ".join(one.key.split()[:2]), "read_only": one.read_only}
    return shown | {"verified": True}


def _key(context: Context) -> DeployKey:
    found = next((one for one in context.state.keys if one.id == context.number("n")), None)
    if found is None:
        raise Refused(404, "Not Found")
    return found


@route("GET", "~/keys", "administration:read")
def list_keys(context: Context) -> Reply:
    return page(context, [_view(one) for one in context.state.keys])


@route("GET", "~/keys/{n}", "administration:read")
def get_key(context: Context) -> Reply:
    return Reply.of(200, _view(_key(context)))


@route("POST", "~/keys", "administration:write")
def create_key(context: Context) -> Reply:
    value = context.call.json()
    required(value, "key")
    text = str(value["key"]).strip()
    if not PUBLIC.fullmatch(text):
        raise Refused(422, "Validation Failed: key is invalid. You must supply a key in OpenSSH public key format")
    if any(one.key.split()[1] == text.split()[1] for state in context.core.repositories.values() for one in state.keys):
        raise Refused(422, "Validation Failed: key is already in use")
    made = DeployKey(context.core.next_id(), str(value.get("title") or ""), text, bool(value.get("read_only")))
    context.state.keys.append(made)
    return Reply.of(201, _view(made))


@route("DELETE", "~/keys/{n}", "administration:write")
def delete_key(context: Context) -> Reply:
    context.state.keys.remove(_key(context))
    return Reply(204)
