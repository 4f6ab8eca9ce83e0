"""What chat is told of a promotion, a hold or a rollback, in the form of Slack and in the form of everything else.

Titles, reasons and names may come from a pull request: each form makes sure that nothing in them is a mention, a link or a format.
"""

import os
import unicodedata
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from .. import ProblemError, github
from ..pointer import Pointer

Kind = Literal["promotion", "hold", "rollback"]
_LONGEST, _MOST = 300, 8  # characters of a piece of foreign text; reasons
_SLACK_LONGEST = 3000  # characters of a section's text


class MessageError(ProblemError):
    """There is nothing to tell of."""


class _Estimate(msgspec.Struct, frozen=True):
    value: float | None = None
    low: float | None = None
    high: float | None = None


class _Metric(msgspec.Struct, frozen=True):
    name: str
    candidate: _Estimate
    difference: _Estimate | None = None


class Told(msgspec.Struct, frozen=True):
    """What a message tells of ``review.json``."""

    verdict: str
    reasons: list[str] = []
    model: str = ""
    headline: str = ""
    pull_request: int | None = None
    digest: str | None = None
    metrics: list[_Metric] = []


class Message(NamedTuple):
    """A title, lines of name and value, and a link or nothing."""

    kind: Kind
    title: str
    facts: list[tuple[str, str]]
    link: str | None


def read(path: Path) -> Told | None:
    """What a ``review.json`` says, or None where there is none. Raises :class:`MessageError` when it cannot be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Told)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise MessageError(f"{path} cannot be read as a review: {error}; run `make judge-main` again") from None


def message(kind: Kind, review: Told | None, now: Pointer | None) -> Message:
    """What there is to tell; foreign text stands in the values of its facts alone.

    Raises:
        MessageError: a promotion or rollback without a pointer, or a hold without a review.
    """
    if kind == "hold":
        if review is None:
            raise MessageError("reports/review.json is missing: no judgement to tell of")
        return Message(kind, f"{review.model or 'The model'} was not promoted: {review.verdict}", _held_facts(review, now), _run_link())
    if now is None:
        raise MessageError("models/production.yaml is missing: no version to tell of")
    if kind == "rollback":
        held = now.held[-1] if now.held else None
        left = [("held", f"version {held.version}, {held.digest}"), ("reason", held.reason)] if held else []
        return Message(kind, f"{now.model} was rolled back to version {now.version}", [*_version_facts(now), *left], _run_link())
    return Message(kind, f"{now.model} version {now.version} is in production", _promotion_facts(review, now), _run_link())


def _version_facts(now: Pointer) -> list[tuple[str, str]]:
    return [("digest", now.digest), ("by", now.promoted_by)]


def _promotion_facts(review: Told | None, now: Pointer) -> list[tuple[str, str]]:
    facts = _version_facts(now)
    if review is not None and review.digest == now.digest:
        facts[:0] = _headline(review)
    if now.pull_request:
        facts.append(("pull request", f"#{now.pull_request}"))
    if now.previous:
        facts.append(("before", f"version {now.previous.version}, {now.previous.digest}"))
    if now.override:
        facts.append(("against the gates", f"by {now.override.by}: {now.override.reason}"))
    return facts


def _held_facts(review: Told, now: Pointer | None) -> list[tuple[str, str]]:
    facts = [*_headline(review), *(("reason", reason) for reason in review.reasons[:_MOST])]
    if len(review.reasons) > _MOST:
        facts.append(("reason", f"and {len(review.reasons) - _MOST} more, in the report"))
    facts.append(("digest", review.digest or "none"))
    if review.pull_request:
        facts.append(("pull request", f"#{review.pull_request}"))
    stays = f"version {now.version}, {now.digest}" if now else "nothing: no version was promoted yet"
    return [*facts, ("stays in production", stays)]


def _headline(review: Told) -> list[tuple[str, str]]:
    """The verdict's metric, with the difference to the champion and its interval where they are known."""
    for metric in review.metrics:
        if metric.name == review.headline and metric.candidate.value is not None:
            text, change = f"{metric.name} {metric.candidate.value:.4g}", metric.difference
            if change and None not in (change.value, change.low, change.high):
                text += f", {change.value:+.4g} against the champion (interval {change.low:+.4g} to {change.high:+.4g})"
            return [("metric", text)]
    return []


def _run_link() -> str | None:
    server, number = os.environ.get("GITHUB_SERVER_URL"), os.environ.get("GITHUB_RUN_ID")
    return f"{server}/{github.repository()}/actions/runs/{number}" if server and number else None


def slack(what: Message) -> dict[str, Any]:
    """The body for a Slack incoming webhook (Block Kit). What is foreign is escaped and in code spans: no mention, link or format."""
    lines = [f"*{_escaped(what.title)}*", *(f"{_escaped(name)}: `{_escaped(value)}`" for name, value in what.facts)]
    lines += [f"<{_escaped(what.link)}|the run>"] if what.link else []
    section = {"type": "section", "text": {"type": "mrkdwn", "text": _whole_lines(lines, _SLACK_LONGEST), "verbatim": True}}
    return {"text": _escaped(what.title), "blocks": [section], "link_names": False, "unfurl_links": False}


def plain(what: Message) -> dict[str, Any]:
    """The body for anything else: Teams reads the adaptive card in ``attachments``, in whose text runs Markdown and mentions mean nothing;
    other receivers read ``event``, ``title``, ``facts`` and ``link``."""
    title = {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": line(what.title), "weight": "Bolder", "size": "Medium"}]}
    facts = [
        {"type": "RichTextBlock", "spacing": "Small", "inlines": [_text_run(f"{line(name)}: ", True), _text_run(line(value), False)]}
        for name, value in what.facts
    ]
    opens = [{"type": "Action.OpenUrl", "title": "The run", "url": what.link}] if what.link else []
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [title, *facts],
        "actions": opens,
    }
    return {
        "type": "message",
        "event": what.kind,
        "title": line(what.title),
        "facts": [{"name": line(name), "value": line(value)} for name, value in what.facts],
        "link": what.link,
        "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}],
    }


def _text_run(text: str, subtle: bool) -> dict[str, Any]:
    return {"type": "TextRun", "text": text, "isSubtle": subtle}


def line(value: object) -> str:
    """One line of visible characters."""
    text = "".join(sign for sign in " ".join(str(value).split()) if unicodedata.category(sign)[0] != "C")
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _escaped(value: object) -> str:
    """Slack's three control characters as entities (so ``<!channel>`` and ``<@U1>`` are text), and nothing that leaves a code span."""
    return line(value).replace("`", "'").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _whole_lines(lines: list[str], longest: int) -> str:
    """As many lines as fit, none cut in two."""
    text = ""
    for each in lines:
        if len(text) + len(each) + 1 > longest:
            break
        text += f"\n{each}" if text else each
    return text
