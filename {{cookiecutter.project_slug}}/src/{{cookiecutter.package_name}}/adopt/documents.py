"""What the other files of the repository say about the data: ``data/SOURCE.md``, and the one sentence about the model."""

import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path

from .params_text import Adopted

_README = re.compile(r"^\*\*The model:\*\* .*$", re.MULTILINE)
_PYPROJECT = re.compile(r'^description = ".*"$', re.MULTILINE)
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~$&#])")


def source_text(new: Adopted, origin: str, data: Path, notes: Iterable[str]) -> str:
    """``data/SOURCE.md``: where the file comes from, as far as it is known, and what was changed."""
    with data.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    name = Path(new.path).name
    told = "".join(f"* {escaped(note)}\n" for note in notes)
    changed = f"\nChanged against it:\n\n{told}" if told else "\nIts bytes are unchanged.\n"
    return (
        f"# Where the data comes from\n\n`{name}`: {new.rows:,} rows; `{new.target}` is what is to be predicted. Made by `make adopt` from "
        f"{escaped(Path(origin).name if '://' not in origin else 'a query')}.\n{changed}\nSHA-256 `{digest}`\n\n"
        "Write here who made the data, when, and under which licence or terms it may be used.\n"
    )


def sentence(new: Adopted, about: str | None) -> str:
    """What the model predicts: the person's words, or the plain fact."""
    if about:
        return " ".join(about.split())
    if new.problem == "binary":
        return f"Predicts whether {new.target} is {new.positive}."
    return f"Predicts {new.target}, {'one of ' + str(len(new.classes)) + ' classes' if new.classes else 'a number'}."


def readme_text(old: str, told: str) -> str:
    """The README with the sentence about the model; as it was where that line is no longer there."""
    return _README.sub(lambda _: f"**The model:** {escaped(told)}", old, count=1)


def pyproject_text(old: str, told: str) -> str:
    """``pyproject.toml`` with the same sentence."""
    return _PYPROJECT.sub(lambda _: f"description = {json.dumps(told, ensure_ascii=False)}", old, count=1)


def escaped(text: str) -> str:
    """A text that Markdown shows as it is."""
    return _SPECIAL.sub(r"\\\1", text)
