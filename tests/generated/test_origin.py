"""Which train run a commit on main comes from: the merge queue's, the pull request's, or none."""

from typing import Any

import pytest
from churn import github
from churn.registry import origin

MAIN, HEAD = "a" * 40, "b" * 40
OURS, FORK = {"full_name": "acme/churn"}, {"full_name": "mallory/churn"}


class Hub:
    """What GitHub lists."""

    def __init__(self) -> None:
        self.pulls = [
            {"number": 7, "merge_commit_sha": MAIN, "merged_at": "now", "head": {"sha": HEAD, "repo": OURS}, "base": {"repo": OURS}}
        ]
        self.runs: dict[tuple[str, str], list[int]] = {}
        self.statuses: dict[str, list[tuple[str, str | None]]] = {}

    def get_all(self, path: str, key: str | None = None, **query: Any) -> list[dict[str, Any]]:
        if path == f"commits/{MAIN}/pulls":
            return self.pulls
        if path == "actions/workflows/train.yml/runs":
            assert query["status"] == "success"
            return [{"id": number, "created_at": f"at {number}"} for number in self.runs.get((query["head_sha"], query["event"]), [])]
        sha = path.removeprefix("commits/").removesuffix("/statuses")
        told = self.statuses.get(sha, [])
        return [{"id": place, "context": "model review", "state": state, "description": text} for place, (state, text) in enumerate(told)]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    made = Hub()
    made.runs[HEAD, "pull_request"] = [4, 9, 5]
    made.statuses[HEAD] = [("failure", "hold"), ("success", "promote sha256:one")]
    monkeypatch.setattr(github, "get_all", made.get_all)
    return made


def test_the_newest_run_of_the_merged_head_and_what_its_review_promised(hub: Hub) -> None:
    assert origin.find(MAIN) == origin.Origin(7, 9, "sha256:one", None, "at 9")


def test_a_status_without_words_promises_nothing(hub: Hub) -> None:
    hub.statuses[HEAD].append(("success", None))
    assert origin.find(MAIN) == origin.Origin(7, 9, None, None, "at 9")


def test_a_merge_queue_trained_and_judged_the_very_commit(hub: Hub) -> None:
    hub.runs[MAIN, "merge_group"] = [12]
    hub.statuses[MAIN] = [("success", "promote sha256:two")]
    assert origin.find(MAIN) == origin.Origin(7, 12, "sha256:two", None, "at 12")


def test_a_fork_hands_over_nothing_through_a_merge_queue_either(hub: Hub) -> None:
    hub.runs[MAIN, "merge_group"] = [12]
    hub.pulls[0]["head"]["repo"] = FORK
    found = origin.find(MAIN)
    assert (found.run_id, found.reviewed) == (None, "sha256:one")
    assert "fork" in (found.reason or "")


@pytest.mark.parametrize("newest", [("error", "promote sha256:one"), ("success", "nothing to judge")])
def test_a_review_that_promised_nothing_is_no_promise(hub: Hub, newest: tuple[str, str]) -> None:
    hub.statuses[HEAD].append(newest)
    assert origin.find(MAIN).reviewed is None


def test_a_commit_without_its_pull_request_or_run_is_trained_on_main(hub: Hub) -> None:
    hub.runs.clear()
    assert origin.find(MAIN).reason == "the pull request has no successful train run"
    hub.pulls[0]["merge_commit_sha"] = HEAD
    assert origin.find(MAIN) == origin.Origin(reason="the commit is no merge of a pull request")
