"""Writes OUT and the side file of refused rows from the parts, in the order of the rows. Both appear whole or not at all."""

import csv
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv as arrow_csv

from . import ScoringError
from .part import ROW, Part

_ADVICE = "make room and run the same command again: it goes on from here"


def side_of(out: Path) -> Path:
    """The file for the rows that were refused."""
    return out.with_name(f"{out.stem}.refused.csv")


class Output:
    """OUT in the making, inside a folder on the same disk. Rows are counted from 1, as people do."""

    def __init__(self, out: Path, folder: Path, about: dict[str, str]) -> None:
        """``about`` goes into a Parquet file's metadata: the model and its digest.

        Raises ScoringError when the folder cannot be written.
        """
        self._out, self._side, self._about = out, side_of(out), about
        self._fresh_out, self._fresh_side = folder / "out", folder / "side"
        self._writer: pq.ParquetWriter | arrow_csv.CSVWriter | None = None
        try:
            self._lines = self._fresh_side.open("w", encoding="utf-8", newline="")
        except OSError as error:
            raise ScoringError(f"{folder}: cannot be written ({error.strerror}); {_ADVICE}") from None
        self._refused = csv.writer(self._lines, lineterminator="\n")
        self._refused.writerow([ROW, "column", "value", "rule"])
        self.rows = self.scored = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with suppress(OSError, pa.ArrowInvalid):  # after a failure they are thrown away; finish() closes what is kept
            self._lines.close()
            if self._writer is not None:
                self._writer.close()

    def append(self, part: Part) -> None:
        """Add the rows of the next piece; raises ScoringError when the disk is full."""
        try:
            if self._writer is None:
                self._writer = self._open(part.scored.schema.with_metadata(self._about))
            self._writer.write_table(_counted(part.scored, self.rows).replace_schema_metadata(self._about))
            self._refused.writerows(zip(*_counted(part.refused, self.rows).to_pydict().values(), strict=True))
        except OSError as error:
            raise ScoringError(f"{self._out}: cannot be written ({error}); {_ADVICE}") from None
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            advice = "leave the column out with --keep, or write Parquet"
            raise ScoringError(f"{self._out}: cannot hold a column that IN has ({error}); {advice}") from None
        self.rows, self.scored = self.rows + part.rows, self.scored + len(part.scored)

    def finish(self) -> Path | None:
        """Put both files in place, OUT last and only when there is a row in it; returns the side file when there is one.

        A side file of an earlier run goes. Raises ScoringError when the disk is full.
        """
        try:
            self._lines.close()
            if self._writer is not None:
                self._writer.close()
            return self._publish()
        except OSError as error:
            raise ScoringError(f"{self._out}: cannot be written ({error}); {_ADVICE}") from None

    def _publish(self) -> Path | None:
        side = self._side if self.scored < self.rows else None
        if side:
            _put(self._fresh_side, side)
        else:
            self._side.unlink(missing_ok=True)
        if self.scored:
            _put(self._fresh_out, self._out)
        return side

    def _open(self, schema: pa.Schema) -> "pq.ParquetWriter | arrow_csv.CSVWriter":
        if self._out.suffix == ".csv":
            return arrow_csv.CSVWriter(self._fresh_out, schema)
        floats = [field.name for field in schema if pa.types.is_floating(field.type)]
        return pq.ParquetWriter(
            self._fresh_out,
            schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=[field.name for field in schema if field.name not in (ROW, *floats)],
            column_encoding={ROW: "DELTA_BINARY_PACKED"},
        )


def _counted(table: pa.Table, before: int) -> pa.Table:
    rows = pc.add(table.column(ROW), before + 1)
    return table.set_column(table.schema.get_field_index(ROW), ROW, rows)


def _put(fresh: Path, place: Path) -> None:
    with fresh.open("r+b") as stream:  # Windows writes nothing out through a file that is open for reading
        os.fsync(stream.fileno())
    os.replace(fresh, place)
