"""Secrets and variables of Actions. Names are told, values of secrets never; a secret comes in a box that only this GitHub opens."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from ...errors import Refused
from ..model import now
from ..sealed import open_sealed
from ..server import Reply
from .router import Context, page, required, route

NAME = re.compile(r"(?!GITHUB_)[A-Z_][A-Z0-9_]*")


@cache
def _private() -> X25519PrivateKey:
    return X25519PrivateKey.generate()


def _public() -> tuple[str, str]:
    """The public key and its number."""
    raw = _private().public_key().public_bytes_raw()
    return base64.b64encode(raw).decode(), str(int.from_bytes(hashlib.sha256(raw).digest()[:7], "big"))


@route("GET", "~/actions/secrets", "secrets:read")
def list_secrets(context: Context) -> Reply:
    return page(context, [{"name": name, "created_at": now(), "updated_at": now()} for name in sorted(context.state.secrets)], "secrets")


@route("GET", "~/actions/secrets/public-key", "secrets:read")
def public_key(_: Context) -> Reply:
    key, number = _public()
    return Reply.of(200, {"key_id": number, "key": key})


@route("PUT", "~/actions/secrets/{secret}", "secrets:write")
def set_secret(context: Context) -> Reply:
    value, name = context.call.json(), context.parts["secret"].upper()
    required(value, "encrypted_value", "key_id")
    if not NAME.fullmatch(name):
        raise Refused(422, "Secret names can only contain alphanumeric characters and underscores, and must not begin with GITHUB_")
    try:
        box = base64.b64decode(value["encrypted_value"], validate=True)
        content = open_sealed(_private(), box).decode() if value["key_id"] == _public()[1] else None
    except ValueError:
        content = None
    if content is None:
        raise Refused(422, "Bad request - Public key and value are required and must belong together")
    was_there = name in context.state.secrets
    context.state.secrets[name] = content
    return Reply(204) if was_there else Reply.of(201, {})


@route("GET", "~/actions/variables", "variables:read")
def list_variables(context: Context) -> Reply:
    found = [
        {"name": name, "value": value, "created_at": now(), "updated_at": now()} for name, value in sorted(context.state.variables.items())
    ]
    return page(context, found, "variables")


@route("GET", "~/actions/organization-secrets", "secrets:read")
def organization_secrets(context: Context) -> Reply:
    return page(context, [], "secrets")


@route("GET", "~/actions/organization-variables", "variables:read")
def organization_variables(context: Context) -> Reply:
    return page(context, [], "variables")
