"""Prints what folders and files hold, one ``SHA-256  path`` a line, so that a change anywhere in them can be seen.

``python src/rehearse/fingerprint.py PATH...``  (standard library only)

For DVC, which cannot watch a folder that is a DVC repository itself.
"""

import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path

_MADE_BY_TOOLS = {"__pycache__", ".pytest_cache", ".ruff_cache"}


def fingerprint(paths: Iterable[Path]) -> list[str]:
    """A line for each file in ``paths`` and below them, in the order of their names, without what tools left there.

    A file's executable bit counts; its owner and its times do not.

    Raises:
        FileNotFoundError: one of ``paths`` does not exist.
    """
    lines = []
    for path in paths:
        found = path.rglob("*") if path.is_dir() else [path]
        for file in sorted(item for item in found if not item.is_dir() and not _MADE_BY_TOOLS & set(item.parts)):
            runs = "x" if file.stat().st_mode & 0o100 else "-"
            lines.append(f"{hashlib.sha256(file.read_bytes()).hexdigest()} {runs} {file.as_posix()}")
    return lines


if __name__ == "__main__":
    try:
        print("\n".join(fingerprint(map(Path, sys.argv[1:]))))
    except FileNotFoundError as error:
        sys.exit(f"error: {error.filename} does not exist")
