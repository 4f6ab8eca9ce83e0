"""Brings every kind of source into one form: a header, and rows of text that can be gone over again."""

import csv
import importlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, time
from pathlib import Path
from types import ModuleType

from ..csv_file import OTHER_DELIMITERS
from . import AdoptError
from .options import Options

LARGEST_CELL = 10 * 1024 * 1024
BATCH = 50_000


@dataclass(frozen=True)
class Source:
    """A CSV file, the names of its columns, and how it is read.

    ``as_it_stands``: the pipeline reads this very file. ``origin`` is what the person named, for messages and documents; ``notes`` say what
    was done to the header.
    """

    path: Path
    origin: str
    names: list[str]
    encoding: str = "utf-8-sig"
    delimiter: str = ","
    as_it_stands: bool = True
    notes: list[str] = field(default_factory=list)

    def rows(self) -> Iterator[list[str]]:
        """The rows without the header; blank lines are left out. Raises :class:`AdoptError` for a row of another length."""
        line = 1
        try:
            with self.path.open(encoding=self.encoding, newline="") as stream:
                reader = csv.reader(stream, delimiter=self.delimiter, strict=True)
                next(reader)
                for row in reader:
                    if len(row) == len(self.names):
                        yield row
                    elif row:
                        what = f"has {len(row)} fields, the header has {len(self.names)}"
                        raise AdoptError(f"{self.origin}: the row that ends on line {reader.line_num} {what}; correct the file")
                    line = reader.line_num
        except UnicodeDecodeError:
            raise _encoding(self.origin, self.encoding) from None
        except csv.Error as error:
            raise AdoptError(f"{self.origin}: line {line + 1} or below cannot be read ({error}); is there a quote too many?") from None


def source(options: Options, scratch: Path) -> Source:
    """The source that the options name; what is no CSV file is written as one into the folder ``scratch``."""
    csv.field_size_limit(LARGEST_CELL)
    path = Path(options.data)
    if options.query is not None or "://" in options.data:
        return _converted(_sql(options), options, scratch)
    if path.is_dir():
        return _converted(_folder(path, options), options, scratch)
    if not path.is_file():
        raise AdoptError(f"DATA={options.data}: no such file or folder")
    if path.suffix.lower() in (".parquet", ".pq"):
        return _converted(_parquet(path), options, scratch)
    if path.suffix.lower() in (".xlsx", ".xlsm"):
        return _converted(_excel(path, options), options, scratch)
    if path.suffix.lower() == ".xls":
        raise AdoptError(f"{path}: is in Excel's format of before 2007; save it as .xlsx or .csv")
    return _csv(path, options)


def _csv(path: Path, options: Options) -> Source:
    encoding = options.encoding or _by_mark(path)
    try:
        with path.open(encoding=encoding, newline="") as stream:
            head = stream.readline()
    except (UnicodeDecodeError, LookupError):
        raise _encoding(str(path), encoding) from None
    delimiter = {"tab": "\t", "\\t": "\t"}.get(options.delimiter or "", options.delimiter) or max([",", *OTHER_DELIMITERS], key=head.count)
    if len(delimiter) != 1:
        raise AdoptError(f"DELIMITER={delimiter}: must be one character, or tab")
    with path.open(encoding=encoding, newline="") as stream:
        try:
            header = next(csv.reader(stream, delimiter=delimiter, strict=True), [])
        except csv.Error as error:
            raise AdoptError(f"{path}: line 1 cannot be read ({error}); is a quote missing?") from None
    names, notes = named(header, str(path))
    same = not notes and delimiter == "," and encoding == "utf-8-sig"
    return Source(path, str(path), names, encoding, delimiter, same, notes)


def named(header: list[str], origin: str) -> tuple[list[str], list[str]]:
    """Names that are different, printable and not empty, and a sentence for each that was changed."""
    if not any(name.strip() for name in header):
        raise AdoptError(f"{origin}: is empty, or has no header line with the names of the columns")
    names: list[str] = []
    notes: list[str] = []
    for place, given in enumerate(header, 1):
        plain = " ".join("".join(sign if sign.isprintable() else " " for sign in given).split()) or f"column_{place}"
        name, number = plain, 1
        while name in names:
            number += 1
            name = f"{plain}.{number}"
        if name != given:
            notes.append(f"column {place}, {given!r}, is called {name!r} here")
        names.append(name)
    return names, notes


def _by_mark(path: Path) -> str:
    with path.open("rb") as stream:
        start = stream.read(4)
    return "utf-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"


def _encoding(origin: str, encoding: str) -> AdoptError:
    tried = "UTF-8" if encoding == "utf-8-sig" else encoding
    return AdoptError(
        f"{origin}: is not text in the encoding {tried}; name its own, for instance ENCODING=cp1252 (Windows, western Europe)"
    )


Table = tuple[list[str], Iterator[Iterable[object]]]


def _converted(table: Table, options: Options, scratch: Path) -> Source:
    header, rows = table
    names, notes = named(header, options.data)
    path = scratch / "table.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(names)
        for row in rows:
            cells = [cell(value) for value in row]
            if any(cells):
                writer.writerow(cells)
    return Source(path, options.data, names, as_it_stands=False, notes=notes)


def cell(value: object) -> str:
    """A typed value as text: dates by ISO 8601, nothing for null and NaN."""
    if isinstance(value, str):
        return value
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes | list | dict):
        return f"<{type(value).__name__} of {len(value)}>"
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _folder(folder: Path, options: Options) -> Table:
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".csv")
    if not paths:
        raise AdoptError(f"DATA={folder}: no file in this folder ends in .csv")
    parts = [_csv(path, options) for path in paths]
    for part in parts[1:]:
        for name in sorted(set(part.names) ^ set(parts[0].names)):
            lacks = part if name in parts[0].names else parts[0]
            raise AdoptError(f"{lacks.path}: has no column {name!r}, as other files of the folder do; bring all to the same columns")

    def rows() -> Iterator[list[str]]:
        for part in parts:
            places = [part.names.index(name) for name in parts[0].names]
            yield from ([row[place] for place in places] for row in part.rows())

    return parts[0].names, rows()


def _parquet(path: Path) -> Table:
    parquet = _library("pyarrow.parquet")
    try:
        file = parquet.ParquetFile(path)
    except (OSError, ValueError) as error:
        raise AdoptError(f"{path}: cannot be read as Parquet ({' '.join(str(error).split())[:120]})") from None
    batches = file.iter_batches(batch_size=BATCH)
    return list(file.schema_arrow.names), (
        row for batch in batches for row in zip(*(one.to_pylist() for one in batch.columns), strict=True)
    )


def _excel(path: Path, options: Options) -> Table:
    openpyxl = _library("openpyxl")
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except Exception as error:  # zipfile's, XML's and its own
        raise AdoptError(f"{path}: cannot be read as an Excel file ({' '.join(str(error).split())[:120]})") from None
    if options.sheet is not None and options.sheet not in book.sheetnames:
        raise AdoptError(f"SHEET={options.sheet}: {path} has the sheets {', '.join(book.sheetnames)}")
    if options.sheet is None and len(book.sheetnames) > 1:
        raise AdoptError(f"{path}: has {len(book.sheetnames)} sheets; name one: SHEET={' or '.join(book.sheetnames[:8])}")
    rows = (tuple(map(_excel_value, row)) for row in book[options.sheet or book.sheetnames[0]].iter_rows(values_only=True))
    header = [cell(value) for value in next(rows, ())]
    while header and not header[-1].strip():
        header.pop()
    return header, (row[: len(header)] + ("",) * (len(header) - len(row)) for row in rows)


def _excel_value(value: object) -> object:
    """Excel has no whole numbers and no dates without a time: 3.0 is 3, and midnight a date."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, datetime) and value.time() == time.min:
        return value.date()
    return value


def _sql(options: Options) -> Table:
    if options.query is None:
        raise AdoptError(f"DATA={options.data}: is the URL of a database; say which rows with QUERY='SELECT …'")
    sqlalchemy = _library("sqlalchemy")
    try:
        engine = sqlalchemy.create_engine(options.data)
        connection = engine.connect().execution_options(stream_results=True, yield_per=BATCH)
        result = connection.execute(sqlalchemy.text(options.query))
        names = list(result.keys())
    except (sqlalchemy.exc.SQLAlchemyError, ImportError) as error:
        reason = " ".join(str(getattr(error, "orig", None) or error).split())[:160]
        raise AdoptError(f"the database refused the query or cannot be reached: {reason}") from None

    def rows() -> Iterator[Iterable[object]]:
        with connection:
            yield from result

    return names, rows()


def _library(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError:
        package = name.partition(".")[0]
        raise AdoptError(
            f"this kind of source is read with {package}, which is not installed here; `make adopt` sets it up, or install it from "
            "requirements/adopt.txt"
        ) from None
