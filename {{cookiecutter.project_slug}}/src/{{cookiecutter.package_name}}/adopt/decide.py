"""What becomes of each column: a rule of the contract, or a reason why the model does not get it."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ..contract import FLOAT32_MAX
from ..params import MOST_SLICES, ColumnRule
from . import texts as meanings
from .ask import Asker
from .look import Column
from .options import Options

MOST_CATEGORIES = 50
ROWS_PER_CATEGORY = 5  # on average, at least
MOSTLY = 0.9  # of the written cells are numbers: the others may be slips; half of them where the others are words such as NA
LONG, WORDY = 40, 4  # characters, words: free text has more of either on average
_ID_NAME = re.compile(r"(?:^|[^a-z])(?:id|uuid|guid|key|index|nr|no|number)$", re.IGNORECASE)
_STRICT_ID = re.compile(r"(?:^|[^A-Za-z])(?:[Ii][Dd]|[Uu][Uu][Ii][Dd])$|[a-z0-9]I[Dd]$")  # a number so called is no quantity
_CAMEL_ID = re.compile(r"[a-z0-9]I[Dd]$")
_PROTECTED = re.compile(
    r"(?:^|[^a-z])(?:sex|gender|female|male|age_group|race|ethnicity|religion|nationality|disab\w*|marital\w*|senior\w*)(?:$|[^a-z])",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Choice:
    """``rule`` is None for a column that the model does not get, and ``why`` says the reason.

    ``values``: what each distinct text is in the data file, where that differs from what stands there; ``note`` says so to a person.
    """

    name: str
    rule: ColumnRule | None
    why: str = ""
    note: str = ""
    values: tuple[str, ...] | None = None
    missing: int = 0
    dates: tuple[str, ...] | None = None

    def out(self, why: str) -> "Choice":
        """The same column, left out."""
        return replace(self, rule=None, why=why)


def decide(columns: Iterable[Column], options: Options, asker: Asker) -> list[Choice]:
    """A choice for each of the columns, in their order; a column with the same cells as an earlier one is left out."""
    seen: dict[bytes, str] = {}
    choices = []
    for column in columns:
        if column.name in options.drop:
            choices.append(Choice(column.name, None, "left out by DROP"))
            continue
        choice = _choose(column, options, asker)
        twin = seen.setdefault(column.fingerprint(), column.name)
        if choice.rule is not None and twin != column.name and column.name not in options.keep:
            choice = choice.out(f"the same values as {twin!r}")
        choices.append(choice)
    return choices


def is_id_name(name: str) -> bool:
    """Whether a column is called like one that names rows."""
    return _ID_NAME.search(name) is not None or _CAMEL_ID.search(name) is not None


def sensitive(choices: Iterable[Choice]) -> list[str]:
    """Columns of the contract with few values whose names say that they are groups of people."""
    return [one.name for one in choices if one.rule is not None and few_values(one.rule) and _PROTECTED.search(one.name)]


def few_values(rule: ColumnRule) -> bool:
    """Whether a column can be a protected one or a slice."""
    if rule.type == "integer" and rule.min is not None and rule.max is not None:
        return rule.max - rule.min < MOST_SLICES
    return rule.type == "category" and len(rule.categories) <= MOST_SLICES


def written(column: Column, options: Options) -> list[str]:
    """The distinct texts without spaces around them, and empty where they mean that there is no value."""
    missing = set(options.missing)
    return ["" if (text := raw.strip()) in missing else text for raw in column.texts]


def _choose(column: Column, options: Options, asker: Asker) -> Choice:
    if column.numbers is not None:
        return _number(column.name, column.numbers, not column.pointed, column.zeros, options)
    clean = written(column, options)
    counts = column.counts()
    missing = int(sum(count for text, count in zip(clean, counts, strict=True) if not text))
    changed = tuple(clean) if clean != column.texts else None
    choice = Choice(column.name, None, missing=missing, values=changed)
    present = list(dict.fromkeys(text for text in clean if text))
    if not present:
        return choice.out("empty")
    if column.name not in options.text:
        found = _as_numbers(column, clean, counts, options, asker)
        if found is not None:
            return found
        if column.name not in options.keep and (dated := _as_dates(choice, clean, present, options)) is not None:
            return dated
    return _category(choice, column, clean, present, options)


def _number(name: str, values: np.ndarray, whole: bool, zeros: bool, options: Options) -> Choice:
    there = values[~np.isnan(values)]
    missing = len(values) - len(there)
    choice = Choice(name, None, missing=missing)
    if not len(there):
        return choice.out("empty")
    distinct = np.unique(there)
    kept = name in options.keep
    if len(distinct) == 1 and not kept:
        return choice.out(f"constant: always {distinct[0]:g}")
    if np.abs(there).max() > FLOAT32_MAX:
        return choice.out("numbers that do not fit into 32 bits")
    whole = whole and bool((distinct == np.floor(distinct)).all())
    if zeros and not kept and name not in options.numbers:
        return choice.out(f"codes that begin with 0; TEXT='{name}' takes them as categories, NUMBERS='{name}' as numbers")
    unique = len(distinct) == len(there) > 1
    running = unique and len(there) > 20 and distinct[-1] - distinct[0] == len(there) - 1
    if whole and unique and not kept and (running or is_id_name(name)):
        return choice.out("id-like: another number in every row")
    if whole and not kept and len(distinct) > MOST_CATEGORIES and _STRICT_ID.search(name):
        return choice.out(f"id-like by its name: {len(distinct):,} different numbers")
    return replace(choice, rule=_range(distinct, whole, bool(missing)))


def _range(distinct: np.ndarray, whole: bool, missing: bool) -> ColumnRule:
    """As far again beyond what was seen as its span, and not below 0 when nothing was; 0 and 1, and few numbers, stay few."""
    low, high = float(distinct[0]), float(distinct[-1])
    kind: Literal["integer", "number"] = "integer" if whole else "number"
    if whole and high - low < MOST_SLICES:
        top = high if high - low <= 1 else min(2 * high - low, low + MOST_SLICES - 1)
        return ColumnRule(kind, low, top, missing=missing)
    span = high - low
    bottom = 0.0 if low >= 0 else -_rounded(span - low)
    top = 0.0 if high <= 0 else _rounded(high + span)
    return ColumnRule(kind, max(bottom, -FLOAT32_MAX), min(top, FLOAT32_MAX), missing=missing)


def _rounded(value: float) -> float:
    """Up to two digits."""
    size = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(f"{math.ceil(value / size) * size:.12g}")


def _as_numbers(column: Column, clean: list[str], counts: np.ndarray, options: Options, asker: Asker) -> Choice | None:
    """The column as numbers, if that is what most of its cells are."""
    present = [text for text in clean if text]
    found = meanings.numbers(present[:1000])
    if len(present) > 1000 and found.count(None) < 500:
        found = meanings.numbers(present)
    elif len(present) > 1000:
        return None
    as_number = dict(zip(present, found, strict=True))
    odd = {text: 0 for text, value in as_number.items() if value is None}
    cells = 0
    for text, count in zip(clean, counts, strict=True):
        cells += int(count) if text else 0
        if text in odd:
            odd[text] += int(count)
    slips = sum(odd.values())
    named = column.name in options.numbers
    most = 0.5 if all(map(meanings.is_missing_word, odd)) else 1 - MOSTLY
    if slips and not named and (slips > most * cells or not _slips_are_missing(column.name, odd, asker)):
        return None
    values = tuple(as_number.get(text) or "" for text in clean)
    numbers = np.array([float(value) if value else np.nan for value in values])
    pointed = any("." in value or "e" in value.lower() for value in values)
    zeros = any(re.match(r"[+-]?0[0-9]", text) for text in present) and not pointed
    choice = _number(column.name, numbers[column.codes], not pointed, zeros, options)
    told = f"read as numbers, for instance {_example(clean, values)}" if _example(clean, values) else ""
    if slips:
        listed = ", ".join(repr(text) for text in list(odd)[:3]) + (" …" if len(odd) > 3 else "")
        told = f"{told}; " * bool(told) + f"{listed} in {slips:,} rows means missing"
    changed = values if list(values) != column.texts else None
    return replace(choice, values=changed, note=told)


def _slips_are_missing(name: str, odd: dict[str, int], asker: Asker) -> bool:
    if all(meanings.is_missing_word(text) for text in odd):
        return True
    listed = ", ".join(repr(text) for text in list(odd)[:4]) + (" …" if len(odd) > 4 else "")
    answer = asker.choose(
        f"Column {name!r} holds numbers, and in {sum(odd.values()):,} rows {listed}. What is it?",
        {"numbers": "numbers; the others are missing values", "text": "names; nothing in it is a quantity"},
        "numbers",
        f"TEXT='{name}'",
        f"{name!r} holds numbers, so {listed} is a missing value",
    )
    return answer == "numbers"


def _example(clean: list[str], values: tuple[str, ...]) -> str:
    return next((f"{text} as {value}" for text, value in zip(clean, values, strict=True) if value and value != text), "")


def _as_dates(choice: Choice, clean: list[str], present: list[str], options: Options) -> Choice | None:
    found = meanings.dates(present, options.dates)
    if found is None:
        return None
    written, unsure = found
    iso = dict(zip(present, written, strict=True))
    why = f"dates; TIME='{choice.name}' splits by them, or derive a number"
    if unsure:
        why += " (day and month may be the other way round: DATES=dmy or mdy)"
    return replace(choice.out(why), dates=tuple(iso.get(text, "") for text in clean))


def _category(choice: Choice, column: Column, clean: list[str], present: list[str], options: Options) -> Choice:
    if (spelled := meanings.booleans(present)) is not None:
        one = dict(zip(present, spelled, strict=True))
        choice = replace(choice, values=tuple(one.get(text, "") for text in clean), note="one spelling of each answer")
        present = list(dict.fromkeys(spelled))
    filled = column.rows - choice.missing
    if column.name not in options.keep:
        if len(present) == 1 and not choice.missing:
            return choice.out(f"constant: always {present[0][:30]!r}")
        if (why := _too_many(column.name, present, filled)) is not None:
            return choice.out(why)
    return replace(choice, rule=ColumnRule("category", categories=tuple(sorted(present)), missing=choice.missing > 0))


def _too_many(name: str, present: list[str], filled: int) -> str | None:
    """Why a text with so many different values is no category; None when it may be one."""
    count = len(present)
    if count <= min(MOST_CATEGORIES, max(2, filled / ROWS_PER_CATEGORY)):
        return None
    length = sum(map(len, present)) / count
    words = sum(text.count(" ") + 1 for text in present) / count
    if length > LONG or words > WORDY:
        return "free text"
    if count == filled or is_id_name(name) or count > 0.9 * filled:
        return f"id-like: {count:,} values in {filled:,} rows"
    return f"too many categories: {count:,}"
