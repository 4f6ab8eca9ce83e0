"""Files of one commit, read without a work tree."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..github import git


@dataclass(frozen=True)
class Tree:
    """The files of ``commit`` in the bare repository ``git_dir``."""

    git_dir: Path
    commit: str

    def read(self, path: str) -> str | None:
        """Text of a file, None when the commit has no such file."""
        found = git.read_file(self.git_dir, self.commit, path)
        return None if found is None else found.decode("utf-8")

    def files(self, under: str) -> list[str]:
        """Paths below a folder."""
        return git.tree_files(self.git_dir, self.commit, under)
