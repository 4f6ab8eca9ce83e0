"""The prediction log's format: what the server writes and monitoring reads.

JSON lines in gzip, because the few libraries that serve write them and everything reads them (pandas, DuckDB, Spark, zcat); Parquet would
need pyarrow, which alone is as large as all of them together. Each file is written once, whole, under a name of its own, so that any
number of processes and hosts share a folder or bucket, and a reader never meets half a file.
"""

import calendar
import gzip
import secrets
import time
import zlib
from collections.abc import Sequence

import msgspec

from . import ProblemError

SUFFIX = ".jsonl.gz"
LARGEST = 512 * 1024 * 1024  # bytes of one file, unpacked


class LogError(ProblemError):
    """A file is no prediction log, or there is none."""


class Line(msgspec.Struct, frozen=True):
    """One row that was scored.

    Unix ``time``, the request and which of its rows it is, the model's digest, its logged inputs (null: missing), its answers (the
    probabilities of the classes in the contract's order, or one value), and the ``share`` of rows that were logged then.
    """

    time: float
    request_id: str
    row: int
    digest: str
    inputs: dict[str, int | float | str | None]
    answers: list[float | None]
    share: float = 1.0

    @property
    def key(self) -> str:
        """What the server told its client of this row, and by which its label is found: ``<request_id>.<row>``."""
        return f"{self.request_id}.{self.row}"


def name_of(begun: float) -> str:
    """``2026-11-21/20261121T190501Z-<random>.jsonl.gz`` for a file whose first row is of that Unix time."""
    at = time.gmtime(begun)
    return f"{time.strftime('%Y-%m-%d', at)}/{time.strftime('%Y%m%dT%H%M%SZ', at)}-{secrets.token_hex(6)}{SUFFIX}"


def time_of(path: str) -> float | None:
    """The Unix time in a file's name; None for a file that is not of a log."""
    name = path.rpartition("/")[2]
    try:
        return float(calendar.timegm(time.strptime(name.partition("-")[0], "%Y%m%dT%H%M%SZ"))) if name.endswith(SUFFIX) else None
    except ValueError:
        return None


def pack(lines: Sequence[Line]) -> bytes:
    """The content of a file."""
    return gzip.compress(b"".join(msgspec.json.encode(line) + b"\n" for line in lines), compresslevel=6)


def unpack(data: bytes, where: str) -> list[Line]:
    """The lines of a file; raises :class:`LogError` when it holds anything else, or more than half a gigabyte."""
    unpacker = zlib.decompressobj(wbits=31)
    try:
        text = unpacker.decompress(data, LARGEST)
        if not unpacker.eof:
            raise LogError(f"{where}: is cut off, or unpacks to more than {LARGEST >> 20} MiB; delete it")
        return msgspec.json.Decoder(Line).decode_lines(text)
    except (zlib.error, msgspec.MsgspecError) as error:
        raise LogError(f"{where}: is not a file of a prediction log ({error}); delete it") from None
