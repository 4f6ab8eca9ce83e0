"""What is done of a run, kept in a folder beside OUT, so that a run that was cut off goes on where it stopped."""

import os
import shutil
from pathlib import Path
from typing import Any

import msgspec

from . import ScoringError, part
from .lock import take
from .part import Part
from .source import Piece


class Journal:
    """The folder ``OUT.parts``: who works in it, what for, and the part of each piece that is done. One process at a time."""

    def __init__(self, out: Path) -> None:
        self.folder = out.with_name(out.name + ".parts")
        self._lock: int | None = None

    def open(self, about: dict[str, Any]) -> bool:
        """Take the folder, and say whether there is something in it to go on with.

        ``about`` is what the parts depend on: parts of another file, model or choice of columns are thrown away.

        Raises:
            ScoringError: another process is at it, or the folder cannot be written.
        """
        try:
            self.folder.mkdir(exist_ok=True)
            self._take()
            known, told = self.folder / "about.json", msgspec.json.encode(about, order="sorted")
            if known.is_file() and known.read_bytes() == told:
                return any(self.folder.glob("*.part"))
            for left in self.folder.glob("*.part"):
                left.unlink()
            _write(known, told)
        except OSError as error:
            raise ScoringError(f"{self.folder}: cannot be written ({error.strerror}); choose another OUT") from None
        return False

    def _take(self) -> None:
        self._lock = os.open(self.folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            take(self._lock)
        except BlockingIOError:
            self.close()
            raise ScoringError(f"{self.folder}: another run is scoring into the same OUT; wait for it or choose another") from None

    def has(self, piece: Piece) -> bool:
        """Whether the part of a piece is kept."""
        return self._place(piece).is_file()

    def keep(self, piece: Piece, content: bytes) -> None:
        """Keep the part of a piece, all of it or nothing; raises ScoringError when it cannot be written."""
        try:
            _write(self._place(piece), content)
        except OSError as error:
            raise ScoringError(f"{self.folder}: {error.strerror}; make room and run the same command again: it goes on from here") from None

    def part(self, piece: Piece) -> Part:
        """The part of a piece that is kept; raises ScoringError when it is damaged."""
        return part.unpack(self._place(piece))

    def remove(self) -> None:
        """Delete the folder: OUT is written."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.folder.exists():  # Windows deletes no file that is open
            self.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    def close(self) -> None:
        """Let the next run take the folder."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _place(self, piece: Piece) -> Path:
        return self.folder / f"{piece.number:08}.part"


def _write(path: Path, content: bytes) -> None:
    fresh = path.with_suffix(".fresh")
    fresh.write_bytes(content)
    os.replace(fresh, path)
