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
_ready: dict[str, "Work"] = {}
_scorers: dict[str, Scorer] = {}


class Work(msgspec.Struct, frozen=True):
    """What a process needs to know to score pieces: ``name`` tells one run from another."""

    name: str
    bundle: Bundle
    source: Source


def begin(work: Work) -> None:
    """Load the model in this process, for :func:`score` to use. Raises BundleError when it cannot be loaded."""
    _scorers[work.name] = Scorer(work.bundle)
    _ready[work.name] = work


def end(name: str) -> None:
    """Forget what :func:`begin` made ready."""
    _ready.pop(name, None)
    _scorers.pop(name, None)


def score(name: str, piece: Piece) -> bytes:
    """The part of the output that a piece gives, see :mod:`.part`."""
    source, scorer = _ready[name].source, _scorers[name]
    scored, violations, rows = [], [], 0
    for block in source.blocks(piece):
        done = _scored(block, scorer, source.keep, rows)
        scored.append(done.table)
        violations += [msgspec.structs.replace(one, row=one.row + rows) for one in done.violations]
        rows += block.rows
    return part.pack(part.Part(rows, pa.Table.from_batches(scored), part.table_of(violations)))


class _Scored(NamedTuple):
    table: pa.RecordBatch
    violations: list[Violation]


def _scored(block: Block, scorer: Scorer, keep: tuple[str, ...], before: int) -> _Scored:
    checked = check(block, scorer.bundle.contract)
    answers = _answers(scorer, checked)
    finite = np.isfinite(answers).all(axis=1)
    violations = checked.violations
    kept = {name: _plain(block.columns[name]) for name in keep}
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


def _answers(scorer: Scorer, checked: Checked) -> np.ndarray:
    if not len(checked.rows):
        return np.empty((0, len(scorer.bundle.contract.classes) or 1), dtype=np.float32)
    return np.concatenate([scorer.answers_to_coded(checked.rows[at : at + CALL]) for at in range(0, len(checked.rows), CALL)])


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
