"""The versions of a pointer file in git's history: the registry of what was promoted."""

from dataclasses import dataclass
from pathlib import Path

from .git import git, show_each
from .pointer import Pointer, PointerError, parse


@dataclass(frozen=True)
class Entry:
    """A pointer as some commit of main had it; ``recorded`` is that commit."""

    pointer: Pointer
    recorded: str


def entries(path: Path, revision: str = "HEAD") -> list[Entry]:
    """Every state of a pointer file up to a revision, newest first. States that are no pointer (edited by hand, broken) are left out.

    Needs the full history: a shallow clone knows only what it has.
    """
    found = []
    commits = git("log", "--format=%H", "--first-parent", revision, "--", path.as_posix()).split()
    for commit, text in zip(commits, show_each(commits, path.as_posix()), strict=True):
        if text is None:
            continue
        try:
            found.append(Entry(parse(text.decode("utf-8", "replace"), f"{path} at {commit[:9]}"), commit))
        except PointerError as error:
            print(f"left out: {error}")
    return found


def version_of(digest: str, known: list[Entry]) -> int:
    """The version number of a digest: its own if it was promoted before, else the next integer."""
    for entry in known:
        if entry.pointer.digest == digest:
            return entry.pointer.version
    return 1 + max((entry.pointer.version for entry in known), default=0)
