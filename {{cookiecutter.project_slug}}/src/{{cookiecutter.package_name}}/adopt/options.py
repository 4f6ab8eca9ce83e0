"""What the caller says, as words ``NAME=value``: the same for make and for the plain command."""

import csv
from collections.abc import Sequence
from typing import Literal

import msgspec

from ..params_check import did_you_mean
from . import AdoptError

USAGE = """usage: make adopt DATA=file TARGET=column
plain: python -m <package>.adopt DATA=file TARGET=column

  DATA       a CSV, Parquet or Excel file, a folder of CSV files with the same
             columns, or the URL of a database (with QUERY)
  TARGET     the column to predict
  QUERY      a SELECT statement
  SHEET      a sheet of an Excel file
  ENCODING   of a CSV file; DELIMITER too
  ID         the column of unique row names; without one they are made from the
             rows' content
  TIME       a column of dates: the newest rows test, and no older row learns
             from a newer one
  PROTECTED  columns with groups that the model must treat alike, as in
             PROTECTED=sex,age_group ("none": there are none)
  PROBLEM    binary, multi-class or regression
  POSITIVE   the class to find
  KEEP       columns to use although they look useless or leak
  DROP       columns to leave out
  MISSING    words that mean that a value is missing, as in MISSING=NA,?
  NUMBERS    columns whose cells that are no numbers are missing
  TEXT       columns of numbers that are names (codes, for instance)
  DATES      dmy or mdy: how 03/04/2024 is meant
  RARE       drop: leaves out the rows of classes that are too rare to learn
  ABOUT      one sentence for the README: what the model predicts
  YES        yes: asks nothing
  REPLACE    yes: replaces files with changes that git does not have"""


class Options(msgspec.Struct, frozen=True):
    """The words of the caller; None or an empty tuple where nothing was said."""

    data: str
    target: str
    query: str | None = None
    sheet: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    id: str | None = None
    time: str | None = None
    protected: tuple[str, ...] | None = None
    problem: Literal["binary", "multi-class", "regression"] | None = None
    positive: str | None = None
    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    dates: Literal["dmy", "mdy"] | None = None
    rare: Literal["drop"] | None = None
    about: str | None = None
    yes: bool = False
    replace: bool = False

    def check(self, names: Sequence[str]) -> None:
        """Raises :class:`AdoptError` when an option names a column that the table does not have."""
        named = {option: getattr(self, option) or () for option in ("keep", "drop", "numbers", "text", "protected")}
        named |= {option: (value,) for option in ("target", "id", "time") if (value := getattr(self, option)) is not None}
        for option, columns in named.items():
            for name in columns:
                if name not in names:
                    raise AdoptError(f"{option.upper()}={name}: {self.data} has no such column{did_you_mean(name, names)}")
        places = [self.target, *(name for name in (self.id, self.time) if name is not None)]
        if len(set(places)) != len(places):
            raise AdoptError("TARGET, ID and TIME must be different columns")


LISTS = ("protected", "keep", "drop", "missing", "numbers", "text")
FLAGS = ("yes", "replace")


def parse(words: Sequence[str]) -> Options:
    """The options; raises :class:`AdoptError` for a word that is none, and names the nearest that is."""
    known = {name.upper(): name for name in Options.__struct_fields__}
    found: dict[str, object] = {}
    for word in words:
        key, sign, value = word.partition("=")
        if not sign or key.upper() not in known:
            raise AdoptError(f"{word!r} is not an option{did_you_mean(key.upper(), known)}; --help shows them")
        name = known[key.upper()]
        if name in FLAGS:
            found[name] = value.casefold() in ("yes", "y", "true", "1")
        elif name in LISTS:
            listed = tuple(part.strip() for part in next(csv.reader([value]), []) if part.strip())
            found[name] = () if name == "protected" and listed == ("none",) else listed
        elif value:
            found[name] = value
    for name in ("data", "target"):
        if name not in found:
            raise AdoptError(f"{name.upper()} is missing; for instance: make adopt DATA=file.csv TARGET=column")
    try:
        return msgspec.convert(found, Options)
    except msgspec.ValidationError as error:
        text, _, path = str(error).partition(" - at `$.")
        raise AdoptError(f"{path.rstrip('`').upper()}: {text}; --help shows what it may be") from None
