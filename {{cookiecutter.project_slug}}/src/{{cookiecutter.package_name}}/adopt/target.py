"""What is to be predicted: the kind of problem, its classes, and the rows that say nothing."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from ..gate import Problem
from . import AdoptError
from . import texts as meanings
from .ask import Asker
from .decide import written
from .look import Column
from .options import Options

MOST_CLASSES = 50
MOST_WHOLE_CLASSES = 20
FEWEST_OF_A_CLASS = 8  # enough that every side can get two


@dataclass(frozen=True)
class Target:
    """``values``: what each distinct text of the column is in the data file, empty where its rows are left out."""

    name: str
    problem: Problem
    values: tuple[str, ...]
    classes: tuple[str, ...]
    counts: dict[str, int]
    positive: str | None
    gone: int
    notes: tuple[str, ...] = ()


def decide(column: Column, options: Options, asker: Asker) -> Target:
    """The target as its column (of texts) and the options say; raises :class:`AdoptError` where it cannot be predicted."""
    counts = column.counts()
    clean = _without_words(column, written(column, options), options, asker)
    present = list(dict.fromkeys(text for text in clean if text))
    if not present:
        raise AdoptError(f"TARGET={column.name}: is empty in every row")
    numeric, slips = _numeric(column, clean, counts)
    classes = len({float(value) for value in numeric if value} if numeric is not None else set(meanings.booleans(present) or present))
    problem = options.problem or _problem(column, numeric, classes, asker)
    if problem == "regression":
        if numeric is None:
            raise AdoptError(f"TARGET={column.name}: holds words such as {present[0][:30]!r}, which no regression can predict")
        return _finished(column, problem, numeric, counts, None, slips)
    values = _classes(clean, present, numeric)
    if slips:
        asker.assumed.append(slips)
    found = _finished(column, problem, values, counts, None, "")
    found = _rare(found, column, counts, options, asker)
    return _binary(found, options, asker) if problem == "binary" else _multi(found)


def _without_words(column: Column, clean: list[str], options: Options, asker: Asker) -> list[str]:
    """The texts with words such as NA emptied, where they are no class of their own."""
    words = sorted({text for text in clean if text and meanings.is_missing_word(text)})
    others = {text.casefold() for text in clean if text} - {text.casefold() for text in words}
    if column.name in options.keep or not words or not others or None not in meanings.numbers(sorted(others)):
        return clean
    listed = ", ".join(map(repr, words))
    likely = "missing" if len(others) == 2 else "class"
    answer = asker.choose(
        f"{column.name!r}, the column to predict, holds {listed}. What is it?",
        {"missing": "a value that is not known; these rows are left out", "class": "a class of its own, to be predicted"},
        likely,
        f"KEEP='{column.name}'" if likely == "missing" else f"MISSING={','.join(words)}",
        f"{listed} in {column.name!r} is {'a missing value' if likely == 'missing' else 'a class'}",
    )
    return clean if answer == "class" else ["" if text in words else text for text in clean]


def _numeric(column: Column, clean: list[str], counts: np.ndarray) -> tuple[tuple[str, ...] | None, str]:
    """The values as numbers, where all are, but for words that mean missing; and a sentence about those."""
    present = [text for text in clean if text]
    as_number = dict(zip(present, meanings.numbers(present), strict=True))
    odd = [text for text, value in as_number.items() if value is None]
    if len(odd) == len(as_number) or not all(meanings.is_missing_word(text) for text in odd):
        return None, ""
    rows = sum(int(count) for text, count in zip(clean, counts, strict=True) if text in odd)
    told = f"{column.name!r}: {', '.join(map(repr, odd))} in {rows:,} rows means missing" if odd else ""
    return tuple(as_number.get(text) or "" for text in clean), told


def _problem(column: Column, numeric: tuple[str, ...] | None, classes: int, asker: Asker) -> Problem:
    if classes == 1:
        raise AdoptError(f"TARGET={column.name}: has the same value in every row; there is nothing to learn")
    if classes == 2:
        return "binary"
    if numeric is None:
        _refuse_slips(column)
        if classes > min(MOST_CLASSES, max(3, column.rows / FEWEST_OF_A_CLASS)):
            raise AdoptError(f"TARGET={column.name}: holds {classes:,} different words, too many classes to learn, and no numbers")
        return "multi-class"
    whole = all(float(value).is_integer() for value in numeric if value)
    if not whole or classes > MOST_WHOLE_CLASSES:
        return "regression"
    likely: Problem = "multi-class" if classes <= 6 else "regression"
    answer = asker.choose(
        f"{column.name!r} holds {classes} different whole numbers. Are they quantities or names?",
        {"regression": "quantities: 2 lies between 1 and 3", "multi-class": "names: each number is a class"},
        likely,
        "PROBLEM=" + ("regression" if likely == "multi-class" else "multi-class"),
        f"the {classes} whole numbers of {column.name!r} are {'classes' if likely == 'multi-class' else 'quantities'}",
    )
    return "regression" if answer == "regression" else "multi-class"


def _refuse_slips(column: Column) -> None:
    """A few words among many numbers: a person must say what they are."""
    found = [(text.strip(), meanings.number(text.strip())) for text in column.texts if text.strip()]
    odd = [text for text, value in found if value is None]
    if len(found) > MOST_CLASSES and len(odd) < len(found) / 10:
        raise AdoptError(
            f"TARGET={column.name}: holds numbers, and also {', '.join(map(repr, odd[:4]))}; if that is a missing value, say "
            f"MISSING={odd[0]}, else correct the file"
        )


def _classes(clean: list[str], present: list[str], numeric: tuple[str, ...] | None) -> tuple[str, ...]:
    """One spelling of each class: numbers without a needless point, yes and no as they stand first."""
    if numeric is not None:
        return tuple(format(float(value), ".15g") if value else "" for value in numeric)
    one = dict(zip(present, meanings.booleans(present) or present, strict=True))
    return tuple(one.get(text, "") for text in clean)


def _finished(column: Column, problem: Problem, values: tuple[str, ...], counts: np.ndarray, positive: str | None, note: str) -> Target:
    rows: Counter[str] = Counter()
    for value, count in zip(values, counts, strict=True):
        rows[value] += int(count)
    gone = rows.pop("", 0)
    if not rows or len(rows) == 1:
        raise AdoptError(f"TARGET={column.name}: has the same value in every row; there is nothing to learn")
    classes = () if problem == "regression" else tuple(sorted(rows, key=_order))
    notes = (f"{gone:,} rows without a value of {column.name!r} are left out",) if gone else ()
    kept = {} if problem == "regression" else dict(rows)
    return Target(column.name, problem, values, classes, kept, positive, gone, notes + ((note,) if note else ()))


def _order(value: str) -> tuple[int, float, str]:
    try:
        return 0, float(value), value
    except ValueError:
        return 1, 0.0, value


def _rare(found: Target, column: Column, counts: np.ndarray, options: Options, asker: Asker) -> Target:
    rare = {name: rows for name, rows in found.counts.items() if rows < FEWEST_OF_A_CLASS}
    if not rare:
        return found
    told = ", ".join(f"{name!r} ({rows})" for name, rows in list(rare.items())[:5])
    if options.rare is None and asker.ask is None:
        raise AdoptError(
            f"TARGET={found.name}: classes with fewer than {FEWEST_OF_A_CLASS} rows cannot be learned and tested: {told}; bring more rows, "
            "or RARE=drop leaves these out"
        )
    if options.rare is None:
        answer = asker.choose(
            f"These classes of {found.name!r} have too few rows to learn and to test: {told}.",
            {"drop": "leave these rows out", "stop": "write nothing"},
            "stop",
            "RARE=drop",
            "",
        )
        if answer == "stop":
            raise AdoptError("stopped; nothing was written")
    values = tuple("" if value in rare else value for value in found.values)
    made = _finished(column, found.problem, values, counts, None, f"rows of rare classes are left out: {told}")
    return made


def _multi(found: Target) -> Target:
    if len(found.classes) < 3:
        raise AdoptError(f"TARGET={found.name}: a multi-class problem needs three classes, here are {', '.join(map(repr, found.classes))}")
    return found


def _binary(found: Target, options: Options, asker: Asker) -> Target:
    if len(found.classes) != 2:
        listed = ", ".join(map(repr, found.classes[:6]))
        raise AdoptError(f"TARGET={found.name}: a binary problem needs two classes, here are {len(found.classes)}: {listed}")
    if options.positive is not None and options.positive not in found.classes:
        raise AdoptError(f"POSITIVE={options.positive}: {found.name!r} holds {' and '.join(map(repr, found.classes))}")
    known = [name for name in found.classes if name.casefold() in meanings.POSITIVE_WORDS]
    positive = options.positive or (known[0] if len(known) == 1 else None)
    if positive is None:
        rarer = min(found.classes, key=lambda name: found.counts[name])
        positive = asker.choose(
            f"Which class of {found.name!r} is the one to find?",
            {name: f"{found.counts[name]:,} rows" for name in found.classes},
            rarer,
            "POSITIVE=…",
            f"the class to find is {rarer!r}, the rarer one",
        )
    return Target(found.name, "binary", found.values, found.classes, found.counts, positive, found.gone, found.notes)
