"""Draws the report as a picture, ``reports/monitor.png``, for where Markdown is not shown: mail, chat, a slide.

Only where matplotlib is installed beside the locked libraries, which do without it: each of those is one that a model is made of.
"""

import importlib.util
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ..mermaid import Chart
from . import ColumnDrift, Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FILE = Path("reports/monitor.png")
MOST = 6
_COLOURS = {"training": "#8b949e", "now": "#a855f7"}


def can_draw() -> bool:
    """Whether matplotlib is here."""
    return importlib.util.find_spec("matplotlib") is not None


def draw(report: Report) -> Path | None:
    """Write the histograms, then and now, of the columns that drifted most; None where nothing has drifted (an older picture goes)."""
    FILE.unlink(missing_ok=True)
    shown = [(column, column.chart) for column in report.columns if column.chart is not None][:MOST]
    if not shown:
        return None
    from matplotlib.figure import Figure  # takes a second, and has no window

    figure = Figure(figsize=(9, 0.6 + 2.8 * len(shown)), layout="constrained", facecolor="white")
    figure.suptitle(f"{report.model} version {report.version}: {report.rows:,} rows of the prediction log", parse_math=False)
    for axes, (column, chart) in zip(figure.subplots(len(shown), squeeze=False)[:, 0], shown, strict=True):
        _bars(axes, column, chart)
    FILE.parent.mkdir(exist_ok=True)
    figure.savefig(FILE, dpi=110)
    return FILE


def _bars(axes: "Axes", column: ColumnDrift, chart: Chart) -> None:
    places = range(len(chart.x))
    for number, line in enumerate(chart.series):
        middles = [place + 0.4 * number - 0.2 for place in places]
        axes.bar(middles, [100 * (value or 0.0) for value in line.values], 0.4, label=line.name, color=_COLOURS.get(line.name))
    since = "" if column.since is None else f", since {time.strftime('%Y-%m-%d %H:%M', time.gmtime(column.since))} UTC"
    axes.set_title(f"{column.name}: PSI {column.psi:.2f}, effect {column.effect:.2f}{since}", fontsize=10, parse_math=False)
    axes.set_xticks(list(places), [title[:18] for title in chart.x], fontsize=8, parse_math=False)
    axes.set_ylabel("% of rows")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8)
