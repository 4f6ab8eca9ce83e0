"""GitHub's filter patterns for branches, tags and paths.

Source: GitHub documentation, "Workflow syntax", filter pattern cheat sheet.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence


@functools.cache
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Regular expression with the meaning of one pattern, without a leading ``!``."""
    out: list[str] = []
    at = 0
    while at < len(pattern):
        piece, width = _next_piece(pattern, at)
        out.append(piece)
        at += width
    return re.compile("".join(out) + r"\Z", re.DOTALL)


def _next_piece(pattern: str, at: int) -> tuple[str, int]:
    if pattern.startswith("**/", at) and (at == 0 or pattern[at - 1] == "/"):
        return "(?:.*/)?", 3
    if pattern.startswith("**", at):
        return ".*", 2
    char = pattern[at]
    if char == "*":
        return "[^/]*", 1
    if char in "?+" and at > 0:
        return char, 1
    if char == "[" and "]" in pattern[at:]:
        end = pattern.index("]", at)
        return pattern[at : end + 1], end + 1 - at
    if char == "\\" and at + 1 < len(pattern):
        return re.escape(pattern[at + 1]), 2
    return re.escape(char), 1


def matches(patterns: Sequence[str], value: str) -> bool:
    """Whether the patterns, read in order, end with ``value`` taken in.

    A pattern with a leading ``!`` takes a value out again.
    """
    taken = False
    for pattern in patterns:
        if pattern.startswith("!"):
            taken = taken and not compile_pattern(pattern[1:]).match(value)
        elif compile_pattern(pattern).match(value):
            taken = True
    return taken
