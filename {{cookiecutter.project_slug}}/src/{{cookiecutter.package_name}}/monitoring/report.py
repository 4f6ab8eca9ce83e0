"""Writes the report as Markdown: the summary of the monitor job, the issue, the text of a retraining pull request."""

import time
from pathlib import Path

import msgspec

from .. import markdown, mermaid
from ..markdown import code, number, p_value, percent, words
from . import ColumnDrift, Live, Report

FILES = Path("reports/monitor.json"), Path("reports/monitor.md")
LIMIT = 60_000  # characters of an issue are 65,536 at most
MOST_COLUMNS = 40
MOST_CHARTS = 6
_HEADS = {"fine": "✅ Nothing has drifted", "drifted": "⚠️ Production has drifted", "cannot tell": "⚪ Too little to tell"}


def write(report: Report) -> str:
    """Write both files and return the Markdown."""
    text = render(report)
    FILES[0].parent.mkdir(exist_ok=True)
    FILES[0].write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
    FILES[1].write_text(text, encoding="utf-8")
    return text


def render(report: Report) -> str:
    """The whole report, with as many charts and columns as an issue can hold."""
    for columns, charts in ((MOST_COLUMNS, MOST_CHARTS), (MOST_COLUMNS, 2), (15, 1), (8, 0)):
        made = _render(report, columns, charts)
        if len(made) <= LIMIT:
            break
    return made


def _render(report: Report, columns: int, charts: int) -> str:
    span = f", {_day(report.begin)} to {_day(report.end)}" if report.begin is not None else ""
    parts = [
        f"## {_HEADS[report.state]}: {code(report.model)} version {report.version}",
        f"{report.rows:,} rows of the prediction log{span}, answered by {code(report.digest)}.",
        "\n".join(f"- {words(finding)}" for finding in report.findings),
        _columns(report.columns, columns),
        *(_chart(column) for column in [one for one in report.columns if one.chart is not None][:charts]),
        _live(report.live) if report.live is not None else "",
        f"Not in the log, so not looked at: {', '.join(map(code, report.not_logged))}." if report.not_logged else "",
        *(words(note) for note in report.notes),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _columns(columns: list[ColumnDrift], most: int) -> str:
    if not columns:
        return ""
    head = [
        "### Against the training rows",
        "",
        "| column | PSI | effect | p | missing | new categories | since |",
        "|---|--:|--:|--:|--:|---|---|",
    ]
    more = ["", f"{len(columns) - most} more columns are in `{FILES[0]}`."] if len(columns) > most else []
    return "\n".join([*head, *map(_row, columns[:most]), *more])


def _row(item: ColumnDrift) -> str:
    cells = [
        f"{'⚠️ ' if item.drifted else ''}{code(item.name, 80)}",
        number(item.psi, 3),
        number(item.effect, 3),
        p_value(item.p_adjusted),
        f"{percent(item.missing_then)} → {percent(item.missing_now)}",
        ", ".join(code(one, 40) for one in item.new_categories[:3]),
        _day(item.since),
    ]
    return f"| {' | '.join(cells)} |"


def _chart(column: ColumnDrift) -> str:
    chart = column.chart
    if chart is None:
        return ""
    then, now = chart.series
    largest = max(value or 0.0 for line in chart.series for value in line.values)
    rows = [
        f"| {code(title, 40)} | {markdown.bar(a or 0.0, largest)} {percent(a)} | {markdown.bar(b or 0.0, largest)} {percent(b)} |"
        for title, a, b in zip(chart.x, then.values, now.values, strict=True)
    ]
    table = "\n".join([f"| {code(column.name, 40)} | training | now |", "|---|---|---|", *rows])
    head = f"<details><summary>{mermaid.plain(column.name, 60)}</summary>"
    drawn = mermaid.draw(msgspec.structs.replace(chart, x=list(map(_short, chart.x))))
    return "\n\n".join([head, drawn, mermaid.legend(chart), table, "</details>"])


def _short(title: str) -> str:
    """What an axis has room for: where a range begins."""
    return "less" if title.startswith("< ") else title.partition(" to ")[0]


def _live(live: Live) -> str:
    head = f"### Where labels have come: {live.rows:,} rows" + (f" ({live.unmatched:,} labels are of other rows)" if live.unmatched else "")
    rows = [
        f"| {markdown.metric_name(one.name)} | {markdown.estimate_text(one.candidate)} | {number(live.promised.get(one.name))} |"
        for one in live.metrics
    ]
    parts = [head, "\n".join(["| metric | now | at the promotion |", "|---|--:|--:|", *rows])] if rows else [head]
    if live.slices:
        lines = [f"| {code(one.name, 80)} | {one.rows:,} | {markdown.estimate_text(one.metric)} |" for one in live.slices]
        parts.append("\n".join(["| slice | rows | headline metric |", "|---|--:|--:|", *lines]))
    if live.gaps:
        lines = [f"| {code(one.column, 80)} | {one.measure.replace('_', ' ')} | {markdown.estimate_text(one.gap)} |" for one in live.gaps]
        parts.append("\n".join(["| column | gap between its values | |", "|---|---|--:|", *lines]))
    if live.calibration is not None and (drawn := mermaid.draw(live.calibration)):
        parts += [drawn, mermaid.legend(live.calibration)]
    return "\n\n".join(parts)


def _day(when: float | None) -> str:
    return "" if when is None else time.strftime("%Y-%m-%d %H:%M", time.gmtime(when))
