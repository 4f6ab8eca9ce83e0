"""Small checks with a sentence for when they fail."""

from __future__ import annotations

import re
from typing import Any

from ..errors import RehearseError


class StepError(RehearseError):
    """A step of the story did not end as it must."""


def check(condition: object, message: str) -> None:
    """Raise :class:`StepError` with ``message`` unless the condition holds."""
    if not condition:
        raise StepError(message)


def one(items: list[Any], what: str) -> Any:
    """The only item of a list."""
    check(len(items) == 1, f"expected one {what}, found {len(items)}")
    return items[0]


def candidate_digest(text: str) -> str:
    """The candidate's digest that a report names."""
    found = re.search(r"Digest of the candidate\D*?`(sha256:[0-9a-f]{64})`", text)
    check(found, "the comment names no digest of the candidate")
    return found[1]  # type: ignore[index]
