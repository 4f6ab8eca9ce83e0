"""Numbers and foreign text as Markdown: for reports, cards and issues.

Whatever others brought (names, reasons, parameters) goes through :func:`code` or :func:`words`, so that no Markdown, HTML, mention, link
or table cell can come out of it.
"""

import math
import re
import unicodedata
from typing import TYPE_CHECKING, TypeGuard

if TYPE_CHECKING:
    from .intervals import Estimate  # for its type alone: the server's page, which has no intervals, shows the same names

NAMES = {
    "roc_auc": "ROC AUC", "pr_auc": "PR AUC", "log_loss": "log loss", "brier": "Brier score", "ece": "ECE",
    "f1": "F1", "precision": "precision", "recall": "recall", "accuracy": "accuracy", "profit": "profit per row",
    "f1_macro": "macro F1", "f1_weighted": "weighted F1", "roc_auc_ovr": "ROC AUC (one against rest)",
    "mae": "MAE", "rmse": "RMSE", "r2": "R²", "pinball": "pinball loss", "mape": "MAPE",
}  # fmt: skip
NONE = "–"
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


def is_number(value: float | None) -> TypeGuard[float]:
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


def estimate_text(estimate: "Estimate | None", decimals: int = 4, sign: bool = False) -> str:
    """A value and its interval: ``0.8523 [0.8312, 0.8734]``."""
    shown = (signed if sign else number)(None if estimate is None else estimate.value, decimals)
    return f"{shown} {interval(estimate, decimals, sign)}".strip()


def interval(estimate: "Estimate | None", decimals: int = 4, sign: bool = False) -> str:
    """``[0.8312, 0.8734]``, or nothing where there is none."""
    if estimate is None or not is_number(estimate.low) or not is_number(estimate.high):
        return ""
    shown = signed if sign else number
    return f"[{shown(estimate.low, decimals)}, {shown(estimate.high, decimals)}]"


def metric_name(name: str, longest: int = 300) -> str:
    """A metric as a person calls it: ``ROC AUC``, ``recall of `Adelie```."""
    inner = re.fullmatch(r"(\w+)\[(.*)\]", name, re.DOTALL)
    if inner:
        return f"{NAMES.get(inner[1], inner[1])} of {code(inner[2], longest)}"
    return NAMES.get(name) or code(name, longest)
