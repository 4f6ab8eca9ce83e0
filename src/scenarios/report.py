"""The report of all scenarios: one comment in Markdown. Names that a pull request brought are in code spans; numbers are numbers."""

from __future__ import annotations

from collections.abc import Mapping

from .compare import Comparison, Row
from .settings import Tolerance

Told = Comparison | str  # or why there is none
MARKS = {"same": "=", "better": "✅ better", "worse": "❌ worse", "within": "✅", "shown": "", "not comparable": "➖", "new": "new"}
_HEADLINE = " (headline)"
_SHORT = 19  # characters of a digest with its prefix


def render(told: Mapping[str, Told], passed: bool, line: str, limits: Tolerance, note: str = "") -> str:
    """The whole report."""
    parts = [f"## {'✅' if passed else '❌'} Scenarios: {line}", note, _overview(told)]
    for name, found in told.items():
        parts += [f"### {name}", _code(found) if isinstance(found, str) else _scenario(found)]
    return "\n\n".join(part for part in [*parts, _foot(limits)] if part) + "\n"


def _overview(told: Mapping[str, Told]) -> str:
    lines = ["| scenario | | model | headline | slowest against main | generated |", "|---|---|---|--:|--:|--:|"]
    for name, found in told.items():
        if isinstance(found, str):
            lines.append(f"| **{name}** | ❌ | – | – | – | – |")
            continue
        verdict = "❌" if found.worse else "🆕" if found.main is None else "✅"
        model = "new" if found.main is None else "same" if found.digest == found.main else "another"
        files = next(row.here for row in found.rows if row.subject == "generated files")
        lines.append(f"| **{name}** | {verdict} | {model} | {_headline(found.rows[0])} | {_slowest(found.rows)} | {files} files |")
    return "\n".join(lines)


def _headline(row: Row) -> str:
    return f"`{row.subject.removesuffix(_HEADLINE)}` {row.here}"


def _slowest(rows: list[Row]) -> str:
    comparable = [row for row in rows if row.factor is not None]
    if not comparable:
        return "–"
    slowest = max(comparable, key=lambda row: row.factor or 0.0)
    return f"{slowest.relation} ({slowest.subject.partition(',')[0]})"


def _scenario(found: Comparison) -> str:
    first = [row for row in found.rows if not row.metric or row.subject.endswith(_HEADLINE)]
    others = [row for row in found.rows if row not in first]
    parts = [_beside(found), _table(first)]
    if others:
        parts.append(f"<details><summary>{len(others)} more metrics</summary>\n\n{_table(others)}\n\n</details>")
    return "\n\n".join(parts)


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
