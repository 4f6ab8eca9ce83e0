"""``bundle.md``: every file of the bundle, and what is kept beside it."""

from __future__ import annotations

from typing import Any

from . import text

Facts = dict[str, Any]
_REVIEW = """\
The judgement is kept beside the bundle and not in it: it holds commits, times and intervals, which the digest must not depend on. Comment,
status, model card and promotion read this one file."""


def page(facts: Facts) -> str:
    """The page."""
    bundle = facts["bundle"]
    limit = f"These {len(bundle['files'])} files and no other are in it; none may be larger than {bundle['largest_mb']} MiB."
    return text.page(
        "The bundle",
        "`bundle.py`, `contract.py`, `pointer.py` and `review/__init__.py`",
        text.prose(bundle["doc"]),
        limit,
        _structs("`manifest.json`", bundle["manifest"]),
        _structs("`contract.json`", bundle["contract"]),
        "\n\n".join(["## `profile.json`", *map(text.prose, bundle["histograms"])]),
        "\n\n".join(["## `golden.json`", *map(text.prose, bundle["golden"])]),
        "\n\n".join(["## The candidate", *map(text.prose, bundle["candidate"])]),
        _structs("`models/<environment>.yaml`, the pointer", facts["pointer"]),
        _structs("`review.json`", facts["review"], _REVIEW),
    )


def _structs(title: str, structs: list[Facts], more: str = "") -> str:
    parts = [f"## {title}", more]
    for place, struct in enumerate(structs):
        parts += ["" if place == 0 else f"### `{struct['struct']}`", text.prose(struct["doc"]), _fields(struct)]
    return "\n\n".join(part for part in parts if part)


def _fields(struct: Facts) -> str:
    rows = [(f"`{field['key']}`", field["type"], _default(field["default"])) for field in struct["fields"]]
    return text.table(("field", "value", "default"), rows)


def _default(value: str | None) -> str:
    return "required" if value is None else text.code(value)
