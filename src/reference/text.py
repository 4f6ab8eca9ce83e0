"""Markdown out of docstrings and tables."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence

_ROLE = re.compile(r":\w+:`~?\.*(?:[\w.]*\.)?(\w+)`")
_FORM = re.compile(r"(``\{.+\}``|``[^`]+``(?=\s\s))\s+(\S.*)")


def prose(doc: str) -> str:
    """A docstring as Markdown: paragraphs in one line each, ``code`` in backticks, lines of ``form``  explanation as a list."""
    paragraphs = []
    for part in re.split(r"\n\s*\n", inspect.cleandoc(doc).partition("\nRaises:")[0]):
        text = ""
        for line in part.splitlines():
            form = _FORM.fullmatch(line)
            text += f"\n* {form[1]}: {form[2]}" if form else f"\n\n{line}" if text.startswith("\n* ") else f" {line.strip()}"
        paragraphs.append(_inline(text.strip()))
    return "\n\n".join(paragraphs)


def _inline(text: str) -> str:
    return _ROLE.sub(r"`\1`", text).replace("``", "`")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; cells are kept to their line."""
    told = [f"| {' | '.join(header)} |", f"|{'---|' * len(header)}"]
    told += [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows]
    return "\n".join(told)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def code(text: str) -> str:
    """Text in a cell or a sentence as code; nothing for nothing."""
    return f"`{text}`" if text else ""


def page(title: str, source: str, *parts: str) -> str:
    """A page with the line that says where it comes from."""
    made = f"<!-- Made by `make docs` from {source}: do not edit. -->"
    return "\n\n".join([made, f"# {title}", *(part.strip() for part in parts if part.strip())]) + "\n"
