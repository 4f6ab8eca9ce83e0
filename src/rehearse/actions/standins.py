"""Stand-ins: small local actions with the real ones' inputs and outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

BUILT_IN = Path(__file__).parent.parent / "standins"


@dataclass(frozen=True)
class Reference:
    """``owner/name/sub/path@ref`` as a step writes it."""

    action: str
    sub: str
    ref: str

    @classmethod
    def parse(cls, uses: str) -> Reference:
        """Split a ``uses:`` value that names a public action."""
        name, _, ref = uses.partition("@")
        owner, repository, *sub = name.split("/")
        return cls(f"{owner}/{repository}", "/".join(sub), ref)


@dataclass(frozen=True)
class StandIns:
    """Folders that hold one folder ``owner__name`` per action; earlier ones win."""

    folders: Sequence[Path]

    def folder(self, reference: Reference) -> Path | None:
        """Folder to play instead of the action, None when there is none."""
        name = reference.action.replace("/", "__")
        for base in self.folders:
            if (base / name / reference.sub / "action.yml").is_file():
                return base / name
        return None

    def definition(self, reference: Reference) -> dict[str, Any] | None:
        """Parsed ``action.yml`` of the stand-in, None when there is none."""
        found = self.folder(reference)
        if found is None:
            return None
        loaded: dict[str, Any] = yaml.safe_load((found / reference.sub / "action.yml").read_text(encoding="utf-8"))
        return loaded

    def names(self) -> list[str]:
        """Every action that can be played."""
        return sorted(
            {
                entry.name.replace("__", "/")
                for base in self.folders
                for entry in base.iterdir()
                if "__" in entry.name and not entry.name.startswith("_")
            }
        )
