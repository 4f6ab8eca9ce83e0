"""Scores one piece of a file: the same function in this process, in others, and on a Dask cluster."""

from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..bundle import Bundle
from ..contract import Violation
from ..scorer import NOT_FINITE, Scorer
from . import part
from .check import Checked, check
from .source import Block, Piece, Source

CALL = 4096  # rows that the model sees at once: what it makes of them stays in the processor's cache (a linear model is 15 % faster)
_ready: dict[str, tuple["Work", Scorer]] = {}


class EndedError(Exception):
    """A run was over while a piece of it was under way."""


class Work(msgspec.Struct, frozen=True):
    """What a process needs to know to score pieces: ``name`` tells one run from another."""

    name: str
    bundle: Bundle
    source: Source


def begin(work: Work) -> None:
    """Load the model in this process, for :func:`score` to use. Raises BundleError when it cannot be loaded."""
    _ready[work.name] = work, Scorer(work.bundle)


def end(name: str) -> None:
    """Forget what :func:`begin` made ready; a piece that is under way ends with :class:`EndedError`."""
    _ready.pop(name, None)


def score(name: str, piece: Piece) -> bytes:
    """The part of the output that a piece gives, see :mod:`.part`."""
    source, scored, violations, rows = _under_way(name)[0].source, [], list[Violation](), 0
    for block in source.blocks(piece):
        done = _scored(block, name, rows)
        scored.append(done.table)
        violations += [msgspec.structs.replace(one, row=one.row + rows) for one in done.violations]
        rows += block.rows
    return part.pack(part.Part(rows, pa.Table.from_batches(scored), part.table_of(violations)))


class _Scored(NamedTuple):
    table: pa.RecordBatch
    violations: list[Violation]


def _scored(block: Block, name: str, before: int) -> _Scored:
    job, scorer = _under_way(name)
    checked = check(block, job.bundle.contract)
    answers = _answers(name, checked)
    finite = np.isfinite(answers).all(axis=1)
    violations = checked.violations
    kept = {name: _plain(block.columns[name]) for name in job.source.keep}
    if checked.good is not None:
        kept = {name: values.filter(pa.array(checked.good)) for name, values in kept.items()}
    places = checked.places
    if not finite.all():
        violations = violations + [Violation(int(place), "", None, NOT_FINITE) for place in places[~finite]]
        violations.sort(key=lambda one: one.row)
        kept = {name: values.filter(pa.array(finite)) for name, values in kept.items()}
        places, answers = places[finite], answers[finite]
    columns = {part.ROW: pa.array(places + before, pa.int64()), **kept, **_told(scorer, answers)}
    return _Scored(pa.RecordBatch.from_pydict(columns), violations)


def _under_way(name: str) -> tuple[Work, Scorer]:
    try:
        return _ready[name]
    except KeyError:
        raise EndedError(name) from None


def _answers(name: str, checked: Checked) -> np.ndarray:
    """The answers to the good rows; that a run was cut off is noticed between two calls of the model, however slow that is."""
    if not len(checked.rows):
        return np.empty((0, len(_under_way(name)[0].bundle.contract.classes) or 1), dtype=np.float32)
    calls = range(0, len(checked.rows), CALL)
    return np.concatenate([_under_way(name)[1].answers_to_coded(checked.rows[at : at + CALL]) for at in calls])


def _told(scorer: Scorer, answers: np.ndarray) -> dict[str, pa.Array]:
    contract = scorer.bundle.contract
    scores = contract.scores(answers)
    if contract.problem == "regression":
        return {part.PREDICTION: pa.array(scores, pa.float32())}
    codes = pa.array(scorer.predicted(answers), pa.int32())
    found = {part.PREDICTION: pa.DictionaryArray.from_arrays(codes, pa.array(contract.classes))}
    chances = scores if scores.ndim == 2 else scores[:, np.newaxis]
    return found | {name: pa.array(chances[:, place], pa.float32()) for place, name in enumerate(part.chances(contract))}


def _plain(values: pa.Array) -> pa.Array:
    return pc.cast(values, values.type.value_type) if pa.types.is_dictionary(values.type) else values
