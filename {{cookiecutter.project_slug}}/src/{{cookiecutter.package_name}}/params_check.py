"""What types cannot say about ``params.yaml``: checks between its keys, and plain words for type errors."""

import difflib
import math
import re
from collections.abc import Iterable, Iterator
from typing import Any, get_type_hints

import msgspec

from . import gate_check, monitoring_check, promotion_check, serving_rules  # by their modules: the files use each other
from .contract import TIME
from .gate import Gate, metric_names
from .params import MOST_SLICES, ColumnRule, Data, Params, Promotion, SliceRule, Split, Threshold

PLAIN = {"str": "text", "int": "a whole number", "float": "a number", "bool": "true or false", "array": "a list", "object": "a mapping"}


def problem(p: Params) -> str | None:
    """The first thing that is wrong, as ``key: what is wrong; what to do``, or None."""
    return next(_problems(p), None)


def explain(message: str, raw: dict[str, Any]) -> str:
    """A type error of msgspec in the words of a person who knows YAML and not Python."""
    text, _, path = message.partition(" - at `$")
    path = path.rstrip("`")
    if "[...]" in path:
        return _explain_column(raw)
    key = path.lstrip(".")
    value = _value(raw, path)
    if match := re.fullmatch(r"Object contains unknown field `(.+)`", text):
        full = f"{key}.{match[1]}".lstrip(".")
        return f"{full} is not a known key{did_you_mean(match[1], _fields(key))}"
    if match := re.fullmatch(r"Object missing required field `(.+)`", text):
        return f"{f'{key}.{match[1]}'.lstrip('.')} is missing; add it"
    if match := re.fullmatch(r"Expected `(.+)`, got `(.+)`", text):
        return f"{key} must be {_plain(match[1])}, not {_shown(value)}{_quotes(match[1], value)}"
    if text.startswith("Invalid enum value"):
        choices = _choices(key)
        return f"{key} {value!r} is not known{did_you_mean(str(value), choices)}"
    return f"{key}: {text}".lstrip(": ")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`` (did you mean 'x'?)`` for the nearest known word, the known words when they are few, else nothing."""
    known = list(known)
    if near := difflib.get_close_matches(word, known, n=1, cutoff=0.6):
        return f" (did you mean {near[0]!r}?)"
    return f" (known: {', '.join(known)})" if 0 < len(known) <= 10 else ""


def _problems(p: Params) -> Iterator[str]:
    yield from _basics(p)
    yield from _rules(p)
    yield from _names(p)
    yield from _split(p)
    yield from _money(p)
    yield from _threshold(p)
    yield from _parts(p)
    yield from _review(p)
    yield from gate_check.problems(p)
    yield from promotion_check.problems(p.promotion)
    yield from serving_rules.problems(p.serving)
    yield from monitoring_check.problems(p.monitoring)


def _basics(p: Params) -> Iterator[str]:
    if not _is_name(p.model.name):
        yield f"model.name {p.model.name!r} must be at most 63 small letters, digits, '.', '_' or '-', for instance 'churn'"
    yield from _classes(p.problem, p.data)
    if p.data.id == p.data.target:
        yield f"data.target is {p.data.target!r}, the same column as data.id; name the column to predict"
    if not 0 <= p.seed < 2**32:
        yield f"seed {p.seed} must lie in 0 to 4294967295"
    if not (math.isfinite(p.parity.tolerance) and 0 < p.parity.tolerance <= 0.01):
        yield f"parity.tolerance {p.parity.tolerance:g} must be above 0 and at most 0.01; 1e-5 suits every known estimator"


def _classes(problem: str, data: Data) -> Iterator[str]:
    classes, count = data.classes, len(data.classes)
    if problem == "regression" and classes:
        yield "data.classes is for problems with classes, this is regression; delete it"
    if problem == "binary" and (count != 2 or len(set(classes)) != 2):
        yield f"data.classes must hold two different values for a binary problem, not {list(classes)}"
    if problem == "multi-class" and (count < 3 or len(set(classes)) != count):
        yield f"data.classes must hold three or more different values for a multi-class problem, not {list(classes)[:10]}"
    if "" in classes:
        yield "data.classes must not hold an empty text, which means that the value is missing"
    if problem != "binary" and data.positive is not None:
        yield f"data.positive is for binary problems, this is {problem}; delete it"
    if problem == "binary" and data.positive is None:
        yield "data.positive is missing; add it: the one of data.classes to find"
    elif problem == "binary" and data.positive not in classes:
        yield f"data.positive {data.positive!r} is not one of data.classes{did_you_mean(str(data.positive), classes)}"


def _rules(p: Params) -> Iterator[str]:
    for name, rule in p.columns.items():
        key = f"columns.{name}"
        if name in (p.data.id, p.data.target):
            yield f"{key} is the id or the target (see data:), not an input; delete it here"
        if rule.type == "category":
            if not rule.categories:
                yield f"{key}.categories must list the allowed values"
            if len(set(rule.categories)) != len(rule.categories) or "" in rule.categories:
                yield f"{key}.categories must be different from one another and not empty (a missing value is `missing: true`)"
            if rule.min is not None or rule.max is not None:
                yield f"{key}: min and max are for numbers; delete them or change the type"
        elif rule.categories:
            yield f"{key}.categories is for type category; delete it or change the type"
        if any(bound is not None and not math.isfinite(bound) for bound in (rule.min, rule.max)):
            yield f"{key}: min and max must be finite; leave a bound out where there is none"
        if rule.min is not None and rule.max is not None and rule.min > rule.max:
            yield f"{key}: min {rule.min:g} is above max {rule.max:g}; swap them"


def _names(p: Params) -> Iterator[str]:
    if not p.features.numeric + p.features.categorical:
        yield "features: names no column; list at least one under numeric or categorical"
    for group, wanted in (("numeric", ("number", "integer")), ("categorical", ("category",))):
        names = getattr(p.features, group)
        for index, name in enumerate(names):
            key = f"features.{group}[{index}] {name!r}"
            if name not in p.columns:
                yield f"{key} is not a column listed under columns{did_you_mean(name, p.columns)}"
            elif p.columns[name].type not in wanted:
                other = "categorical" if group == "numeric" else "numeric"
                yield f"{key} has the type {p.columns[name].type}; move it to features.{other} or change columns.{name}.type"
            elif name in names[:index]:
                yield f"{key} is listed twice; delete one"


def _parts(p: Params) -> Iterator[str]:
    """Protected columns and slices."""
    for group in ("protected", "slices"):
        listed = getattr(p, group)
        for index, item in enumerate(listed):
            key = f"{group}[{index}]"
            if isinstance(item, SliceRule):
                yield from _slice(key, item, p)
            elif item not in p.columns:
                yield f"{key} {item!r} is not a column listed under columns{did_you_mean(item, p.columns)}"
            elif not _few_values(p.columns[item]):
                few = f"must be a category, or an integer with min and max and at most {MOST_SLICES} values"
                yield f"{key} {item!r} {few}" + ("; or name a range: {name: …, column: …, min: …}" if group == "slices" else "")
            if item in listed[:index]:
                yield f"{key} is listed twice; delete one"
    names = gate_check.slice_names(p)
    for index, item in enumerate(p.slices):
        if isinstance(item, SliceRule) and names.count(item.name) > 1:
            yield f"slices[{index}].name {item.name!r} is the name of another slice; choose another"


def _slice(key: str, rule: SliceRule, p: Params) -> Iterator[str]:
    bounds = [bound for bound in (rule.min, rule.max) if bound is not None]
    if not 0 < len(rule.name.strip()) <= 60 or not rule.name.isprintable():
        yield f"{key}.name {rule.name!r} must be a name of at most 60 characters on one line"
    if rule.column not in p.columns:
        yield f"{key}.column {rule.column!r} is not a column listed under columns{did_you_mean(rule.column, p.columns)}"
        return
    if (rule.value is None) == (not bounds):
        yield f"{key} must have either value or bounds (min, max or both)"
    column = p.columns[rule.column]
    if column.type == "category":
        if bounds:
            yield f"{key}: min and max are for numbers, {rule.column!r} is a category; use value"
        if rule.value is not None and rule.value not in column.categories:
            yield f"{key}.value {rule.value!r} is not a category of {rule.column!r}{did_you_mean(str(rule.value), column.categories)}"
    elif isinstance(rule.value, str):
        yield f"{key}.value {rule.value!r} must be a number, as column {rule.column!r} is"
    if any(not math.isfinite(bound) for bound in bounds):
        yield f"{key}: min and max must be finite; leave a bound out where there is none"
    elif rule.min is not None and rule.max is not None and rule.min > rule.max:
        yield f"{key}: min {rule.min:g} is above max {rule.max:g}; swap them"


def _few_values(rule: ColumnRule) -> bool:
    if rule.type == "category":
        return True
    return rule.type == "integer" and rule.min is not None and rule.max is not None and rule.max - rule.min < MOST_SLICES


def _split(p: Params) -> Iterator[str]:
    if p.split.time is not None:
        yield from _split_by_time(p.split, p)
        return
    if not p.split.salt:
        yield "split.salt is missing; add it: any text, which decides with a row's id where the row goes"
    shares = {key: getattr(p.split, key) for key in ("test", "validation")}
    for key, share in shares.items():
        if isinstance(share, str):
            yield f"split.{key} must be a number, not {share!r}; a time needs `time: COLUMN` beside it"
            return
        if not 0 < share < 1:
            yield f"split.{key} {share:g} must lie between 0 and 1, for instance 0.2 for a fifth of the rows"
    if not sum(shares.values()) < 1:
        yield f"split: test {shares['test']:g} and validation {shares['validation']:g} leave no rows to train on; make them smaller"


def _split_by_time(split: Split, p: Params) -> Iterator[str]:
    if split.time in (p.data.id, p.data.target, *p.columns):
        yield f"split.time {split.time!r} is the id, the target or an input (see data: and columns:); name a column that is none of them"
    times = {key: getattr(split, key) for key in ("validation", "test")}
    for key, value in times.items():
        if not (isinstance(value, str) and re.fullmatch(TIME, value)):
            yield f'split.{key} {value!r} must be a time in quotes beside split.time, as in "2024-05-31" or "2024-05-31T12:00"'
            return
    if times["validation"] >= times["test"]:
        yield f"split.validation {split.validation} must be before split.test {split.test}: the newest rows are tested on"


def _threshold(p: Params) -> Iterator[str]:
    threshold = p.threshold
    if threshold is None:
        if p.problem == "binary":
            yield "threshold is missing; add it, for instance `threshold: {objective: f1}`"
        return
    if p.problem != "binary":
        yield f"threshold is for binary problems, this is {p.problem}; write `threshold: null`"
    if (threshold.objective is None) == (threshold.value is None):
        yield f"threshold must have either objective ({', '.join(_choices('threshold.objective'))}) or value (a number in 0 to 1)"
    if threshold.value is not None and not 0 <= threshold.value <= 1:
        yield f"threshold.value {threshold.value:g} must lie in 0 to 1"
    if (threshold.objective == "recall_at_precision") != (threshold.precision is not None):
        what = "missing; add the precision to keep" if threshold.precision is None else "for the objective recall_at_precision; delete it"
        yield f"threshold.precision is {what}"
    if threshold.precision is not None and not 0 < threshold.precision <= 1:
        yield f"threshold.precision {threshold.precision:g} must be above 0 and at most 1"
    if threshold.objective == "profit" and p.money is None:
        yield "threshold.objective profit needs to know what a decision brings and costs; add `money: {gain: …, cost: …}`"


def _money(p: Params) -> Iterator[str]:
    if (money := p.money) is None:
        return
    if p.problem != "binary":
        yield f"money is for decisions of binary problems, this is {p.problem}; write `money: null`"
    for key, value in (("gain", money.gain), ("cost", money.cost)):
        if not 0 <= value < math.inf:
            yield f"money.{key} {value:g} must be a finite number, 0 or more"
    if (name := money.gain_column) is not None:
        if name not in p.columns:
            yield f"money.gain_column {name!r} is not a column listed under columns{did_you_mean(name, p.columns)}"
        elif p.columns[name].type == "category" or p.columns[name].missing:
            yield f"money.gain_column {name!r} must be a number that is never missing; see columns.{name}"


def _review(p: Params) -> Iterator[str]:
    known = metric_names(p.problem, p.data.classes, p.money is not None)
    if p.headline not in known:
        yield f"review.headline {p.headline!r} is not a metric of {p.problem} problems{did_you_mean(p.headline, known)}"
    if not 0.5 <= p.review.confidence < 1:
        yield f"review.confidence {p.review.confidence:g} must be at least 0.5 and below 1, for instance 0.95"
    for key, low, high in (("resamples", 2000, 100_000), ("min_n", 10, 1_000_000)):
        if not low <= getattr(p.review, key) <= high:
            yield f"review.{key} {getattr(p.review, key)} must lie in {low} to {high}"


def _explain_column(raw: dict[str, Any]) -> str:
    """msgspec writes ``[...]`` for a key of a mapping; find which key it was."""
    for name, rule in raw["columns"].items():
        try:
            msgspec.convert(rule, ColumnRule)
        except msgspec.ValidationError as error:
            text, _, path = str(error).partition(" - at `$")
            return explain(f"{text} - at `$.columns.{name}{path.rstrip('`')}`", raw)
    return "columns: a key must be text; put it in quotes"


def _value(raw: Any, path: str) -> Any:
    """The value at a path such as ``.gates[0].min``; column names may hold dots, so the longest key that fits is taken."""
    while path and raw is not None:
        if match := re.match(r"\[(\d+)\]", path):
            raw, path = raw[int(match[1])], path[match.end() :]
        else:
            path = path.lstrip(".")
            key = max((k for k in raw if path == k or path.startswith((f"{k}.", f"{k}["))), key=len, default=None)
            if key is None:
                return None
            raw, path = raw[key], path[len(key) :]
    return raw


def _fields(key: str) -> list[str]:
    if key.startswith("columns."):
        return list(ColumnRule.__struct_fields__)
    if key.startswith(("gates[", "slices[")):
        return list((Gate if key.startswith("gates[") else SliceRule).__struct_fields__)
    if key == "serving.shadow":
        return list(serving_rules.Shadow.__struct_fields__)
    kind = get_type_hints(Params).get(key, Params)
    struct = next((part for part in (kind, *getattr(kind, "__args__", ())) if hasattr(part, "__struct_fields__")), Params)
    return list(struct.__struct_fields__)


def _choices(key: str) -> list[str]:
    kinds: dict[str, Any] = {"problem": Params, "threshold.objective": Threshold, "promotion.push": Promotion}
    kind = Gate if key.startswith("gates[") else kinds.get(key, ColumnRule)
    hint = get_type_hints(kind)[key.rpartition(".")[2]]
    literal = next((part for part in getattr(hint, "__args__", ()) if hasattr(part, "__args__")), hint)
    return [str(choice) for choice in literal.__args__]


def _plain(kinds: str) -> str:
    return " or ".join(PLAIN.get(kind.strip(), kind.strip()) for kind in kinds.split("|") if kind.strip() != "null")


def _shown(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    return "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, list) else repr(value)


def _quotes(kinds: str, value: Any) -> str:
    return "; put it in quotes" if "str" in kinds and isinstance(value, bool | int | float) else ""


def _is_name(text: str) -> bool:
    """Whether a text can name a model: it becomes a part of file names, tags and labels."""
    return re.fullmatch(r"[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?", text) is not None
