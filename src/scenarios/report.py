"""The report of all scenarios: one comment in Markdown. Names that a pull request brought are in code spans; numbers are numbers."""

from __future__ import annotations

from collections.abc import Mapping

from .compare import Comparison, Row
from .settings import Tolerance

Told = Comparison | str  # or why there is none
MARKS = {"same": "=", "better": "✅ better", "worse": "❌ worse", "within": "✅", "shown": "", "not comparable": "➖", "new": "new"}
# The figures of the overview, under shorter titles.
_SHOWN = {
    "training, processor s": "training, CPU s",
    "pull request to comment, s": "to the comment, s",
    "comment to served, by a merge, s": "to the server, s",
    "whole rehearsal, processor s": "rehearsal, CPU s",
    "a request, in requests to an empty endpoint": "request, in bare ones",
    "generated files": "files",
    "generated lines": "lines",
    "image, MB": "image, MB",
}
_HEADLINE = " (headline)"
_SHORT = 19  # characters of a digest with its prefix


def render(told: Mapping[str, Told], passed: bool, line: str, limits: Tolerance, note: str = "") -> str:
    """The whole report: an overview, then every figure of each scenario, open where something is worse."""
    parts = [f"## {'✅' if passed else '❌'} Scenarios: {line}", note, _overview(told)]
    for name, found in told.items():
        parts.append(f"**{name}**: {_code(found)}" if isinstance(found, str) else _scenario(name, found))
    return "\n\n".join(part for part in [*parts, _foot(limits)] if part) + "\n"


def _overview(told: Mapping[str, Told]) -> str:
    titles = ["scenario", "headline", *_SHOWN.values()]
    lines = [f"| {' | '.join(titles)} |", f"|---|{'--:|' * (len(titles) - 1)}"]
    for name, found in told.items():
        if isinstance(found, str):
            lines.append(f"| ❌ **{name}** |{' – |' * (len(titles) - 1)}")
            continue
        verdict = "❌" if found.worse else "🆕" if found.main is None else "✅"
        rows = {row.subject: row for row in found.rows}
        cells = [f"`{found.rows[0].subject.removesuffix(_HEADLINE)}`<br>{_cell(found.rows[0])}", *(_cell(rows[name]) for name in _SHOWN)]
        lines.append(f"| {verdict} **{name}** | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(row: Row) -> str:
    value = row.here.partition("\u00a0[")[0]
    beside = row.relation or ("=" if row.judgement == "same" else "")
    told = f"{value}<br>{beside}" if beside else value
    return f"**{told}** ❌" if row.judgement == "worse" else told


def _scenario(name: str, found: Comparison) -> str:
    first = [row for row in found.rows if not row.metric or row.subject.endswith(_HEADLINE)]
    others = [row for row in found.rows if row not in first]
    metrics = f"\n\n{len(others)} more metrics:\n\n{_table(others)}" if others else ""
    opened = " open" if found.worse else ""
    return (
        f"<details{opened}><summary><b>{name}</b>, figure by figure</summary>\n\n{_beside(found)}\n\n{_table(first)}{metrics}\n\n</details>"
    )


def _beside(found: Comparison) -> str:
    if found.main is None:
        return f"Model `{found.digest[:_SHORT]}`. Main has no reference: nothing can be worse."
    model = "main's" if found.digest == found.main else f"main's is `{found.main[:_SHORT]}`"
    machine = "" if found.machine is None else f" The machine took {found.machine:.2f} × as long as main's for the yardstick."
    return f"Model `{found.digest[:_SHORT]}`, {model}.{machine}"


def _table(rows: list[Row]) -> str:
    lines = ["| | here | main | beside main | at most | |", "|---|--:|--:|--:|--:|---|"]
    for row in rows:
        mark = " ".join(filter(None, (MARKS[row.judgement], row.note)))
        lines.append(f"| {_subject(row)} | {row.here} | {row.main or '–'} | {row.relation} | {row.limit} | {mark} |")
    return "\n".join(lines)


def _code(text: str) -> str:
    """A code span, out of which nothing comes and in which nobody is told: the text may quote what a pull request brought."""
    return f"`{' '.join(text.split()).replace('`', chr(39))}`"


def _subject(row: Row) -> str:
    name = row.subject.removesuffix(_HEADLINE)
    return f"`{name}`{row.subject[len(name) :]}" if row.metric else row.subject


def _foot(limits: Tolerance) -> str:
    return (
        f"<sub>A headline metric may be {limits.headline:.2%} of main's worse. Times of two machines are not comparable as they are: each "
        "is divided by what the same fixed piece of work took beside it (the yardstick), and then may be "
        f"{limits.processor_time:g} times main's in processor time, {limits.clock_time:g} times by the clock, which counts what else ran "
        f"there too. A request may cost {limits.serving:g} times main's, each measured against an endpoint that does nothing, in turns. "
        "Brackets are the lowest and highest of the measurements.</sub>"
    )
