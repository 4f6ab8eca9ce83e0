"""Where the repository on stage keeps its models; a story is the same with each."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .stage import Stage

REF = "refs/dvc/store"


class Storage(Protocol):
    """One kind of store."""

    open_to_forks: bool
    """Whether a pull request from a fork can be trained and judged."""

    def prepare(self, stage: Stage) -> None:
        """What its owner sets up once: in the clone, before its first push, and on the local GitHub."""
        ...

    def read(self, stage: Stage, path: str) -> bytes | None:
        """One stored file."""
        ...

    def state(self, stage: Stage) -> object:
        """Equal as long as nothing is stored."""
        ...


class InGit:
    """The ref of the repository itself, the default."""

    open_to_forks = True

    def prepare(self, stage: Stage) -> None:
        """Nothing has to be set up."""

    def read(self, stage: Stage, path: str) -> bytes | None:
        """From the newest commit of the ref."""
        return show(stage.repository.git_dir, REF, path)

    def state(self, stage: Stage) -> object:
        """The commit."""
        return stage.ref(REF)


def show(repository: Path, revision: str, path: str) -> bytes | None:
    """A file of a bare repository."""
    done = subprocess.run(["git", "cat-file", "blob", f"{revision}:{path}"], cwd=repository, capture_output=True)
    return done.stdout if done.returncode == 0 else None
