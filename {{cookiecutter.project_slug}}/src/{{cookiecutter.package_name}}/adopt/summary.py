"""What a person sees: one line for each column, and what was decided."""

import shutil
from collections.abc import Iterable, Sequence

from ..params import ColumnRule, Split
from .params_text import Adopted, guessing, number_text, percent

MOST_LINES = 60
LEAST_WIDTH = 60


def text(new: Adopted, notes: Iterable[str], assumed: Sequence[str], width: int | None = None) -> str:
    """The summary, no wider than the terminal."""
    wide = max(LEAST_WIDTH, min(width or shutil.get_terminal_size((80, 24)).columns, 140))
    used = [(name, rule.type, allowed(rule), _missing(new, name)) for name, rule in new.rules.items()]
    rows = [("column", "type", "allowed", "missing"), *used[:MOST_LINES]]
    lines = [f"{new.problem}: {_target(new)}, {new.rows:,} rows, {len(used)} columns", "", *_table(rows, wide)]
    lines += [f"… and {len(used) - MOST_LINES} more"] if len(used) > MOST_LINES else []
    if new.out:
        shown = list(new.out.items())[:MOST_LINES]
        lines += ["", "Left out (KEEP=… uses them all the same):", *(_cut(f"  {name}: {why}", wide) for name, why in shown)]
        lines += [f"  … and {len(new.out) - MOST_LINES} more"] if len(new.out) > MOST_LINES else []
    for title, told in (("Changed in the data file:", list(notes)), ("Assumed:", assumed)):
        lines += ["", title, *(part for one in told for part in _wrapped(one, wide))] if told else []
    lines += ["", f"id {new.id}, {_split(new.split)}", f"metric {new.headline}, gate {new.headline} at least {guessing(new):g}"]
    lines += [f"protected {', '.join(new.protected)}"] if new.protected else []
    return "\n".join(lines)


def allowed(rule: ColumnRule) -> str:
    """What the contract allows, in few words."""
    if rule.type == "category":
        return f"{len(rule.categories)}: {', '.join(rule.categories)}"
    return f"{'' if rule.min is None else number_text(rule.min)} to {'' if rule.max is None else number_text(rule.max)}"


def _target(new: Adopted) -> str:
    if new.problem == "binary":
        return f"whether {new.target} is {new.positive}"
    return f"{new.target}, {', '.join(new.classes)}"[:100] if new.classes else new.target


def _missing(new: Adopted, name: str) -> str:
    count = new.missing.get(name, 0)
    return percent(count / new.rows) if count else "-"


def _split(split: Split) -> str:
    if split.time is not None:
        return f"split by time: {split.time} from {split.test} on tests, from {split.validation} on chooses the threshold"
    return f"split by id: {percent(float(split.test))} test, {percent(float(split.validation))} validation"


def _table(rows: Sequence[tuple[str, str, str, str]], wide: int) -> list[str]:
    name = min(max(len(row[0]) for row in rows), wide // 3)
    kind = max(len(row[1]) for row in rows)
    last = max(len(row[3]) for row in rows)
    middle = min(max(len(row[2]) for row in rows), wide - name - kind - last - 6)
    return [f"{_cut(row[0], name):{name}}  {row[1]:{kind}}  {_cut(row[2], middle):{middle}}  {row[3]:>{last}}".rstrip() for row in rows]


def _cut(words: str, wide: int) -> str:
    return words if len(words) <= wide else f"{words[: wide - 1]}…"


def _wrapped(words: str, wide: int) -> list[str]:
    import textwrap

    return textwrap.wrap(words, wide, initial_indent="  ", subsequent_indent="    ", break_long_words=True) or []
