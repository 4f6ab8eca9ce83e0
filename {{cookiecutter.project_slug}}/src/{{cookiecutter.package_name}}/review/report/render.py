"""Writes a judgement as Markdown: the comment of a pull request, and the summary of the review job."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jinja2

from ... import markdown, mermaid
from ...mermaid import Chart
from .. import Confusion, GateResult, Review, Slice
from . import text

LIMIT = 65_000  # GitHub refuses comments over 65,536 characters; the rest is the watermark's
SUMMARY_LIMIT = 1_000_000  # bytes: GitHub drops a step's summary over 1 MiB
_HEADLINES = {
    "promote": "✅ Promote",
    "hold": "❌ Hold",
    "cannot judge": "⚠️ Cannot judge",
    "unaffected": "⚪ Not affected",
    "outdated": "⚪ Outdated",
}
_MARKS = {"fail": "❌", "cannot be judged": "⚠️", "warn": "🟡", "pass": "✅", "not applied": "➖"}
_SQUARE = {False: 8, True: 60}  # classes of the largest confusion matrix that is shown as a square in a comment, in a summary


@dataclass(frozen=True)
class Detail:
    """How much is shown: ``rows`` of any list, ``rank`` of lists of which the first matter most, ``longest`` characters of a name."""

    rows: int
    rank: int
    longest: int
    whole: bool = False


_COMMENT = (Detail(40, 12, 300), Detail(25, 10, 120), Detail(12, 8, 80), Detail(6, 5, 60), Detail(3, 3, 40))
_SUMMARY = tuple(Detail(rows, rows, size, whole=True) for rows, size in ((100_000, 300), (1_000, 200), (300, 120), (100, 60), (30, 40)))


def render(review: Review) -> str:
    """The comment, at most :data:`LIMIT` characters.

    What a pull request brought is escaped. What is too long is cut by rank, list by list, with a line that says how much more the
    summary of the review job shows.
    """
    return _fitting(review, _COMMENT, lambda made: len(made.encode("utf-16-le")) // 2 <= LIMIT)  # as GitHub's browser side counts


def summary(review: Review) -> str:
    """The same with everything in it, at most :data:`SUMMARY_LIMIT` bytes."""
    return _fitting(review, _SUMMARY, lambda made: len(made.encode()) <= SUMMARY_LIMIT)


def _fitting(review: Review, details: Sequence[Detail], fits: Callable[[str], bool]) -> str:
    made = ""
    for detail in details:
        made = _filled(review, detail)
        if fits(made):
            break
    return made


def _filled(review: Review, detail: Detail) -> str:
    template = environment(detail.longest).get_template("comment.md.j2")
    first = text.headline(review)
    told = review.override is not None and review.override.verdict != "promote"
    made = template.render(
        review=review,
        detail=detail,
        verdict=_HEADLINES[review.verdict] + (" against the gates" if told else ""),
        headline=first,
        reason=text.first_reason(review, 3 * detail.longest),
        reasons=[(text.stopping_gate(review, reason), reason) for reason in review.reasons],
        compared=any(metric.champion for metric in review.metrics),
        direction=text.direction(first) if first else "unknown",
        gates=_ranked_gates(review.gates),
        protected=_ranked_slices([part for part in review.slices if part.protected]),
        others=_ranked_slices([part for part in review.slices if not part.protected]),
        charts=[_drawn(chart) for chart in review.charts],
        confused=_confused(review.confusion) if review.confusion else [],
        square=review.confusion is not None and len(review.confusion.classes) <= _SQUARE[detail.whole],
        importance=sorted(review.importance, key=lambda item: -item.mean),
        drift=sorted(review.data.columns if review.data else [], key=lambda column: (not column.drifted, -column.effect)),
        history=sorted(review.history, key=lambda release: release.version),
    )
    return re.sub(r"\n{3,}", "\n\n", made).strip() + "\n"


def environment(longest: int = 300) -> jinja2.Environment:
    """Jinja2 for this folder's templates; ``longest`` cuts names in code spans, sentences may be three times as long."""
    made = jinja2.Environment(  # noqa: S701 - Markdown: everything that a pull request brought goes through `code` or `words`
        loader=jinja2.FileSystemLoader(Path(__file__).parent), trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    filters: dict[str, Callable[..., Any]] = {
        "code": partial(markdown.code, longest=longest),
        "words": partial(markdown.words, longest=3 * longest),
        "metric": partial(markdown.metric_name, longest=longest),
        "codes": lambda names, most=20: _codes(list(names), most, longest),
        "mark": lambda result: _MARKS[result.outcome],
        "count": lambda value: f"{value:,}",
        "some": lambda value: f"{value:,}" if value else "none",
        "plain": lambda value: mermaid.plain(value, 60),
    }
    numbers = ["number", "signed", "short_number", "percent", "rough_percent", "p_value", "estimate_text", "interval", "bar", "sparkline"]
    filters |= {name: getattr(markdown, name) for name in numbers} | {"digits": text.digits, "difference": text.difference}
    made.filters.update(filters)
    return made


def _codes(names: list[str], most: int, longest: int) -> str:
    more = len(names) - most
    return ", ".join(markdown.code(name, longest) for name in names[:most]) + (f" and {more:,} more" if more > 0 else "")


def _ranked_gates(results: Sequence[GateResult]) -> list[GateResult]:
    """What stops the candidate first; otherwise in the order of ``params.yaml``."""
    order = list(_MARKS)
    return sorted(results, key=lambda result: order.index(result.outcome))


def _ranked_slices(parts: Sequence[Slice]) -> list[Slice]:
    """Judged ones first, the worst of them on top."""
    return sorted(parts, key=lambda part: (not part.judged, -text.harm(part.metric)))


def _drawn(chart: Chart) -> dict[str, Any]:
    lines = mermaid.shown(chart)
    largest = max((abs(value) for line in lines for value in line.values if markdown.is_number(value)), default=0.0)
    rows = [(label, [line.values[place] for line in lines]) for place, label in enumerate(chart.x)]
    drawn = {"block": mermaid.draw(chart), "legend": mermaid.legend(chart), "decimals": markdown.decimals(largest, 3)}
    return {"chart": chart, "lines": lines, "rows": rows, **drawn}


def _confused(found: Confusion) -> list[tuple[str, str, int, float]]:
    """The confused pairs of classes, most rows first: actual, predicted, rows, share of the actual class."""
    pairs = [
        (found.classes[i], found.classes[j], rows, rows / sum(found.counts[i]))
        for i, row in enumerate(found.counts)
        for j, rows in enumerate(row)
        if i != j and rows
    ]
    return sorted(pairs, key=lambda pair: -pair[2])
