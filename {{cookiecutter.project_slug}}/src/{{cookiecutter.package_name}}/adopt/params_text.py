"""Writes ``params.yaml``: what is about the data anew, everything else as it stands, with its comments."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from ..gate import Problem
from ..params import ColumnRule, Params, Split

WIDTH = 130
_KEY = re.compile(r"^([A-Za-z_]+):", re.MULTILINE)
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
ORDER = (
    "problem", "seed", "model", "data", "columns", "split", "features", "threshold", "money", "parity", "review", "protected", "slices",
    "gates", "promotion", "serving", "monitoring",
)  # fmt: skip
PARAGRAPHS = frozenset(ORDER) - {"problem", "seed", "money", "protected", "slices"}  # these have an empty line above them
ESTIMATORS = {"binary": "LogisticRegression", "multi-class": "LogisticRegression", "regression": "HistGradientBoostingRegressor"}
PARAMETERS = {"LogisticRegression": "{C: 1.0, max_iter: 1000}", "HistGradientBoostingClassifier": "{max_iter: 100}",
              "HistGradientBoostingRegressor": "{max_iter: 100}"}  # fmt: skip
MONEY = """\
# What a decision brings and costs, as in {gain: 100, cost: 20}: the metric profit, and {objective: profit} for the threshold.
money: null"""
JUDGED = """\
# How a pull request's model is compared: on the test rows, with intervals. Slices with fewer than min_n test rows are shown, not judged."""
GATES = """\
# What it must hold to; `on: warn` shows and does not stop. A change here retrains nothing and counts from the merge on. All forms are
# in README.md."""
WATCHED = """\
# How production is looked at, each day (README.md, "Watch"). log: where the server keeps its prediction log (null: it keeps none, and
# nothing is looked at); labels: what came true; data: the newest labelled rows, for retrain: true."""
BY_TIME = """\
# By time: rows from `test` on are tested on, those from `validation` on choose the threshold, older ones train. New rows never move
# old ones; bring the two forward when there are many of them."""
MANY_ROWS = 50_000  # from which trees are grown as quickly as lines are fitted, and learn more
HEADLINES = {"binary": "roc_auc", "multi-class": "f1_macro", "regression": "r2"}
MARGINS = {"binary": 0.02, "multi-class": 0.03, "regression": 0.02}


@dataclass(frozen=True)
class Adopted:
    """Everything that ``params.yaml`` says about a table. ``missing``: rows without a value by column; ``out``: reasons by column."""

    problem: Problem
    path: str
    id: str
    target: str
    classes: tuple[str, ...]
    positive: str | None
    rules: Mapping[str, ColumnRule]
    missing: Mapping[str, int]
    out: Mapping[str, str]
    split: Split
    rows: int
    test_rows: int
    protected: tuple[str, ...]
    slices: tuple[str, ...]

    @property
    def headline(self) -> str:
        """The suggested metric."""
        return HEADLINES[self.problem]


def renew(old_text: str, old: Params, new: Adopted) -> str:
    """The text of ``params.yaml`` for ``new``: the parts of the old text that are not about its data are kept as they stand."""
    head, blocks = _blocks(old_text)
    blocks = {name: text for name, text in blocks.items() if name in ORDER} | _renewed(old, new)
    names = [name for name in ORDER if name in blocks]
    return head + "".join("\n" * (name in PARAGRAPHS) + blocks[name].strip("\n") + "\n" for name in names)


def name_text(text: str) -> str:
    """A key or a name in YAML: in quotes wherever it might be read as anything but this text."""
    return text if _PLAIN.fullmatch(text) and text.lower() not in _WORDS else quoted(text)


def quoted(text: str) -> str:
    """A text in double quotes; JSON's are YAML's."""
    return json.dumps(text, ensure_ascii=not text.isprintable())


def number_text(value: float) -> str:
    """A number without a needless point."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def _blocks(text: str) -> tuple[str, dict[str, str]]:
    """The comment at the head, and each top-level key with its text and the comment lines directly above it."""
    lines = text.splitlines(keepends=True)
    keys = [(number, key[1]) for number, line in enumerate(lines) if (key := _KEY.match(line))]
    starts = [number for number, _ in keys]
    first = starts[0] if starts else len(lines)
    begins = [first]
    for before, start in pairwise(starts):
        while start - 1 > before and lines[start - 1].startswith("#"):
            start -= 1
        begins.append(start)
    ends = [*begins[1:], len(lines)]
    found = {key: "".join(lines[begin:end]) for (_, key), begin, end in zip(keys, begins, ends, strict=True)}
    return "".join(lines[:first]), found


def _renewed(old: Params, new: Adopted) -> dict[str, str]:
    estimator = "HistGradientBoostingClassifier" if new.classes and new.rows >= MANY_ROWS else ESTIMATORS[new.problem]
    package = __name__.partition(".")[0]
    blocks = {
        "problem": f"problem: {new.problem}",
        "model": f"model:\n  name: {name_text(old.model.name)}\n  estimator: {estimator} # the known ones are in src/{package}/model.py\n"
        f"  parameters: {PARAMETERS[estimator]}\n",
        "data": _data(new),
        "columns": _columns(new),
        "split": _split(new.split),
        "features": _features(new),
        "threshold": "# Chosen on the validation rows, never on the test rows; {value: 0.5} fixes it.\n"
        + ("threshold: {objective: f1}" if new.problem == "binary" else "threshold: null"),
        "money": MONEY,
        "review": _review(old, new),
        "protected": f"protected: {_flow(new.protected)} # groups that the model must treat alike",
        "slices": f"slices: {_flow(new.slices)}\n",
        "gates": _gates(new),
        "monitoring": _monitoring(old),
    }
    return blocks


def _data(new: Adopted) -> str:
    lines = ["data:", f"  path: {name_text(new.path)}", f"  id: {name_text(new.id)}", f"  target: {name_text(new.target)}"]
    lines += [f"  classes: {_flow(new.classes, 11)}"] if new.classes else []
    lines += [f"  positive: {quoted(new.positive)}"] if new.positive is not None else []
    return "\n".join(lines)


def _columns(new: Adopted) -> str:
    lines = ["# The contract: training, review and serving refuse a row that does not hold to it.", "columns:"]
    lines += [_column(name, rule, new.missing.get(name, 0) / max(new.rows, 1)) for name, rule in new.rules.items()]
    if new.out:
        lines += ["  # Left out:", *(f"  #   {name}: {why}" for name, why in new.out.items())]
    return "\n".join(lines)


def _column(name: str, rule: ColumnRule, missing: float) -> str:
    parts = [f"type: {rule.type}"]
    parts += [f"{bound}: {number_text(value)}" for bound in ("min", "max") if (value := getattr(rule, bound)) is not None]
    flag = ["missing: true"] if rule.missing else []
    rate = f" # {percent(missing)} missing" if rule.missing and missing else ""
    listed = [f"categories: {_flow(rule.categories, WIDTH)}"] if rule.categories else []
    line = f"  {name_text(name)}: {{{', '.join([*parts, *listed, *flag])}}}"
    if len(line) <= WIDTH and "\n" not in line:
        return line + rate
    block = [f"  {name_text(name)}:{rate}", *(f"    {part}" for part in parts), f"    categories: {_flow(rule.categories, 4)}"]
    return "\n".join([*block, *(f"    {part}" for part in flag)])


def percent(share: float) -> str:
    """A share as a person writes it."""
    return "under 0.1 %" if 0 < share < 0.001 else f"{100 * share:.2g} %" if share < 0.095 else f"{100 * share:.0f} %"


def _flow(texts: Iterable[str], indent: int = 0) -> str:
    """A list in brackets, over several lines where it is long."""
    items = [quoted(text) for text in texts]
    if sum(map(len, items)) + 2 * len(items) + indent + 14 <= WIDTH or indent == WIDTH:
        return f"[{', '.join(items)}]"
    lines, line = [], ""
    for item in items:
        if line and len(line) + len(item) + indent + 4 > WIDTH:
            lines.append(line)
            line = ""
        line += f"{item}, "
    pad = " " * (indent + 2)
    return "\n".join(["[", *(pad + one.rstrip() for one in [*lines, line]), f"{pad}]"])


def _split(split: Split) -> str:
    if split.time is None:
        return (
            "# A row's side depends on its id and the salt alone: new rows never move old ones.\n"
            f"split: {{test: {split.test}, validation: {split.validation}, salt: {name_text(split.salt)}}}"
        )
    return f'{BY_TIME}\nsplit: {{time: {name_text(split.time)}, validation: "{split.validation}", test: "{split.test}"}}'


def _features(new: Adopted) -> str:
    lines = ["features:"]
    for group, kinds in (("numeric", ("number", "integer")), ("categorical", ("category",))):
        names = [name for name, rule in new.rules.items() if rule.type in kinds]
        lines += [f"  {group}:", *(f"    - {name_text(name)}" for name in names)] if names else []
    return "\n".join(lines)


def _review(old: Params, new: Adopted) -> str:
    least = min(100, max(10, new.test_rows // 10))
    resamples = f", resamples: {old.review.resamples}" if old.review.resamples != 2000 else ""
    return f"{JUDGED}\nreview: {{headline: {new.headline}, confidence: {old.review.confidence:g}{resamples}, min_n: {least}}}"


def guessing(new: Adopted) -> float:
    """A limit of the headline metric that is clearly better than guessing."""
    if new.problem == "binary":
        return 0.55
    if new.problem == "regression":
        return 0.05
    return round(min(0.9, 1.3 / len(new.classes)), 2)  # who always says the commonest class reaches at most 1 / classes


def _gates(new: Adopted) -> str:
    margin = MARGINS[new.problem]
    gates = [
        f"{{metric: {new.headline}, min: {guessing(new):g}}} # better than guessing: raise it to what the model must reach",
        f"{{metric: {new.headline}, not_worse_than_champion: {margin:g}}} # the whole interval of the difference, not just its middle",
    ]
    if new.protected or new.slices:
        gates.append(f"{{metric: {new.headline}, slices: each, not_worse_than_champion: {2.5 * margin:g}}}")
    if new.problem == "binary":
        gates += [f"{{fairness: equal_opportunity, column: {name_text(name)}, max: 0.2, on: warn}}" for name in new.protected]
    gates += ["{latency_p99: 5x} # of the champion's, one row at a time", f"{{size_mb: {20 if len(new.rules) <= 100 else 100}}}"]
    gates += ["{leakage: none}", "{labels_changed: 0.01} # of the rows that main has as well", "{drift: psi, max: 0.2, on: warn}"]
    return "\n".join([GATES, "gates:", *(f"  - {gate}" for gate in gates)])


def _monitoring(old: Params) -> str:
    kept = old.monitoring
    log = "null" if kept.log is None else quoted(kept.log)
    return f"{WATCHED}\nmonitoring: {{log: {log}, labels: null, data: null, days: {kept.days:g}, fall: 0.05, retrain: false}}"
