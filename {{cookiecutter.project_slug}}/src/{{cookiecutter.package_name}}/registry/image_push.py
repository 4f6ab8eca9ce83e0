"""Brings a serving image into a registry and names it by digest; one that is there already is found. Needs buildah and skopeo.

Who signs in: ``REGISTRY_USER`` and ``REGISTRY_PASSWORD`` where they are set; on ghcr.io a job with its own token; else whoever
``buildah login`` or ``REGISTRY_AUTH_FILE`` says.
"""

import base64
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import actor
from .engine import ImageError, call

_GITHUB = "ghcr.io"  # takes the token of a job that has `packages: write`


def found(identity: str, name: str) -> str | None:
    """An image by its ID in a repository of a registry as ``<name>@sha256:…``, or None where it is not, or cannot be seen."""
    with _signed_in(name) as account:
        try:
            return _named(identity, name, account)
        except ImageError:
            return None


def push(image: str, identity: str, name: str) -> str:
    """Push an image of this machine to a repository of a registry; returns ``<name>@sha256:…``, which pointers and overlays hold.

    Its tag is made of its ID, so that no push replaces an image that a pointer names, and no clean-up of untagged ones removes it.

    Raises:
        ImageError: the registry cannot be reached, refused, or does not give back what was pushed.
    """
    with _signed_in(name) as account:
        call("buildah", "push", *account, "--format", "oci", image, _place(identity, name))
        named = _named(identity, name, account)
    if named is None:
        raise ImageError(f"{name} does not give back the image that was pushed, {identity}; look at the registry, then run it again")
    return named


def _named(identity: str, name: str, account: tuple[str, ...]) -> str | None:
    """The name by digest of what the registry has under the image's tag, if it is that image."""
    manifest = call("skopeo", "inspect", *account, "--raw", _place(identity, name))
    try:
        same = json.loads(manifest)["config"]["digest"] == identity
    except (ValueError, LookupError, TypeError):
        return None
    return f"{name}@sha256:{hashlib.sha256(manifest.encode()).hexdigest()}" if same else None


def _place(identity: str, name: str) -> str:
    return f"docker://{name}:{identity.removeprefix('sha256:')[:12]}"


@contextmanager
def _signed_in(name: str) -> Iterator[tuple[str, ...]]:
    """The options with which buildah and skopeo sign in, by a file that is there inside the block alone."""
    host = name.partition("/")[0]
    user, secret = os.environ.get("REGISTRY_USER", ""), os.environ.get("REGISTRY_PASSWORD", "")
    if not secret and host == _GITHUB and os.environ.get("GITHUB_ACTIONS") == "true":
        user, secret = actor(), os.environ.get("GH_TOKEN", "")
    if not secret:
        yield ()
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "auth.json")
        file.touch(mode=0o600)
        login = base64.b64encode(f"{user}:{secret}".encode()).decode()
        file.write_text(json.dumps({"auths": {host: {"auth": login}}}), encoding="utf-8")
        yield ("--authfile", str(file))
