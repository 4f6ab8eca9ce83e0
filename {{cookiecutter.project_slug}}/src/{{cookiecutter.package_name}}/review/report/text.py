"""Numbers and foreign text as Markdown: for the report and the card.

Whatever a pull request brought (names, reasons, parameters) goes through :func:`code` or :func:`words`, so that no Markdown, HTML,
mention, link or table cell can come out of it.
"""

import math
import re
import unicodedata

from .. import Estimate, GateResult, Metric, Review

NAMES = {
    "roc_auc": "ROC AUC", "pr_auc": "PR AUC", "log_loss": "log loss", "brier": "Brier score", "ece": "ECE",
    "f1": "F1", "precision": "precision", "recall": "recall", "accuracy": "accuracy", "profit": "profit per row",
    "f1_macro": "macro F1", "f1_weighted": "weighted F1", "roc_auc_ovr": "ROC AUC (one against rest)",
    "mae": "MAE", "rmse": "RMSE", "r2": "R²", "pinball": "pinball loss", "mape": "MAPE",
}  # fmt: skip
NONE = "–"
_NO_VALUES = {"labels_changed", "drift", "leakage"}  # whose findings are sentences
_LIMITS = {
    "≥ ": "must be at least ", "≤ ": "must be at most ", r"\bat most (?=\S+ (?:below|above) )": "must be at most ",
    r"\Ano (?=leakage)": "there must be no ", r"(equal|demographic)_(?=opportunity|parity)": r"\1 ",
}  # fmt: skip
_INVISIBLE = {"Cc", "Cf", "Co", "Cs", "Cn"}
_HARMLESS = re.compile(r"""(?:[\w ,.;:()\[\]'"?≥≤=+−–—…·×±→%/>°-]|<(?=[ \d]))*""")
_TELLING = re.compile(r"""\]\(|:\w+:|://|www\.|\bGH-\d|(?<!\w)_|_(?!\w)""", re.IGNORECASE)


def flat(value: object, longest: int) -> str:
    """One line of at most ``longest`` visible characters; what is cut off ends in ``…``."""
    line = " ".join(str(value)[: 4 * longest].split())
    if not line.isprintable():
        line = "".join(sign for sign in line if unicodedata.category(sign) not in _INVISIBLE)
    return line if len(line) <= longest else line[: longest - 1] + "…"


def code(value: object, longest: int = 300) -> str:
    """A value in a code span: nothing can come out of it, and nobody in it is told."""
    return f"`{flat(value, longest).replace('`', chr(39)).replace('|', '¦') or ' '}`"


def words(value: object, longest: int = 900) -> str:
    """A sentence. Its code spans stay; any other piece that could mean something to Markdown or GitHub becomes a code span."""
    pieces = re.split(r"`([^`]*)`", flat(value, longest))
    return "".join(code(piece, longest) if place % 2 else _prose(piece, first=place == 0) for place, piece in enumerate(pieces))


def _prose(piece: str, first: bool) -> str:
    starts_well = not first or not piece or (piece[0].isalnum() and not re.match(r"\d+[.)](\s|$)", piece))
    if starts_well and _HARMLESS.fullmatch(piece) and not _TELLING.search(piece):
        return piece
    before, after = piece[: len(piece) - len(piece.lstrip())], piece[len(piece.rstrip()) :]
    return f"{before}{code(piece.strip(), 900)}{after}" if piece.strip() else piece


def metric_name(name: str, longest: int = 300) -> str:
    """A metric as a person calls it: ``ROC AUC``, ``recall of `Adelie```."""
    inner = re.fullmatch(r"(\w+)\[(.*)\]", name, re.DOTALL)
    if inner:
        return f"{NAMES.get(inner[1], inner[1])} of {code(inner[2], longest)}"
    return NAMES.get(name) or code(name, longest)


def is_number(value: float | None) -> bool:
    """Whether there is a value that can be shown and drawn."""
    return value is not None and math.isfinite(value)


def number(value: float | None, digits: int = 4) -> str:
    """``0.8523``, ``1,204.5``; a dash where there is no value."""
    return NONE if value is None or not math.isfinite(value) else f"{value:,.{digits}f}".replace("-", "−")


def signed(value: float | None, digits: int = 4) -> str:
    """``+0.0041``, ``−0.0012``."""
    return NONE if value is None or not math.isfinite(value) else f"{value:+,.{digits}f}".replace("-", "−")


def short_number(value: float | None, significant: int = 4) -> str:
    """Four significant digits, or as many as asked for."""
    return NONE if value is None or not math.isfinite(value) else f"{value:.{significant}g}".replace("-", "−")


def percent(share: float | None) -> str:
    """``26.5 %`` of a share in 0 to 1."""
    return NONE if share is None or not math.isfinite(share) else f"{100 * share:.1f} %"


def rough_percent(share: float) -> str:
    """``42 %``; what is not quite none or all is said so."""
    told = "< 1 %" if 0 < share < 0.005 else "> 99 %" if 0.995 < share < 1 else f"{100 * share:.0f} %"
    return told.replace(" ", "\u00a0")  # in narrow columns of a table


def p_value(value: float | None) -> str:
    """``0.031``, ``< 0.001``."""
    return NONE if value is None or not math.isfinite(value) else "< 0.001" if value < 0.001 else f"{value:.3f}"


def decimals(largest: float, most: int) -> int:
    """Decimals that suit values of up to ``largest``: ``most`` up to 1, fewer for larger ones."""
    return most if largest <= 1 + 1e-9 else max(0, most - 1 - math.floor(math.log10(largest)))


def digits(metric: Metric) -> int:
    """Decimals that suit the size of a metric's values: 4 up to 1, fewer for larger ones."""
    values = [item.value for item in (metric.candidate, metric.champion) if item is not None]
    largest = max((abs(value) for value in values if value is not None and math.isfinite(value)), default=0.0)
    return decimals(largest, 4)


def interval(estimate: Estimate | None, decimals: int = 4, sign: bool = False) -> str:
    """``[0.8312, 0.8734]``, or nothing where there is none."""
    if estimate is None or not is_number(estimate.low) or not is_number(estimate.high):
        return ""
    shown = signed if sign else number
    return f"[{shown(estimate.low, decimals)}, {shown(estimate.high, decimals)}]"


def estimate_text(estimate: Estimate | None, decimals: int = 4, sign: bool = False) -> str:
    """A value and its interval: ``0.8523 [0.8312, 0.8734]``."""
    shown = (signed if sign else number)(None if estimate is None else estimate.value, decimals)
    return f"{shown} {interval(estimate, decimals, sign)}".strip()


def direction(metric: Metric) -> str:
    """``better`` or ``worse`` where the interval of the difference excludes 0, ``alike`` where it does not, ``unknown`` without one."""
    found = metric.difference
    if found is None or found.value is None or not is_number(found.value):
        return "unknown"
    if found.low is None or found.high is None or not (found.low > 0 or found.high < 0):
        return "alike"
    return "better" if (found.value > 0) == metric.higher_is_better else "worse"


def difference(metric: Metric | None) -> str:
    """The difference with ▲ (better) or ▼ (worse) in bold where it is shown, with ≈ where the interval contains 0, = where all is 0."""
    if metric is None or metric.difference is None or not is_number(metric.difference.value):
        return NONE
    if metric.difference.value == metric.difference.low == metric.difference.high == 0:
        return "= 0"
    mark = {"better": "▲", "worse": "▼"}.get(direction(metric))
    value = signed(metric.difference.value, digits(metric))
    told = f"**{mark}\u00a0{value}**" if mark else f"≈\u00a0{value}"  # not parted from its mark in a narrow column
    return f"{told} {interval(metric.difference, digits(metric), sign=True)}".strip()


def harm(metric: Metric | None) -> float:
    """How much worse the candidate is, for ranking; minus infinity where nothing is known."""
    if metric is None or metric.difference is None or metric.difference.value is None or not is_number(metric.difference.value):
        return -math.inf
    return -metric.difference.value if metric.higher_is_better else metric.difference.value


def first_reason(review: Review, longest: int = 900) -> str:
    """What stands in the way, in words for someone who does not know the gates; Markdown, empty where there is no reason."""
    if not review.reasons:
        return ""
    stopping = stopping_gate(review, review.reasons[0])
    told = words(review.reasons[0].split("; ")[0], longest) if stopping is None else _required(stopping, longest)
    more = len(review.reasons) - 1
    return told + (f", and {more} more reason{'s' if more > 1 else ''}" if more else "")


def stopping_gate(review: Review, reason: str) -> GateResult | None:
    """The gate that gave a reason, where one did."""
    return next((result for result in review.gates if f"{result.gate}: {result.detail}" == reason), None)


def _required(result: GateResult, longest: int) -> str:
    """``macro F1 must be at least 0.9, but is 0.8069``."""
    named = result.subject in NAMES or result.subject.startswith("recall[")
    name, rest = (metric_name(result.subject, longest), result.gate.removeprefix(result.subject).strip()) if named else ("", result.gate)
    for sign, said in _LIMITS.items():
        rest = re.sub(sign, said, rest, count=1)
    wanted = f"{name} {words(rest, longest)}".strip()
    values, *others = result.detail.split("; ")
    few = next((part.split(":")[0] for part in others if "too few" in part), None)
    is_value = few is None and result.outcome == "fail" and re.match(r"[\d−]", values) and result.subject not in _NO_VALUES
    return f"{wanted}{', but is ' if is_value else ': '}{words(few or values.split(', difference')[0], longest)}"


def headline(review: Review) -> Metric | None:
    """The metric of the verdict's sentence, where it was computed."""
    return next((metric for metric in review.metrics if metric.name == review.headline), None)


def bar(value: float, largest: float, width: int = 10) -> str:
    """A bar of ``width`` blocks in a code span; empty for values that are not above 0."""
    full = round(width * max(0.0, value) / largest) if largest > 0 and math.isfinite(value) else 0
    return f"`{'█' * min(full, width)}{'░' * (width - min(full, width))}`"


def sparkline(values: list[float | None]) -> str:
    """One sign for each value, from the lowest to the highest; ``·`` for a missing one."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    low, high = min(known, default=0.0), max(known, default=0.0)
    signs = "▁▂▃▄▅▆▇"
    places = [None if v is None or not math.isfinite(v) else (3 if high == low else round(6 * (v - low) / (high - low))) for v in values]
    return "".join("·" if place is None else signs[place] for place in places)
