"""Which run of a workflow the review takes for a pull request's training."""

import pytest
from churn import ProblemError, github
from churn.review import evidence

RUN = {"path": ".github/workflows/train.yml@refs/heads/main", "event": "pull_request", "head_sha": "a" * 40, "conclusion": "success"}


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"path": ".github/workflows/mine.yml", "name": "train"}, "pull_request of .github/workflows/mine.yml"),
        ({"path": "workflows/.github/workflows/train.yml", "name": "train"}, "workflows/.github/workflows/train.yml"),
        ({"event": "push", "name": "train"}, "is push of"),
        ({"event": "workflow_dispatch"}, "is workflow_dispatch of"),
    ],
    ids=["another file with the name of a trusted one", "a file with the end of its path", "a push", "started by hand"],
)
def test_another_run_is_not_judged(monkeypatch: pytest.MonkeyPatch, changed: dict[str, str], named: str) -> None:
    asked: list[str] = []
    monkeypatch.setattr(github, "get", lambda path: asked.append(path) or {**RUN, **changed})
    monkeypatch.setattr(github, "get_all", lambda *_, **__: pytest.fail("nothing more is asked"))
    with pytest.raises(ProblemError, match="it is not judged") as refused:
        evidence.find(7)
    assert named in str(refused.value) and asked == ["actions/runs/7"]


def test_a_run_of_a_pull_request_that_moved_on_is_outdated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(github, "get", lambda _: {**RUN, "name": "another name"})
    monkeypatch.setattr(github, "get_all", lambda *_, **__: [])
    assert evidence.find(7).outdated == "0 open pull requests have aaaaaaaaa as their head, not one"
