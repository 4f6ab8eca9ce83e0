"""What types cannot say about ``params.yaml: gates:``: each gate makes sense for this problem, and every name in it is known."""

import math
from collections.abc import Iterator

from . import params_check  # by its module: the two files use each other
from .gate import LOWER_IS_BETTER, METRICS, SUBJECTS, Gate, metric_names, times
from .params import ColumnRule, Params, SliceRule

TAKES = {
    "metric": ("min", "max", "not_worse_than_champion", "confidence", "slice", "slices"),
    "fairness": ("column", "max"),
    "drift": ("column", "max"),
}
LIMITS = ("min", "max", "not_worse_than_champion")
UNBOUNDED = ("profit", "r2")


def problems(params: Params) -> Iterator[str]:
    """Everything wrong with the gates, each as ``gates[0].key: what is wrong; what to do``, in their order."""
    for index, gate in enumerate(params.gates):
        key = f"gates[{index}]"
        subjects = [name for name in SUBJECTS if getattr(gate, name) is not None]
        if len(subjects) != 1:
            found = " and ".join(subjects) or "none"
            yield f"{key} must look at exactly one of {', '.join(SUBJECTS)}, not {found}" + ("; make it two gates" if subjects else "")
            continue
        yield from _foreign(key, gate, subjects[0])
        yield from _CHECKS[subjects[0]](key, gate, params)
        if gate in params.gates[:index]:
            yield f"{key} is listed twice; delete one"


def slice_names(params: Params) -> list[str]:
    """The slices that ``params`` can make, by name: ``column=value`` for each value that the contract allows, and the named ones."""
    rules = [rule for rule in params.slices if isinstance(rule, SliceRule)]
    columns = dict.fromkeys([*params.protected, *(rule for rule in params.slices if isinstance(rule, str))])
    values = [f"{name}={value}" for name in columns if name in params.columns for value in _values(params.columns[name])]
    return values + [rule.name for rule in rules]


def _values(rule: ColumnRule) -> list[str]:
    values = list(rule.categories)
    if rule.type == "integer" and rule.min is not None and rule.max is not None:
        values = [str(value) for value in range(math.ceil(rule.min), math.floor(rule.max) + 1)]
    return values + (["missing"] if rule.missing else [])


def _foreign(key: str, gate: Gate, subject: str) -> Iterator[str]:
    """Keys that a gate of this kind would ignore."""
    takes = TAKES.get(subject, ())
    for name in Gate.__struct_fields__:
        if name not in (*takes, subject, "on") and getattr(gate, name) is not None:
            yield f"{key}.{name} means nothing for {subject}, which takes {', '.join((*takes, 'on'))}; delete it"


def _metric(key: str, gate: Gate, params: Params) -> Iterator[str]:
    yield from _metric_name(f"{key}.metric", str(gate.metric), params)
    limits = {name: value for name in LIMITS if (value := getattr(gate, name)) is not None}
    if len(limits) != 1:
        yield f"{key} must have exactly one of {', '.join(LIMITS)}, not {' and '.join(limits) or 'none'}"
    for name, value in limits.items():
        yield from _limit(f"{key}.{name}", str(gate.metric), name, value)
    if gate.confidence is not None and not 0.5 <= gate.confidence < 1:
        yield f"{key}.confidence {gate.confidence:g} must be at least 0.5 and below 1, for instance 0.95"
    if gate.slices is not None and (gate.slice is not None or gate.not_worse_than_champion is None):
        yield f"{key}.slices: each is for not_worse_than_champion alone; name one slice for a limit, as in `slice: COLUMN=VALUE`"
    if gate.slice is not None and gate.slice not in (known := slice_names(params)):
        what = "is not a value of a column in protected or slices, nor a named slice"
        yield f"{key}.slice {gate.slice!r} {what}{params_check.did_you_mean(gate.slice, known)}"


def _metric_name(key: str, name: str, params: Params) -> Iterator[str]:
    known = metric_names(params.problem, params.data.classes, params.money is not None)
    others = [problem for problem, names in METRICS.items() if name in names and problem != params.problem]
    if name in known:
        return
    if name == "profit" and params.problem == "binary":
        yield f"{key} profit needs to know what a decision brings and costs; add money: {{gain: …, cost: …}} to params.yaml"
    elif name.startswith("recall[") and params.problem == "multi-class":
        value, classes = name[7:].removesuffix("]"), params.data.classes
        yield f"{key} {name!r}: {value!r} is not one of data.classes{params_check.did_you_mean(value, classes)}"
    elif others:
        yield f"{key}: {name} is a metric of {' and '.join(others)} problems; this is {params.problem}: {', '.join(known[:12])}"
    else:
        yield f"{key} {name!r} is not known{params_check.did_you_mean(name, known)}"


def _limit(key: str, metric: str, name: str, value: float) -> Iterator[str]:
    lower = metric in LOWER_IS_BETTER
    if not math.isfinite(value) or (name == "not_worse_than_champion" and value < 0):
        yield f"{key} {value:g} must be a finite number{', 0 or more' if name == 'not_worse_than_champion' else ''}"
    elif name == ("min" if lower else "max"):
        good, other = ("lower", "max") if lower else ("higher", "min")
        yield f"{key}: {good} is better for {metric}, so this would stop good models; use {other}"
    elif name != "not_worse_than_champion" and metric == "r2" and value > 1:
        yield f"{key} {value:g} cannot be reached: r2 is at most 1"
    elif lower and value < 0:
        yield f"{key} {value:g} cannot be reached: {metric} is never below 0"
    elif _is_share(metric) and not 0 <= value <= 1:
        yield f"{key} {value:g} cannot be a limit for {metric}, whose values lie in 0 to 1; 80 % is 0.8"


def _is_share(metric: str) -> bool:
    return metric not in (*METRICS["regression"], "log_loss", *UNBOUNDED)


def _fairness(key: str, gate: Gate, params: Params) -> Iterator[str]:
    if params.problem != "binary":
        yield f"{key}.fairness needs the decisions of a binary problem; this is {params.problem}: use a metric with a slice instead"
    if gate.column is None or gate.max is None:
        yield f"{key} must have {'column' if gate.column is None else 'max'}, as in {{fairness: {gate.fairness}, column: female, max: 0.1}}"
    if gate.column is not None and gate.column not in params.protected:
        where = "; add it there" if gate.column in params.columns else params_check.did_you_mean(gate.column, params.protected)
        yield f"{key}.column {gate.column!r} is not listed under protected{where}"
    yield from _share(f"{key}.max", gate.max)


def _latency(key: str, gate: Gate, params: Params) -> Iterator[str]:
    if not times(gate.latency_p99):
        yield f"{key}.latency_p99 {gate.latency_p99!r} must be a multiple of the champion's, for instance 2x"


def _size(key: str, gate: Gate, params: Params) -> Iterator[str]:
    if gate.size_mb is not None and not 0 < gate.size_mb < math.inf:
        yield f"{key}.size_mb {gate.size_mb:g} must be above 0: megabytes of the model's file"


def _drift(key: str, gate: Gate, params: Params) -> Iterator[str]:
    known = [*params.columns, params.data.target]
    if gate.column is not None and gate.column not in known:
        yield f"{key}.column {gate.column!r} is not a column listed under columns{params_check.did_you_mean(gate.column, known)}"
    if gate.max is None:
        yield f"{key} must have max, as in {{drift: psi, max: 0.2}}"
    elif not 0 < gate.max < math.inf:
        yield f"{key}.max {gate.max:g} must be above 0; a population stability index of 0.1 is small, of 0.25 large"


def _labels(key: str, gate: Gate, params: Params) -> Iterator[str]:
    yield from _share(f"{key}.labels_changed", gate.labels_changed)


def _leakage(key: str, gate: Gate, params: Params) -> Iterator[str]:
    yield from ()


def _share(key: str, value: float | None) -> Iterator[str]:
    if value is not None and not 0 <= value <= 1:
        yield f"{key} {value:g} must lie in 0 to 1; 1 % is 0.01"


_CHECKS = {
    "metric": _metric,
    "fairness": _fairness,
    "latency_p99": _latency,
    "size_mb": _size,
    "drift": _drift,
    "labels_changed": _labels,
    "leakage": _leakage,
}
