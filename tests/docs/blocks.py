"""The ``console`` blocks of a Markdown page: its commands, what it shows of their output, and how a test is to take them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_BLOCK = re.compile(r"(?:^<!-- (?P<note>.*?) -->\n+)?^```console\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
NOT_RUN, RUN_BY = "not run: ", "run by "


class BlockError(Exception):
    """A block that is not written as the tests expect."""


@dataclass
class Command:
    """A command and the lines of its output that the page shows. It must fail where they show an error."""

    text: str
    line: int
    shown: list[str] = field(default_factory=list)

    @property
    def fails(self) -> bool:
        return any(line.startswith("error: ") for line in self.shown)


@dataclass
class Block:
    """Commands in their order; ``left_out`` says why they are not run here, or what runs them."""

    commands: list[Command]
    left_out: str | None = None


def read(page: Path, words: Mapping[str, str] | None = None) -> list[Block]:
    """The blocks of a page, with some ``words`` of it replaced, such as a port by one that is free.

    Raises:
        BlockError: a block begins with output, or a comment before one is none that is known.
    """
    text = page.read_text(encoding="utf-8")
    for word, instead in (words or {}).items():
        text = text.replace(word, instead)
    return [_block(page.name, text.count("\n", 0, found.start("body")) + 1, found) for found in _BLOCK.finditer(text)]


def _block(page: str, first: int, found: re.Match[str]) -> Block:
    note = found["note"]
    if note is not None and not note.startswith((NOT_RUN, RUN_BY)):
        raise BlockError(f"{page}:{first}: the comment before this block is {note!r}; it may say 'not run: …' or 'run by …'")
    return Block(_commands(page, first, found["body"]), note)


def _commands(page: str, first: int, body: str) -> list[Command]:
    commands: list[Command] = []
    open_line = False
    for line, text in enumerate(body.splitlines(), first):
        if open_line:
            commands[-1].text += f"\n{text}"
        elif text.startswith("$ "):
            commands.append(Command(text.removeprefix("$ "), line))
        elif commands:
            commands[-1].shown += [text] if text.strip() else []
        else:
            raise BlockError(f"{page}:{line}: a block begins with a command, a line with '$ ' before it")
        open_line = bool(commands) and text.endswith("\\") and not commands[-1].shown
    return commands


def missing(shown: list[str], output: str) -> str | None:
    """The first shown line that the output does not have, in their order. ``…`` stands for anything; spaces may be more or fewer."""
    rest = " ".join(output.split())
    for line in shown:
        pattern = ".*?".join(re.escape(" ".join(part.split())) for part in line.split("…"))
        found = re.search(pattern, rest)
        if found is None:
            return line
        rest = rest[found.end() :]
    return None
