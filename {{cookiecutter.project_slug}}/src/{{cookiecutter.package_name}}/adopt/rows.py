"""The rows of the data file: the source's, with each cell as it was understood."""

import csv
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .read import Source

MADE_ID = "row_id"


@dataclass(frozen=True)
class Rewriting:
    """``cells`` says, by column, what a text becomes; rows in which one of the columns ``needed`` has no value are left out.

    ``made_id`` names a first column that is added: a digest of the row, and its number where rows are the same.
    """

    cells: Mapping[str, Mapping[str, str]]
    needed: tuple[str, ...]
    made_id: str | None


def rewritten(source: Source, how: Rewriting) -> Iterator[list[str]]:
    """The rows of the data file."""
    changes = [(source.names.index(name), change) for name, change in how.cells.items()]
    needed = [source.names.index(name) for name in how.needed]
    seen: dict[str, int] = {}
    for row in source.rows():
        made = _made(row, seen) if how.made_id else ""
        for place, change in changes:
            row[place] = change.get(row[place], row[place])
        if all(row[place] for place in needed):
            yield [made, *row] if how.made_id else row


def write(source: Source, how: Rewriting, path: Path) -> int:
    """Write the data file; returns its rows."""
    count = 0
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([how.made_id, *source.names] if how.made_id else source.names)
        for row in rewritten(source, how):
            writer.writerow(row)
            count += 1
    return count


def free_name(names: list[str]) -> str:
    """A name for the column of made ids that no other column has."""
    name = MADE_ID
    while name in names:
        name += "_"
    return name


def _made(row: list[str], seen: dict[str, int]) -> str:
    """The same row has the same id in a file with more rows, so that it stays on its side."""
    digest = hashlib.blake2b("\x1f".join(row).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    number = seen[digest] = seen.get(digest, 0) + 1
    return digest if number == 1 else f"{digest}-{number}"
