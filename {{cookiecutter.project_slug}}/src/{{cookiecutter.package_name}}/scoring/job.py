"""One run from IN to OUT: scores the pieces that are not done yet, and writes OUT as they come in."""

import os
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from ..bundle import Bundle
from . import ScoringError, part
from .engine import Scored
from .journal import Journal
from .output import Output, side_of
from .source import Piece, Source
from .work import Work

FORMAT = 1  # of the parts: those of an older program are not gone on with
Engine = Callable[[Work, Iterable[Piece]], Scored]


class Result(NamedTuple):
    """What a run did: rows of IN, rows in OUT, the file that names the others (None: there are none), whether it went on."""

    rows: int
    scored: int
    side: Path | None
    resumed: bool


def run_job(source: Source, bundle: Bundle, out: Path, engine: Engine, quiet: bool | None = None) -> Result:
    """Score ``source`` into ``out``, with a progress bar on standard error (``quiet`` None: only when that is a terminal).

    Memory does not grow with the file. A run that is cut off, wherever, leaves no OUT or the one of before, and goes on from there when
    it is started again for the same file, model and columns.

    Raises:
        ScoringError: OUT cannot be written, IN cannot be read or changed meanwhile, or no row could be scored.
    """
    _check_names(source, bundle, out)
    journal = Journal(out)
    about = _about(source, bundle)
    resumed = journal.open(about)
    try:
        with Output(out, journal.folder, {"model": bundle.manifest.model, "digest": bundle.digest}) as output:
            _fill(output, journal, Work(uuid.uuid4().hex, bundle, source), engine, quiet)
            if _about(source, bundle) != about:
                raise ScoringError(f"{source.path}: was changed while it was scored; score it again")
            side = output.finish()
        journal.remove()
        if not output.rows:
            raise ScoringError(f"{source.path}: has no rows; {out} is not written")
        if not output.scored:
            raise ScoringError(f"{source.path}: every row breaks the contract, as {side} says; {out} is not written")
        return Result(output.rows, output.scored, side, resumed)
    finally:
        journal.close()


def _fill(output: Output, journal: Journal, work: Work, engine: Engine, quiet: bool | None) -> None:
    waiting = _Order(work.source.pieces(), output, journal)
    progress = tqdm(total=work.source.size, unit=work.source.unit, unit_scale=True, disable=quiet, dynamic_ncols=True)
    with progress as bar, closing(engine(work, waiting.missing(bar))) as scored:
        for piece, content in scored:
            journal.keep(piece, content)
            bar.update(piece.size)
            waiting.write()
    waiting.write()


class _Order:
    """Hands pieces out to be scored, and writes those that are done in the order of the file."""

    def __init__(self, pieces: Iterator[Piece], output: Output, journal: Journal) -> None:
        self._pieces, self._output, self._journal = pieces, output, journal
        self._unwritten: deque[Piece] = deque()

    def missing(self, bar: "tqdm[Any]") -> Iterator[Piece]:
        for piece in self._pieces:
            self._unwritten.append(piece)
            if self._journal.has(piece):
                bar.update(piece.size)
                self.write()
            else:
                yield piece

    def write(self) -> None:
        while self._unwritten and self._journal.has(self._unwritten[0]):
            self._output.append(self._journal.part(self._unwritten.popleft()))


def _about(source: Source, bundle: Bundle) -> dict[str, Any]:
    try:
        state = os.stat(source.path)
    except OSError as error:
        raise ScoringError(f"{source.path}: cannot be read any more ({error.strerror}); score it again") from None
    identity = {"path": str(source.path.resolve()), "size": state.st_size, "changed": state.st_mtime_ns}
    return {"format": FORMAT, "in": identity, "digest": bundle.digest, "keep": list(source.keep)}


def _check_names(source: Source, bundle: Bundle, out: Path) -> None:
    if out.suffix not in (".csv", ".parquet", ".pq"):
        raise ScoringError(f"{out}: ends neither in .csv nor in .parquet; name OUT like that")
    if not out.parent.is_dir():
        raise ScoringError(f"{out}: there is no folder {out.parent}; make it first")
    if out.is_dir():
        raise ScoringError(f"{out}: is a folder; name a file in it")
    if source.path.resolve() in (out.resolve(), side_of(out).resolve()):
        raise ScoringError(f"{out}: IN would be overwritten; choose another OUT")
    if taken := [name for name in part.added(bundle.contract) if name in source.keep]:
        raise ScoringError(f"{source.path}: has a column {taken[0]!r}, which OUT has of its own; leave it out with --keep")
