"""Writes what runs in an environment into its Kubernetes overlay, ``deploy/kubernetes/overlays/<environment>/kustomization.yaml``.

Everything above the marking line is a person's; below it is the image, by digest, and the version as a label of the pods.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from .. import ProblemError
from ..git import git, show
from ..plan import OVERLAYS
from ..pointer import Pointer
from . import state

FOLDER = Path(OVERLAYS)
_MARK = "# What runs here. Promotion and rollback write everything below this line.\n"
_IMAGE = re.compile(r"([^\s@]+)@(sha256:[0-9a-f]{64})")
_PLACEHOLDER, _LABEL = "server", "app.kubernetes.io/version"


class OverlayError(ProblemError):
    """An overlay cannot be read or written."""


class Rendered(NamedTuple):
    """What an overlay says: the image as ``<name>@sha256:…``, and the version."""

    image: str
    version: int


def path(environment: str) -> Path:
    """The file that promotion changes, relative to the repository's folder."""
    return FOLDER / environment / "kustomization.yaml"


def changed(commit: str, environments: Iterable[str], new: Pointer) -> dict[str, str]:
    """The overlays on top of a commit when ``new`` runs in these environments: path to text; nothing where it has no image.

    A repository without ``deploy/kubernetes/overlays`` has none to change. An overlay whose version has no image keeps the one it
    names, and that is said.

    Raises:
        OverlayError: an environment has no overlay for the image, or one that cannot be written.
    """
    if not git("ls-tree", commit, OVERLAYS):
        return {}
    found = {name: show(commit, path(name).as_posix()) for name in environments}
    if new.image is not None:
        return {path(name).as_posix(): rendered(name, _text(name, content), new.image, new.version) for name, content in found.items()}
    for name, content in found.items():
        if content is not None and (there := parse(name, _text(name, content))):
            print(f"::warning::version {new.version} was promoted without an image, so {path(name)} keeps {there.image}")
    return {}


def behind(commit: str, environments: Iterable[str]) -> dict[str, str]:
    """The overlays that do not name what the pointers of the same commit name, as they should be: path to text."""
    wanted: dict[str, str] = {}
    for name in environments:
        now = state.pointer_at(commit, name)
        if now and now.image:
            wanted |= changed(commit, (name,), now)
    return {file: text for file, text in wanted.items() if show(commit, file) != text.encode()}


def parse(environment: str, text: str) -> Rendered | None:
    """What the text of an environment's overlay says, or None where nothing was promoted into it yet.

    Raises:
        OverlayError: its written part was changed by hand into something else.
    """
    written = _yaml(_split(environment, text)[1], environment)
    if not written.get("images"):
        return None
    try:
        (image,), (label,) = written["images"], written["labels"]
        return Rendered(f"{image['newName']}@{image['digest']}", int(label["pairs"][_LABEL]))
    except (KeyError, TypeError, ValueError):
        raise OverlayError(f"{path(environment)}: no image and version below the marking line; restore it with `git revert`") from None


def rendered(environment: str, text: str, image: str, version: int) -> str:
    """The text of an overlay with another image and version; the same arguments give the same bytes, a person's part stays as it is.

    Raises:
        OverlayError: the image is not named by digest, the marking line is missing, or a person's part names an image as well.
    """
    if not (named := _IMAGE.fullmatch(image)):
        raise OverlayError(f"{image!r} does not name an image by digest; write <name>@sha256:<64 hexadecimal digits>")
    own, _ = _split(environment, text)
    if clash := sorted({"images", "labels"} & _yaml(own, environment).keys()):
        raise OverlayError(f"{path(environment)}: '{clash[0]}' stands above the marking line; delete it, promotion writes it below")
    content = {
        "images": [{"name": _PLACEHOLDER, "newName": named[1], "digest": named[2]}],
        "labels": [{"pairs": {_LABEL: str(version)}, "includeTemplates": True}],
    }
    return own + _MARK + yaml.safe_dump(content, sort_keys=False, width=200)


def _text(environment: str, content: bytes | None) -> str:
    if content is None:
        raise OverlayError(f"{path(environment)}: no such file; copy the folder of another environment and change its namespace")
    return content.decode("utf-8", "replace").replace("\r\n", "\n")


def _split(environment: str, text: str) -> tuple[str, str]:
    """A person's part, and what is written below the marking line."""
    own, mark, written = text.partition(_MARK)
    if not mark:
        raise OverlayError(f"{path(environment)}: the line {_MARK.strip()!r} is missing; restore it with `git revert`")
    return own, written


def _yaml(text: str, environment: str) -> dict[str, Any]:
    try:
        content = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())[:200]
        raise OverlayError(f"{path(environment)}: is no YAML ({reason}); restore it with `git revert`") from None
    if not isinstance(content, dict):
        raise OverlayError(f"{path(environment)}: must hold keys such as resources: and images:; restore it with `git revert`")
    return content
