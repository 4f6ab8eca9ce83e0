"""Who may override the gates, when, and with which words; and the issue about a main that is not promoted."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from churn import ProblemError, github, pointer, store
from churn.github import GitHubError
from churn.pointer import Pointer
from churn.registry import hold_issue
from churn.review import override
from churn.review.override import Asked, Refused

TRAINED = "2026-03-01T10:00:00Z"
AFTER = "2026-03-01T10:05:00Z"
RIGHTS = {"mona": "write", "ada": "admin", "terry": "read", "rita": "none"}


class FakeGitHub:
    """Pull request 7, its events and comments, and issues, in memory; it refuses what it does not know."""

    def __init__(self) -> None:
        self.labels = [override.LABEL]
        self.text: str | None = "Override: the law asks for it"
        self.events: list[dict[str, Any]] = []
        self.issues: list[dict[str, Any]] = []
        self.comments: list[tuple[int, str]] = []
        self.broken: GitHubError | None = None

    def put(self, actor: str, at: str = AFTER, event: str = "labeled", label: str = override.LABEL, kind: str = "User") -> None:
        who = {"login": actor, "type": kind}
        self.events.append({"id": len(self.events), "event": event, "actor": who, "label": {"name": label}, "created_at": at})

    def get(self, path: str) -> Any:
        if path == "pulls/7":
            return {"labels": [{"name": name} for name in self.labels], "body": self.text}
        login = path.removeprefix("collaborators/").removesuffix("/permission")
        if self.broken:
            raise self.broken
        if login not in RIGHTS:
            raise GitHubError(f"GitHub refused {path}: Not Found", 404)
        return {"permission": RIGHTS[login]}

    def get_all(self, path: str, **query: object) -> list[Any]:
        if path == "issues":
            if self.broken:
                raise self.broken
            return [issue for issue in self.issues if issue["state"] == query["state"]]
        assert path == "issues/7/events"
        return self.events

    def send(self, method: str, path: str, body: dict[str, Any]) -> Any:
        if (method, path) == ("POST", "issues"):
            self.issues.append({"number": len(self.issues) + 20, "state": "open", "user": {"type": "Bot"}} | body)
            return self.issues[-1]
        number = int(path.split("/")[1])
        if method == "POST":
            self.comments.append((number, body["body"]))
        else:
            next(issue for issue in self.issues if issue["number"] == number).update(body)
        return None


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> FakeGitHub:
    fake = FakeGitHub()
    for name in ("get", "get_all", "send"):
        monkeypatch.setattr(github, name, getattr(fake, name))
    return fake


def test_without_the_label_nobody_asked(hub: FakeGitHub) -> None:
    hub.labels = ["bug"]
    hub.put("mona", label="bug")
    assert override.find(7, TRAINED) is None


@pytest.mark.parametrize("login", ["mona", "ada"])
def test_a_writer_with_a_reason(hub: FakeGitHub, login: str) -> None:
    hub.put(login)
    assert override.find(7, TRAINED) == Asked(login, "the law asks for it")


@pytest.mark.parametrize("login", ["terry", "rita", "mallory"])
def test_without_write_access(hub: FakeGitHub, login: str) -> None:
    hub.put(login)
    assert override.find(7, TRAINED) == Refused(f"the label 'promote anyway' was put by {login}, who has no write access")


def test_a_bots_label_is_nobodys(hub: FakeGitHub) -> None:
    """A workflow of the pull request itself could have put it."""
    hub.put("ada", kind="Bot")
    assert override.find(7, TRAINED) == Refused("the label 'promote anyway' was put by ada, who has no write access")


@pytest.mark.parametrize("at", ["2026-03-01T09:59:59Z", TRAINED])
def test_a_label_for_an_earlier_push(hub: FakeGitHub, at: str) -> None:
    hub.put("mona", at)
    found = override.find(7, TRAINED)
    assert isinstance(found, Refused)
    assert found.why.endswith("before the candidate of this push was trained; take it off and put it on again")


def test_the_newest_label_counts(hub: FakeGitHub) -> None:
    hub.put("mona", "2026-03-01T09:00:00Z")
    hub.put("mona", "2026-03-01T10:01:00Z", event="unlabeled")
    hub.put("ada")
    hub.put("terry", label="bug")
    hub.events.append({"id": 99, "event": "closed", "actor": None, "created_at": AFTER})
    assert override.find(7, TRAINED) == Asked("ada", "the law asks for it")


def test_a_label_that_nobody_put(hub: FakeGitHub) -> None:
    assert isinstance(override.find(7, TRAINED), Refused)
    hub.put("mona")
    hub.put("mona", event="unlabeled")
    assert isinstance(override.find(7, TRAINED), Refused)
    hub.put("ghost")
    hub.events[-1]["actor"] = None  # the account was deleted
    assert isinstance(override.find(7, TRAINED), Refused)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Override: a", "a"),
        ("Fixes it.\r\n\r\n  OVERRIDE:  two  words \r\nmore", "two words"),
        ("override: `x` | <b> @everyone", "`x` | <b> @everyone"),
        ("Override: a\u2028b\x85c", "a b c"),
        ("Override: " + "x" * 500, "x" * 500),
    ],
)
def test_the_reason_is_one_line_of_the_text(hub: FakeGitHub, text: str, reason: str) -> None:
    hub.put("mona")
    hub.text = text
    assert override.find(7, TRAINED) == Asked("mona", reason)


@pytest.mark.parametrize("text", [None, "", "Override:", "Override:   \nnext line", "We override: x", "<!--\nOverride: your reason\n-->"])
def test_no_reason(hub: FakeGitHub, text: str | None) -> None:
    hub.put("mona")
    hub.text = text
    assert override.find(7, TRAINED) == Refused("the pull request's text has no line 'Override: <reason>'")


def test_a_reason_of_any_length_is_no_reason(hub: FakeGitHub) -> None:
    hub.put("mona")
    hub.text = "Override: " + "x" * 501
    assert override.find(7, TRAINED) == Refused("the reason in the line 'Override: <reason>' has 501 characters; say it in 500")


def test_github_down_is_no_refusal(hub: FakeGitHub) -> None:
    hub.put("mona")
    hub.broken = GitHubError("GitHub refused it", 502)
    with pytest.raises(GitHubError):
        override.find(7, TRAINED)


# ---- the issue about a main that is not promoted ----
DIGEST = f"sha256:{'a' * 64}"


@pytest.fixture
def main(commit: Callable[..., str], hub: FakeGitHub) -> Callable[..., None]:
    """Main with version 4 in production and newer inputs; call it with a verdict and reasons for a review of them."""
    first = commit("inputs", params_dot_yaml="seed: 0\n")
    named = Pointer("churn", 4, DIGEST, store.configured().address(DIGEST), first, "mona")
    pointer.write(Path("models/production.yaml"), named)
    commit("promotion")
    commit("more inputs", params_dot_yaml="seed: 1\n")

    def judged(verdict: str, *reasons: str, model: str = "churn") -> None:
        Path("reports").mkdir(exist_ok=True)
        review = {"verdict": verdict, "reasons": reasons, "model": model, "digest": f"sha256:{'b' * 64}"}
        Path("reports/review.json").write_text(json.dumps(review))
        hold_issue.update()

    return judged


def test_one_issue_is_kept_up_to_date(hub: FakeGitHub, main: Callable[..., None]) -> None:
    main("hold", "roc_auc 0.79 is 0.01 short of 0.80")
    main("cannot judge", "the candidate gives NaN")
    (issue,) = hub.issues
    assert issue["title"] == "Main is not promoted: churn"
    assert "**cannot judge**" in issue["body"]
    assert "`the candidate gives NaN`" in issue["body"]
    assert "short" not in issue["body"]
    assert f"Version 4, `{DIGEST}`, stays" in issue["body"]


def test_what_came_from_data_pings_nobody(hub: FakeGitHub, main: Callable[..., None]) -> None:
    main("hold", "`</code> @everyone <script>\n# x")
    (line,) = [line for line in hub.issues[0]["body"].splitlines() if "@everyone" in line]
    assert line == "- `'</code> @everyone <script> # x`"


def test_nothing_is_said_without_a_review_or_after_promotion_was_due(hub: FakeGitHub, main: Callable[..., None]) -> None:
    hold_issue.update()
    main("promote")
    assert hub.issues == []


def test_a_damaged_review_is_one_line(hub: FakeGitHub, main: Callable[..., None]) -> None:
    main("promote")
    Path("reports/review.json").write_text("{")
    with pytest.raises(ProblemError, match=r"^reports/review\.json cannot be read as a review: .*; run `make judge-main` again$"):
        hold_issue.update()


def test_the_issue_is_closed_when_main_is_settled(hub: FakeGitHub, main: Callable[..., None], commit: Callable[..., str]) -> None:
    main("hold", "short")
    commit("back", params_dot_yaml="seed: 0\n")
    hold_issue.update()
    hold_issue.update()
    assert [issue["state"] for issue in hub.issues] == ["closed"]
    assert hub.comments == [(20, f"Main and production agree again: version 4, `{DIGEST}`.")]


def test_a_persons_issue_with_our_mark_is_left_alone(hub: FakeGitHub, main: Callable[..., None], commit: Callable[..., str]) -> None:
    hub.issues.append({"number": 3, "state": "open", "user": {"type": "User"}, "title": "mine", "body": hold_issue.MARK})
    main("hold", "short")
    commit("back", params_dot_yaml="seed: 0\n")
    hold_issue.update()
    assert [(issue["number"], issue["state"]) for issue in hub.issues] == [(3, "open"), (21, "closed")]


def test_a_repository_without_issues_promotes_all_the_same(
    hub: FakeGitHub, main: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    hub.broken = GitHubError("GitHub refused issues: Issues has been disabled", 410)
    main("hold", "short")
    assert "are switched off" in capsys.readouterr().out
    hub.broken = GitHubError("GitHub refused issues", 502)
    with pytest.raises(GitHubError):
        main("hold", "short")
