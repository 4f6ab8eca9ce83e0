"""The pointer files ``models/<environment>.yaml``: which version must run where. Only promotion and rollback write them."""

import os
from pathlib import Path
from typing import Annotated, Any

import msgspec
import yaml

from . import ProblemError

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


class Override(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who promoted a version against the gates, and why."""

    by: str
    reason: str


class Pointer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What must run in one environment.

    ``bundle`` says where the bundle is stored, ``commit`` is the commit of main whose pipeline made it, ``image`` the
    container image by digest where one is built. ``lock_digest`` is the SHA-256 of the ``dvc.lock`` that it was made with,
    ``data_digest`` that of the raw data; a pointer of before they were kept has neither.
    """

    model: str
    version: Annotated[int, msgspec.Meta(ge=1)]
    digest: Annotated[str, Digest]
    bundle: str
    commit: Annotated[str, Commit]
    promoted_by: str
    image: str | None = None
    lock_digest: Annotated[str, Digest] | None = None
    data_digest: Annotated[str, Digest] | None = None
    pull_request: int | None = None
    metrics: dict[str, float] = {}
    previous: Previous | None = None
    override: Override | None = None
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


def dump(pointer: Pointer) -> str:
    """The content of a pointer file."""
    head = "# Written by promotion and rollback. `git log -p` on this file is the history of this environment.\n"
    return head + yaml.safe_dump(_plain(pointer), sort_keys=False, allow_unicode=True, width=120)


def write(path: Path, pointer: Pointer) -> None:
    """Write a pointer file in one go: a reader sees the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(dump(pointer), encoding="utf-8")
    os.replace(temporary, path)


def _plain(pointer: Pointer) -> dict[str, Any]:
    made = ("model", "version", "digest", "bundle", "image", "commit", "lock_digest", "data_digest", "pull_request")
    fields = msgspec.to_builtins(pointer)
    names = (*made, "metrics", "previous", "override", "held", "promoted_by")
    return {name: fields[name] for name in names if name not in _ONLY_IF_SET or fields[name]}


_ONLY_IF_SET = ("lock_digest", "data_digest", "override")
