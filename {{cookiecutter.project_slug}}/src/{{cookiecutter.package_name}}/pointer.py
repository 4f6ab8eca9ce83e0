"""The pointer files ``models/<environment>.yaml``: which version must run where. Written by promotion and rollback only."""

import os
from pathlib import Path
from typing import Annotated, Any

import msgspec
import yaml

from .errors import ProblemError

DIGEST = r"^sha256:[0-9a-f]{64}$"
COMMIT = r"^[0-9a-f]{40}$"
Digest = msgspec.Meta(pattern=DIGEST)
Commit = msgspec.Meta(pattern=COMMIT)


class PointerError(ProblemError):
    """A pointer file cannot be read."""


class Previous(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The version that a promotion replaced."""

    version: int
    digest: Annotated[str, Digest]


class Held(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A digest that was rolled back: promotion skips it until a reviewed change takes it off this list."""

    version: int
    digest: Annotated[str, Digest]
    commit: Annotated[str, Commit]
    reason: str


class Pointer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What must run in one environment.

    ``bundle`` says where the bundle is stored, ``commit`` is the commit of main whose pipeline made it, ``image`` the
    container image by digest where one is built.
    """

    model: str
    version: Annotated[int, msgspec.Meta(ge=1)]
    digest: Annotated[str, Digest]
    bundle: str
    commit: Annotated[str, Commit]
    promoted_by: str
    image: str | None = None
    pull_request: int | None = None
    metrics: dict[str, float] = {}
    previous: Previous | None = None
    held: tuple[Held, ...] = ()


def parse(text: str, where: str) -> Pointer:
    """Read a pointer from YAML text; ``where`` names its origin in errors.

    Raises:
        PointerError: the text is no YAML, or a field is missing, unknown or malformed.
    """
    try:
        return msgspec.convert(yaml.safe_load(text), Pointer)
    except (yaml.YAMLError, msgspec.ValidationError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise PointerError(f"{where} is not a pointer file: {reason}; restore it with `git checkout` or `git revert`") from None


def read(path: Path) -> Pointer | None:
    """The pointer in a file, or None where nothing was promoted yet."""
    if not path.exists():
        return None
    return parse(path.read_text(encoding="utf-8"), str(path))


def write(path: Path, pointer: Pointer) -> None:
    """Write a pointer file in one go: a reader sees the old one or the new one."""
    text = "# Written by promotion and rollback. `git log -p` on this file is the history of this environment.\n"
    text += yaml.safe_dump(_plain(pointer), sort_keys=False, allow_unicode=True, width=120)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


def _plain(pointer: Pointer) -> dict[str, Any]:
    first = ("model", "version", "digest", "bundle", "image", "commit", "pull_request", "metrics", "previous", "held")
    fields = msgspec.to_builtins(pointer)
    return {name: fields[name] for name in (*first, "promoted_by")}
