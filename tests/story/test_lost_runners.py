"""A promotion whose runner is lost, three times on end, with the real workflow files: the next run takes up what is left.

It plays on a stage of its own. The same kills and some seventy more, without a workflow around them, are in ``tests/faults``.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from rehearse.story.project import Clone
from rehearse.story.stage import PERSON, Stage

from ..conftest import BakedProject

pytestmark = pytest.mark.slow

LOST = (
    ("push refs/dvc/store", "during"),
    ("push refs/heads/main", "after"),
    (r"PATCH releases/\d+", "before"),
)


@pytest.fixture(scope="module")
def merged(default_bake: BakedProject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, str]]:
    """Version 1 is promoted; a pull request is judged. The stage, and the digest that was reviewed."""
    stage = Stage(default_bake.root, tmp_path_factory.mktemp("lost"), print)
    try:
        stage.clone.push("main")
        assert [run.conclusion for run in stage.settle().runs] == ["success"]
        stage.repository.protect("main", required_statuses=["model review"])
        _pull_request(stage)
        yield stage, stage.status(stage.head("tune")).description.removeprefix("promote ")
    finally:
        stage.close()


def _pull_request(stage: Stage) -> None:
    clone: Clone = stage.clone
    clone.branch("tune")
    clone.set_params({"model.parameters.C": 0.5})
    clone.commit("Tune")
    clone.push("tune")
    stage.repository.open_pull(head="tune", title="Tune", body="", author=PERSON)
    assert {run.conclusion for run in stage.settle().runs} == {"success"}


def _state(stage: Stage) -> dict[str, Any]:
    pointer = stage.pointer() or {}
    released = {one.tag_name: one.draft for one in stage.repository.releases}
    return {"version": pointer["version"], "stored": stage.stored_digest(pointer["digest"]) == pointer["digest"], "drafts": released}


def test_a_promotion_that_loses_its_runner_three_times_ends_as_if_nothing_had_happened(merged: tuple[Stage, str]) -> None:
    stage, reviewed = merged
    hub, repository = stage.hub, stage.repository
    told = []
    for request, moment in LOST:
        hub.interrupt(request, moment, lambda: hub.lose("promote.yml"))  # type: ignore[arg-type]
        if told:
            repository.dispatch("promote.yml", actor=PERSON)
        else:
            repository.merge(1, PERSON)
        (run,) = stage.settle().of("promote.yml")
        hub.clear_faults()
        assert (run.conclusion, run.message) == ("failure", "the runner was lost")
        told.append(_state(stage))
    assert [one["version"] for one in told] == [1, 2, 2], "lost after the push, the pointer is there"
    assert all(one["stored"] for one in told), "a pointer names a bundle that is stored whole, at any moment"
    assert [one["drafts"].get("churn@v2.0.0") for one in told] == [None, True, True], "nobody sees half a release"

    repository.dispatch("promote.yml", actor=PERSON)
    (run,) = stage.settle().of("promote.yml")
    assert run.conclusion == "success", run.text()[-2000:]
    assert (stage.pointer() or {})["digest"] == reviewed
    assert _state(stage) == {"version": 2, "stored": True, "drafts": {"churn@v1.0.0": False, "churn@v2.0.0": False}}
    newest = {one.environment: (one.state, one.payload["digest"]) for one in repository.deployments}
    assert newest == {"staging": ("success", reviewed), "production": ("success", reviewed)}
    assert not [one for one in repository.deployments if one.state in ("queued", "pending", "in_progress")]
    history = stage.clone.git("log", "--format=%s", "origin/main", "--", "models/production.yaml")
    assert len(history.splitlines()) <= 2, history

    repository.dispatch("promote.yml", actor=PERSON)
    before = stage.ref("refs/heads/main")
    assert [run.conclusion for run in stage.settle().runs] == ["success"]
    assert stage.ref("refs/heads/main") == before, "one more run changes nothing"
