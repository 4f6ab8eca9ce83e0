"""What one piece of a file gives: its scored rows, its refused rows, and both as bytes to hand over and to keep."""

import io
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from ..contract import Contract, Violation
from . import ScoringError

ROW, PREDICTION = "row", "prediction"
_REFUSED = pa.schema([(ROW, pa.int64()), ("column", pa.string()), ("value", pa.string()), ("rule", pa.string())])
_ROWS = b"rows"
_LONGEST_VALUE = 200


class Part(NamedTuple):
    """``rows`` counts those of the piece; in both tables ``row`` counts from 0 inside it."""

    rows: int
    scored: pa.Table
    refused: pa.Table


def chances(contract: Contract) -> tuple[str, ...]:
    """The names of the columns with probabilities: one of the positive class, or one of each; a regression has none."""
    if contract.problem == "multi-class":
        return tuple(f"probability_{name}" for name in contract.classes)
    return ("probability",) if contract.classes else ()


def added(contract: Contract) -> tuple[str, ...]:
    """The columns that scoring adds to those that are kept."""
    return (ROW, PREDICTION, *chances(contract))


def table_of(violations: list[Violation]) -> pa.Table:
    """The side file's rows: row, column (none when it is the whole row), value as text, and the rule that it breaks."""
    values = [_text(one.value) for one in violations]
    columns = ([one.row for one in violations], [one.column or None for one in violations], values, [one.rule for one in violations])
    return pa.table([pa.array(values, field.type) for values, field in zip(columns, _REFUSED, strict=True)], schema=_REFUSED)


def _text(value: object) -> str | None:
    if value is None:
        return None
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)[:_LONGEST_VALUE]


def pack(part: Part) -> bytes:
    """A part as bytes: two Arrow streams, one after the other."""
    made = io.BytesIO()
    scored = part.scored.replace_schema_metadata({_ROWS: str(part.rows)})
    for table in (scored, part.refused):
        with pa.ipc.new_stream(made, table.schema) as stream:
            stream.write_table(table)
    return made.getvalue()


def unpack(path: Path) -> Part:
    """Read what :func:`pack` made; raises ScoringError when a file holds anything else."""
    try:
        with pa.memory_map(str(path)) as stored:
            scored, refused = (pa.ipc.open_stream(stored).read_all() for _ in range(2))
        return Part(int(scored.schema.metadata[_ROWS]), scored, refused)
    except (pa.ArrowInvalid, OSError, TypeError, KeyError) as error:
        raise ScoringError(f"{path}: is damaged ({error}); delete {path.parent} and score again") from None
