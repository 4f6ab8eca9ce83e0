"""A chart, and how it is drawn as Mermaid ``xychart-beta``, so that a report needs no image.

Kept to what versions 10.9 to 11 of Mermaid draw alike: a categorical x axis, quoted titles, at most three lines with a palette of
colours that can be told apart on white and on black. Nothing that a pull request brought is put into Mermaid.
"""

import re
from typing import Literal

import msgspec

from .markdown import is_number

MOST_LINES = 3
MODELS = {"candidate": ("#3b82f6", "🟦"), "champion": ("#f97316", "🟧")}
_KNOWN = MODELS | {"median": MODELS["candidate"]}  # of the candidate's residuals
_OTHERS = (("#8b949e", "⬜"), ("#a855f7", "🟪"), ("#22a55e", "🟩"))  # the first is grey: usually a reference line
_SHARES = ("roc", "calibration", "gain")


class Series(msgspec.Struct, frozen=True):
    """The y values of one line of a chart; None where there is none."""

    name: str
    values: list[float | None]


class Chart(msgspec.Struct, frozen=True):
    """A chart with a categorical x axis: ``x`` and every series have the same length, at most 21."""

    kind: Literal["roc", "calibration", "gain", "residuals", "predicted", "histogram"]
    title: str
    x_title: str
    y_title: str
    x: list[str]
    series: list[Series]


def draw(chart: Chart) -> str:
    """A fenced Mermaid block, or nothing when fewer than two points are known.

    Points at which any line has no value are left out of the picture (the table beside it has them). The candidate is drawn last, on top.
    """
    lines = list(reversed(shown(chart)))
    places = [place for place in range(len(chart.x)) if all(is_number(line.values[place]) for line in lines)]
    if not lines or len(places) < 2:
        return ""
    rows = [[float(line.values[place] or 0.0) for place in places] for line in lines]
    low, high = (0.0, 1.0) if chart.kind in _SHARES else _range([value for row in rows for value in row])
    low = 0.0 if chart.kind == "histogram" else low
    labels = ", ".join(f'"{label}"' for label in _distinct([plain(chart.x[place], 12) for place in places]))
    palette = ", ".join(colour for colour, _ in reversed(_colours(chart)))
    return "\n".join(
        [
            "```mermaid",
            "---",
            "config:",
            "  xyChart:",
            "    width: 360",  # fits a phone: where a chart is scaled down, Mermaid cuts its last label off
            "    height: 240",
            "    titleFontSize: 14",
            *(line for axis in ("xAxis", "yAxis") for line in (f"    {axis}:", "      titleFontSize: 12", "      labelFontSize: 11")),
            "  themeVariables:",
            "    xyChart:",
            '      backgroundColor: "transparent"',
            f'      plotColorPalette: "{palette}"',
            "---",
            "xychart-beta",
            f'  title "{plain(chart.title, 60)}"',
            f'  x-axis "{plain(chart.x_title, 60)}" [{labels}]',
            f'  y-axis "{plain(chart.y_title, 60)}" {_decimal(low)} --> {_decimal(high)}',
            *(f"  line [{', '.join(_decimal(value) for value in row)}]" for row in rows),
            "```",
        ]
    )


def shown(chart: Chart) -> list[Series]:
    """The lines that are drawn: candidate, champion, then others; those without any value are left out."""
    known = [line for line in chart.series if any(is_number(value) for value in line.values)]
    order = list(MODELS)
    return sorted(known, key=lambda line: order.index(line.name) if line.name in order else len(order))[:MOST_LINES]


def legend(chart: Chart) -> str:
    """The colours in words, because most versions of Mermaid draw no legend."""
    signs = [f"{sign} {plain(line.name, 40)}" for line, (_, sign) in zip(shown(chart), _colours(chart), strict=True)]
    return " · ".join(signs).replace("⬜", "⬜ (grey)")


def plain(text: str, longest: int) -> str:
    """Letters, digits and harmless signs alone: safe inside quotes of Mermaid and in Markdown, and no address of the web."""
    kept = re.sub(r"[^\w ,.()+\-−–=≤≥%']|(?<!\w)_|_(?!\w)|%(?=%)|(?<=[^\W\d])\.(?=\w)", " ", text[: 4 * longest])
    return " ".join(kept.split())[:longest].strip() or "-"


def _colours(chart: Chart) -> list[tuple[str, str]]:
    others = iter(_OTHERS)
    return [_KNOWN[line.name] if line.name in _KNOWN else next(others) for line in shown(chart)]


def _distinct(labels: list[str]) -> list[str]:
    """A category that is named twice would be drawn once: later ones are numbered."""
    return [label if label not in labels[:place] else f"{label} ({place + 1})" for place, label in enumerate(labels)]


def _range(values: list[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    margin = 0.05 * (high - low) or max(abs(high), 1.0)
    return (low if low == 0 else low - margin), high + margin


def _decimal(value: float) -> str:
    """Four significant digits without an exponent, which Mermaid cannot read."""
    text = f"{float(f'{value:.4g}'):.12f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
