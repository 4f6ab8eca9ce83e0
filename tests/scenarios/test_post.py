"""Posting without CML, and when it cannot be done; with CML it is played in test_life."""

import json
from pathlib import Path
from typing import Any

import pytest

from scenarios import ScenarioError, post

MARK = f'![](https://cml.dev/watermark.png#{"a" * 40} "CML watermark scenarios")'
BOT, PERSON = {"type": "Bot"}, {"type": "User"}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, dict[str, Any]]]:
    """Every request that would change something; CML is not here."""
    made: list[tuple[str, str, dict[str, Any]]] = []
    monkeypatch.setattr("scenarios.post.shutil.which", lambda _: None)
    monkeypatch.setattr("scenarios.github.send", lambda *request: made.append(request))
    monkeypatch.delenv("GITHUB_RUN_ID", raising=False)
    return made


def reports(folder: Path, text: str = "## Report\n", **changed: Any) -> Path:
    conclusion = {"passed": False, "line": "binary: " + "x" * 200, "pull_request": 5, "head_sha": "b" * 40} | changed
    (folder / "conclusion.json").write_text(json.dumps(conclusion), encoding="utf-8")
    (folder / "report.md").write_text(text, encoding="utf-8")
    return folder


def among(monkeypatch: pytest.MonkeyPatch, *comments: tuple[dict[str, str], str]) -> None:
    found = [{"id": number, "user": user, "body": body} for number, (user, body) in enumerate(comments)]
    monkeypatch.setattr("scenarios.github.every", lambda _: found)


def test_without_cml_the_same_comment_is_made_and_the_status_comes_last(
    sent: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    among(monkeypatch, (PERSON, f"I quote {MARK}"))

    post.post(reports(tmp_path))

    comment, status = sent
    assert comment == ("POST", "issues/5/comments", {"body": f"## Report\n\n{MARK.replace('a' * 40, 'b' * 40)}"})
    assert status[:2] == ("POST", f"statuses/{'b' * 40}")
    assert (status[2]["state"], status[2]["context"], len(status[2]["description"])) == ("failure", "scenarios", 140)


def test_our_newest_comment_is_found_among_many(sent: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    among(monkeypatch, *[(PERSON, "Words.")] * 40, (BOT, MARK), (BOT, "Another."))
    monkeypatch.setattr("scenarios.post.shutil.which", lambda _: pytest.fail("CML looks at the first 30 comments only"))

    post.post(reports(tmp_path, passed=True))

    assert sent[0][:2] == ("PATCH", "issues/comments/40")
    assert sent[1][2]["state"] == "success"


def test_a_report_that_cannot_be_posted_is_a_red_status(sent: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    among(monkeypatch)

    with pytest.raises(ScenarioError, match=r"could not be posted: the report has more than 65,000 characters"):
        post.post(reports(tmp_path, "x" * 65_001, passed=True))
    assert [(method, body["state"]) for method, _, body in sent] == [("POST", "error")]


def test_of_a_pull_request_that_moved_on_nothing_is_said(sent: list[Any], tmp_path: Path) -> None:
    post.post(reports(tmp_path, pull_request=None))

    assert sent == []
