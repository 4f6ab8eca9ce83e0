"""From options to the files that make the repository one for the data; nothing is written but into the scratch folder."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .. import params
from ..params import Params, Split
from ..telling import strengths
from . import AdoptError, decide, divide, documents, keys, params_text, read, rows, target
from .ask import Asker
from .decide import Choice
from .look import Column, look
from .options import Options
from .params_text import Adopted
from .read import Source
from .target import Target
from .write import former_data

MOST_TOLD = 100_000  # rows in which features are looked at for leakage
SLICES = 2
SLICE_VALUES = 6


@dataclass(frozen=True)
class Made:
    """``files`` in the order in which they are put in place; ``gone`` are those of the former project; ``size`` of the data in bytes."""

    adopted: Adopted
    files: dict[Path, str | Path]
    gone: list[Path]
    notes: list[str]
    source: Path
    size: int


@dataclass(frozen=True)
class _Table:
    """The source with everything that was decided about it. ``kept`` marks its rows that go into the data file."""

    source: Source
    columns: dict[str, Column]
    choices: dict[str, Choice]
    goal: Target
    id: str
    made_id: bool
    times: tuple[str, ...] | None
    kept: np.ndarray


def make(chosen: Options, old: Params, old_text: str, asker: Asker, scratch: Path) -> Made:
    """Look at the source and decide; raises :class:`AdoptError` where it cannot be used or leaves something open."""
    source = read.source(chosen, scratch)
    chosen.check(source.names)
    table = _decided(source, chosen, asker)
    split = _split(table, chosen, old)
    protected = _protected(table, chosen, asker)
    data = _data_path(table, chosen.data)
    adopted = _adopted(table, split, protected, data)
    adopted = _without_leaks(table, adopted, chosen, old, old_text)
    text = _checked(params_text.renew(old_text, old, adopted))
    return _files(table, adopted, chosen, old, text, scratch)


def _decided(source: Source, chosen: Options, asker: Asker) -> _Table:
    exact = {name for name in (chosen.target, chosen.id, chosen.time, *chosen.text) if name is not None}
    columns = look(source, exact)
    goal = target.decide(columns[chosen.target], chosen, asker)
    times = keys.times(columns[chosen.time], chosen) if chosen.time is not None else None
    id_name = chosen.id or keys.found_id(columns, chosen)
    if id_name is not None and id_name == chosen.id:
        keys.check_id(columns[id_name])
    inputs = [column for name, column in columns.items() if name not in (chosen.target, id_name, chosen.time)]
    choices = {one.name: one for one in decide.decide(inputs, chosen, asker)}
    if not any(one.rule is not None for one in choices.values()):
        raise AdoptError(f"{source.origin}: leaves no column to learn from; KEEP=… uses one all the same")
    made_id = id_name is None
    kept = _has_value(columns[chosen.target], goal.values)
    if times is not None and chosen.time is not None:
        kept &= _has_value(columns[chosen.time], times)
    return _Table(source, columns, choices, goal, id_name or rows.free_name(source.names), made_id, times, kept)


def _has_value(column: Column, values: Sequence[str]) -> np.ndarray:
    return np.array([bool(value) for value in values])[column.codes]


def _split(table: _Table, chosen: Options, old: Params) -> Split:
    goal = table.columns[table.goal.name]
    targets = np.array(table.goal.values, dtype=object)[goal.codes][table.kept]
    if table.times is not None and chosen.time is not None:
        times = np.array(table.times, dtype=object)[table.columns[chosen.time].codes][table.kept]
        return divide.by_time(chosen.time, list(times), targets, table.goal.classes)
    salt = old.split.salt or old.model.name
    return divide.by_id(lambda: _ids(table), targets, table.goal.classes, salt)


def _ids(table: _Table) -> list[str]:
    if table.made_id:
        how = rows.Rewriting({}, (), table.id)
        made = [row[0] for row in rows.rewritten(table.source, how)]
        return [one for one, kept in zip(made, table.kept, strict=True) if kept]
    column = table.columns[table.id]
    if column.numbers is not None:
        column = look(table.source, {table.id}, only={table.id})[table.id]  # as it is written: a side depends on it
    return list(np.array(column.texts, dtype=object)[column.codes][table.kept])


def _protected(table: _Table, chosen: Options, asker: Asker) -> tuple[str, ...]:
    if chosen.protected is not None:
        for name in chosen.protected:
            choice = table.choices.get(name)
            if choice is None or choice.rule is None or not decide.few_values(choice.rule):
                why = f" ({choice.why})" if choice is not None and choice.why else ""
                raise AdoptError(f"PROTECTED={name}: must be a column that the model gets, with few values{why}")
        return chosen.protected
    found = decide.sensitive(table.choices.values())
    if not found:
        return ()
    listed = ", ".join(found)
    answer = asker.choose(
        f"Do these columns hold groups that the model must treat alike: {listed}?",
        {"yes": "yes; each report shows them apart", "no": "no"},
        "yes",
        "PROTECTED=none",
        f"groups of people that the model must treat alike: {listed}",
    )
    return tuple(found) if answer == "yes" else ()


def _adopted(table: _Table, split: Split, protected: tuple[str, ...], data: Path) -> Adopted:
    rules = {name: choice.rule for name, choice in table.choices.items() if choice.rule is not None}
    count = int(table.kept.sum())
    few = [
        name
        for name, rule in rules.items()
        if rule.type == "category" and 2 <= len(rule.categories) <= SLICE_VALUES and name not in protected and count >= 500
    ]
    return Adopted(
        problem=table.goal.problem,
        path=data.as_posix(),
        id=table.id,
        target=table.goal.name,
        classes=table.goal.classes,
        positive=table.goal.positive,
        rules=rules,
        missing={name: choice.missing for name, choice in table.choices.items()},
        out={name: choice.why for name, choice in table.choices.items() if choice.rule is None},
        split=split,
        rows=count,
        test_rows=int(count * (split.test if isinstance(split.test, float) else 0.2)),
        protected=protected,
        slices=tuple(few[:SLICES]),
    )


def _without_leaks(table: _Table, adopted: Adopted, chosen: Options, old: Params, old_text: str) -> Adopted:
    """The same without the columns that alone say what the target is."""
    parsed = params.parse(params_text.renew(old_text, old, adopted), params.FILE)
    frame = _frame(table, parsed)
    sides = np.where(np.random.default_rng(0).random(len(frame)) < 0.5, "train", "test")
    leaks = {
        name: f"leakage suspected: alone it reaches a {measure} of {reached:.4f}; is it known before the outcome?"
        for name, measure, reached in strengths(frame, sides, parsed)
        if name not in chosen.keep
    }
    rules = {name: rule for name, rule in adopted.rules.items() if name not in leaks}
    if not rules:
        raise AdoptError(f"every column tells the target by itself ({', '.join(leaks)}); KEEP=… uses one all the same")
    out = {name: {**adopted.out, **leaks}[name] for name in table.choices if name in leaks or name in adopted.out}
    kept = [tuple(name for name in group if name not in leaks) for group in (adopted.protected, adopted.slices)]
    return replace(adopted, rules=rules, out=out, protected=kept[0], slices=kept[1])


def _frame(table: _Table, parsed: Params) -> pd.DataFrame:
    """Some of the rows as :func:`dataset.read` will give them."""
    places = np.flatnonzero(table.kept)
    if len(places) > MOST_TOLD:
        places = np.random.default_rng(0).choice(places, MOST_TOLD, replace=False)
    found = {name: _cells(table.columns[name], table.choices[name].values, rule.type, places) for name, rule in parsed.columns.items()}
    kind = "number" if parsed.problem == "regression" else "category"
    found[parsed.data.target] = _cells(table.columns[table.goal.name], table.goal.values, kind, places)
    return pd.DataFrame(found)


def _cells(column: Column, values: Sequence[str] | None, kind: str, places: NDArray[np.intp]) -> np.ndarray:
    if column.numbers is not None:
        return column.numbers[places]
    written = np.array(column.texts if values is None else values, dtype=object)
    if kind != "category":
        written = np.array([float(value) if value else np.nan for value in written])
    return written[column.codes[places]]


def _checked(text: str) -> str:
    try:
        params.parse(text, params.FILE)
    except params.ParamsError as error:
        raise AdoptError(f"{error}; nothing was written") from None
    return text


def _data_path(table: _Table, origin: str) -> Path:
    """The data file's name: that of the source, in letters that every system takes; never the source itself when its cells change."""
    given = Path(origin)
    plain = unicodedata.normalize("NFKD", "query" if "://" in origin else given.stem).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:60] or "data"
    path = Path("data") / f"{stem}.csv"
    if _unchanged(table):
        inside = given.resolve().is_relative_to(Path("data").resolve())
        return given.resolve().relative_to(Path.cwd().resolve()) if inside else path
    return path.with_name(f"{stem}_adopted.csv") if path.resolve() == given.resolve() else path


def _unchanged(table: _Table) -> bool:
    return table.source.as_it_stands and not table.made_id and bool(table.kept.all()) and not _changes(table)


def _changes(table: _Table) -> dict[str, dict[str, str]]:
    """By column, the texts that become others."""
    given: dict[str, Sequence[str] | None] = {name: choice.values for name, choice in table.choices.items() if choice.rule is not None}
    given[table.goal.name] = table.goal.values
    if table.times is not None:
        (name,) = (name for name in table.columns if name not in table.choices and name not in (table.goal.name, table.id))
        given[name] = table.times
    found = {
        name: {old: new for old, new in zip(table.columns[name].texts, values, strict=True) if old != new}
        for name, values in given.items()
        if values is not None
    }
    return {name: change for name, change in found.items() if change}


def _files(table: _Table, adopted: Adopted, chosen: Options, old: Params, text: str, scratch: Path) -> Made:
    data = table.source.path
    if not _unchanged(table):
        needed = (table.goal.name, *((chosen.time,) if chosen.time is not None else ()))
        data = scratch / "data.csv"
        rows.write(table.source, rows.Rewriting(_changes(table), needed, table.id if table.made_id else None), data)
    notes = _notes(table)
    told = documents.sentence(adopted, chosen.about)
    files: dict[Path, str | Path] = {}
    new = Path(adopted.path)
    if data.resolve() != new.resolve():
        files[new] = data
    files[Path("data/SOURCE.md")] = documents.source_text(adopted, chosen.data, data, notes)
    for name, renew in (("README.md", documents.readme_text), ("pyproject.toml", documents.pyproject_text)):
        if Path(name).is_file():
            before = Path(name).read_text(encoding="utf-8")
            if (after := renew(before, told)) != before:
                files[Path(name)] = after
    files[Path(params.FILE)] = text
    return Made(adopted, files, former_data(old, Path(chosen.data), new), notes, Path(chosen.data), data.stat().st_size)


def _notes(table: _Table) -> list[str]:
    notes = [*table.source.notes, *table.goal.notes]
    notes += [f"{name}: {choice.note}" for name, choice in table.choices.items() if choice.note and choice.rule is not None]
    if table.made_id:
        like = next((name for name, choice in table.choices.items() if (choice.why or "").startswith("id-like")), None)
        advice = "" if like is None else f" (if {like} does: ID={like})"
        notes.append(f"the column {table.id} was added: no column is called like a name of the rows, so their content names them{advice}")
    if table.times is not None and (gone := int((~table.kept).sum()) - table.goal.gone) > 0:
        notes.append(f"{gone:,} rows without a time are left out")
    if table.times is not None and _changes(table).keys() - table.choices.keys() - {table.goal.name}:
        notes.append("times are written by ISO 8601")
    return notes
