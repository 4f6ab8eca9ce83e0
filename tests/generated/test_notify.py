"""What chat is told: the facts, in a form out of which no mention, link or format of a pull request comes; and nothing by accident."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import OpenerDirector

import pytest
from churn import github
from churn.pointer import Held, Override, Pointer, Previous
from churn.registry import message, notify
from churn.registry.message import MessageError

Git = Callable[..., str]
Commit = Callable[..., str]

A, B, C = (f"sha256:{letter * 64}" for letter in "abc")
COMMIT = "c" * 40
HOSTILE = "<!channel> <@U1> <https://evil.invalid|click> & `*bold*` _it_ ~no~ [x](https://evil.invalid) <at>all</at>\n# head\u202e\x07"
REVIEW = {
    "verdict": "promote",
    "model": "churn",
    "digest": B,
    "headline": "roc_auc",
    "pull_request": 7,
    "metrics": [
        {"name": "f1", "candidate": {"value": 0.6}},
        {"name": "roc_auc", "candidate": {"value": 0.85231}, "difference": {"value": 0.0041, "low": -0.001, "high": 0.009}},
    ],
}


def _pointer(**values: object) -> Pointer:
    base = {"model": "churn", "version": 2, "digest": B, "bundle": "store", "commit": COMMIT, "promoted_by": "mona"}
    return Pointer(**(base | {"pull_request": 7, "previous": Previous(1, A)} | values))


def _message(kind: Any, now: Pointer | None = None, **changes: object) -> message.Message:
    review = message.msgspec.convert(REVIEW | changes, message.Told)
    return message.message(kind, review, now)


def test_a_promotion_names_version_metric_digest_and_pull_request() -> None:
    told = _message("promotion", _pointer(override=Override("octo", "the sale starts")))
    assert told.title == "churn version 2 is in production"
    assert told.facts == [
        ("metric", "roc_auc 0.8523, +0.0041 against the champion (interval -0.001 to +0.009)"),
        ("digest", B),
        ("by", "mona"),
        ("pull request", "#7"),
        ("before", f"version 1, {A}"),
        ("against the gates", "by octo: the sale starts"),
    ]


def test_a_review_of_another_bundle_gives_no_metric() -> None:
    assert "metric" not in dict(_message("promotion", _pointer(), digest=C).facts)


def test_a_hold_says_why_and_what_stays() -> None:
    told = _message("hold", _pointer(), verdict="hold", reasons=["recall is 0.2"], digest=C)
    assert told.title == "churn was not promoted: hold"
    assert {("reason", "recall is 0.2"), ("digest", C), ("stays in production", f"version 2, {B}")} <= set(told.facts)
    first = _message("hold", None, verdict="cannot judge", reasons=[f"reason {n}" for n in range(20)])
    assert ("reason", "and 12 more, in the report") in first.facts
    assert first.facts[-1][1].startswith("nothing")


def test_a_rollback_says_what_is_held_and_why() -> None:
    now = _pointer(held=(Held(3, C, COMMIT, "rolled back by octo"),))
    told = message.message("rollback", None, now)
    assert told.title == "churn was rolled back to version 2"
    assert told.facts[-2:] == [("held", f"version 3, {C}"), ("reason", "rolled back by octo")]


@pytest.mark.parametrize("kind", ["promotion", "rollback", "hold"])
def test_without_anything_to_tell_of_it_says_so(kind: Any) -> None:
    with pytest.raises(MessageError, match="is missing"):
        message.message(kind, None, None)


def test_slack_gets_no_mention_link_or_format_from_foreign_text() -> None:
    told = _message("hold", _pointer(promoted_by=HOSTILE), verdict="hold", reasons=[HOSTILE], digest=HOSTILE)
    body = message.slack(told)
    section = body["blocks"][0]["text"]
    assert (section["type"], section["verbatim"]) == ("mrkdwn", True)
    assert not set("<>") & set(re.sub("&lt;|&gt;|&amp;", "", section["text"]))
    assert not re.search("&(?!lt;|gt;|amp;)", section["text"])
    for line in section["text"].splitlines()[1:]:
        assert re.fullmatch(r"[a-z ]+: `[^`]*`", line), line
    assert "\u202e" not in section["text"]
    assert "&lt;!channel&gt; &lt;@U1&gt;" in section["text"]


def test_slacks_limit_cuts_between_lines() -> None:
    told = _message("hold", None, verdict="hold", reasons=["&" * 300] * 20)
    text = message.slack(told)["blocks"][0]["text"]["text"]
    assert len(text) <= 3000
    assert all(line.endswith("`") for line in text.splitlines()[1:])


def test_everything_else_gets_plain_text_and_a_card_without_markdown() -> None:
    told = _message("hold", _pointer(), verdict="hold", reasons=[HOSTILE])
    body = message.plain(told)
    assert {"name": "reason", "value": message.line(HOSTILE)} in body["facts"]
    (card,) = (one["content"] for one in body["attachments"] if one["contentType"] == "application/vnd.microsoft.card.adaptive")
    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}, "the one kind of block that reads no Markdown"
    assert {run["type"] for block in card["body"] for run in block["inlines"]} == {"TextRun"}
    assert "msteams" not in card, "without entities <at> mentions nobody"


def test_the_link_leads_to_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"SERVER_URL": "https://github.com", "RUN_ID": "12", "REPOSITORY": "acme/churn"}.items():
        monkeypatch.setenv(f"GITHUB_{name}", value)
    told = _message("promotion", _pointer())
    assert message.slack(told)["blocks"][0]["text"]["text"].endswith("<https://github.com/acme/churn/actions/runs/12|the run>")
    assert message.plain(told)["attachments"][0]["content"]["actions"][0]["url"] == message.plain(told)["link"]


# ---- sending ----


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[Any]]:
    """Requests that would have been sent; nothing leaves, and GitHub knows of no earlier message."""
    requests: list[Any] = []

    class Answer:
        def close(self) -> None:
            """Nothing to close."""

    def note(self: OpenerDirector, request: Any, data: object = None, timeout: float = 0) -> Answer:
        requests.append(request)
        return Answer()

    for secret in ("SLACK_WEBHOOK", "WEBHOOK_URL"):
        monkeypatch.delenv(secret, raising=False)
    monkeypatch.setattr(OpenerDirector, "open", note)
    monkeypatch.setattr(github, "get_all", lambda *_, **__: [])
    monkeypatch.setattr(github, "send", lambda *_, **__: None)
    monkeypatch.setattr(notify, "_commit", lambda *_: COMMIT)
    monkeypatch.chdir(tmp_path)
    Path("review.json").write_text(json.dumps(REVIEW))
    return requests


def test_absent_secrets_are_said_and_pass(sent: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    notify.send("promotion", Path("review.json"), _pointer())
    out = capsys.readouterr().out
    assert "Slack: not told, the secret SLACK_WEBHOOK is not set" in out
    assert "webhook: not told, the secret WEBHOOK_URL is not set" in out
    assert sent == []


@pytest.mark.parametrize(
    "address", ["http://hooks.invalid/x", "file:///etc/passwd", "hooks.invalid/x", "https:///x", "https://[::1/x", "ftp://h/x"]
)
def test_an_address_that_is_not_https_gets_nothing(
    sent: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    monkeypatch.setenv("SLACK_WEBHOOK", address)
    notify.send("promotion", Path("review.json"), _pointer())
    out = capsys.readouterr().out
    assert sent == []
    assert "::warning::Slack was not told of this promotion" in out
    assert address not in out


def test_a_review_that_cannot_be_read_is_a_warning(
    sent: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SLACK_WEBHOOK", "https://hooks.invalid/x")
    Path("review.json").write_text("{")
    notify.send("hold", Path("review.json"), None)
    assert "::warning::nobody was told of this hold: review.json cannot be read" in capsys.readouterr().out
    assert sent == []


def test_a_review_that_says_promote_is_no_hold(sent: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_WEBHOOK", "https://hooks.invalid/x")
    for verdict, count in (("promote", 0), ("hold", 1)):
        Path("review.json").write_text(json.dumps(REVIEW | {"verdict": verdict}))
        notify.send("hold", Path("review.json"), _pointer())
        assert len(sent) == count


def test_each_channel_gets_its_form(sent: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_WEBHOOK", "https://hooks.invalid/slack")
    monkeypatch.setenv("WEBHOOK_URL", "https://hooks.invalid/teams")
    notify.send("promotion", Path("review.json"), _pointer())
    slack, teams = sent
    assert "blocks" in json.loads(slack.data)
    assert "attachments" in json.loads(teams.data)
    assert [one.full_url for one in sent] == ["https://hooks.invalid/slack", "https://hooks.invalid/teams"]
    assert {one.get_header("Content-type") for one in sent} == {"application/json"}


def test_what_is_told_belongs_to_the_commit_of_main_that_moved_the_pointer(git: Git, commit: Commit) -> None:
    """Also where this clone stays behind main, whose inputs are others."""
    here = commit(models__production_dot_yaml="version: 1\n")
    git("checkout", "-q", "-b", "newer")
    moved = commit(models__production_dot_yaml="version: 2\n")
    main = commit(params_dot_yaml="C: 2\n")
    git("checkout", "-q", here)
    assert notify._commit("rollback", main) == moved
    assert notify._commit("promotion", "HEAD") == here
    assert notify._commit("hold", main) == here
