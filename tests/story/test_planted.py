"""Pull requests with something planted in them, judged by main: merge skew, forgeries, loosened gates, overrides.

They play on a stage of their own: version 1 is promoted, main's one gate is an ROC AUC of at least 0.83. Without the columns of
``HALF`` or without those of ``OTHER_HALF`` the default model has about 0.84, without both 0.82; ``WORSE`` has 0.74.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from rehearse import Refused
from rehearse.story.project import Clone
from rehearse.story.stage import PERSON, Stage

from ..conftest import BakedProject
from . import forged

pytestmark = pytest.mark.slow

GATES = [{"metric": "roc_auc", "min": 0.83}]
HALF = ("contract",)
OTHER_HALF = ("tenure", "total_charges")
WORSE = {"model.estimator": "HistGradientBoostingClassifier", "model.parameters": {"max_iter": 1, "max_depth": 1}}
LABEL = "promote anyway"
FORGED = [*forged.WORKFLOWS, forged.MAKEFILE]
READER = "rita"


@dataclass
class Planted:
    """The stage, and the pull requests on it by the name of their branch."""

    stage: Stage
    features: Mapping[str, list[str]]
    numbers: dict[str, int] = field(default_factory=dict)

    def without(self, *columns: str) -> dict[str, Any]:
        """The parameter change that takes columns away from the model, and gives it all others."""
        return {f"features.{kind}": [name for name in names if name not in columns] for kind, names in self.features.items()}

    def open(self, branch: str, settings: Mapping[str, Any], edit: Callable[[Path], object] | None = None, body: str = "") -> int:
        """A pull request with parameter changes, and with what ``edit`` does to the working tree."""
        clone = self.stage.clone
        clone.branch(branch)
        clone.set_params(settings)
        if edit is not None:
            edit(clone.folder)
        clone.commit(branch)
        clone.push(branch)
        self.numbers[branch] = self.stage.repository.open_pull(head=branch, title=branch, body=body, author=PERSON)
        return self.numbers[branch]

    def status(self, branch: str) -> tuple[str, str]:
        """State and description of the required status of a branch's head."""
        found = self.stage.status(self.stage.head(branch))
        return (found.state, found.description) if found else ("", "")

    def comment(self, branch: str) -> str:
        """The one comment on a branch's pull request."""
        (found,) = self.stage.repository.comments(self.numbers[branch])
        return found.body

    def version(self) -> int:
        """The version in production."""
        return int((self.stage.pointer() or {})["version"])


def _say_yes(folder: Path) -> None:
    """Let the pull request's own review code promote whatever it is asked about."""
    (path,) = folder.glob("src/*/review/judge.py")
    text = path.read_text(encoding="utf-8")
    yes = r"\1    return Review(verdict='promote', digest='sha256:' + '0' * 64)\n"
    text, count = re.subn(r'(def judge_run\(.*?"""\n)', yes, text, count=1, flags=re.DOTALL)
    assert count == 1
    path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def planted(default_bake: BakedProject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    project = default_bake.copy(tmp_path_factory.mktemp("project") / default_bake.root.name)
    Clone(project.root, {}).set_params({"gates": GATES})
    stage = Stage(project.root, tmp_path_factory.mktemp("planted"), print)
    try:
        stage.hub.person(READER)
        stage.clone.push("main")
        assert [run.conclusion for run in stage.settle().runs] == ["success"]
        stage.repository.protect("main", required_statuses=["model review"])
        yield Planted(stage, project.yaml("params.yaml")["features"])
    finally:
        stage.close()


@pytest.fixture(scope="module")
def opened(planted: Planted) -> Planted:
    """Every planted pull request, opened at once and judged."""
    planted.open("half", planted.without(*HALF))
    planted.open("other-half", planted.without(*OTHER_HALF))
    planted.open("loosened", WORSE | {"gates": [{"metric": "roc_auc", "min": 0.5}]})
    planted.open("says-yes", WORSE, _say_yes)
    for case in FORGED:
        planted.open(case, WORSE, partial(forged.rewrite, case=case))
    planted.open("held", WORSE, body="A model that the law asks for.")
    planted.stage.settle()
    return planted


def test_a_loosened_gate_judges_nothing_before_it_is_merged(opened: Planted) -> None:
    state, description = opened.status("loosened")
    assert state == "failure"
    assert "0.83" in description
    assert "short" in description
    assert "gates" in opened.comment("loosened"), "the comment shows that the gates change"


def test_review_code_that_says_yes_is_not_asked(opened: Planted) -> None:
    state, description = opened.status("says-yes")
    assert state == "failure"
    assert "short" in description
    comment = opened.comment("says-yes")
    assert "Hold" in comment.splitlines()[0]
    assert "review/judge.py" in comment
    assert "0" * 64 not in comment


@pytest.mark.parametrize("case", FORGED)
def test_a_rewritten_machine_makes_nothing_that_is_judged(opened: Planted, case: str) -> None:
    state, description = opened.status(case)
    assert state == "failure"
    assert description.startswith("cannot judge: ")
    comment = opened.comment(case)
    assert "Cannot judge" in comment.splitlines()[0]
    assert ("Makefile" if case == forged.MAKEFILE else forged.TRAIN) in comment
    assert "pull request of its own" in comment


def test_two_that_each_pass(opened: Planted) -> None:
    for branch in ("half", "other-half"):
        assert opened.status(branch)[0] == "success", opened.status(branch)


def _label(planted: Planted, actor: str) -> None:
    repository, number = planted.stage.repository, planted.numbers["held"]
    if LABEL in repository.pull(number).labels:
        repository.unlabel(number, LABEL, PERSON)
    repository.label(number, LABEL, actor)
    planted.stage.settle()


def test_other_labels_and_readers_override_nothing(opened: Planted) -> None:
    opened.stage.repository.label(opened.numbers["held"], "question", actor=PERSON)
    assert [run.conclusion for run in opened.stage.settle().runs] == ["skipped"]
    _label(opened, READER)
    assert opened.status("held")[0] == "failure"
    assert f"was put by {READER}, who has no write access" in opened.comment("held")


def test_an_override_needs_a_reason(opened: Planted) -> None:
    _label(opened, PERSON)
    assert opened.status("held")[0] == "failure"
    assert "has no line 'Override: <reason>'" in opened.comment("held")


REASON = "the old model may not be used from Monday on"


def test_a_reason_makes_it_green_and_loud(opened: Planted) -> None:
    opened.stage.repository.edit_pull(opened.numbers["held"], PERSON, body=f"A model that the law asks for.\n\nOverride: {REASON}\n")
    opened.stage.settle()
    state, description = opened.status("held")
    assert (state, description.startswith("promote sha256:")) == ("success", True), description
    comment = opened.comment("held")
    assert REASON in comment
    assert PERSON in comment
    assert "**The gates are overridden** by `mona`" in comment
    assert "short" in comment, "what the gates said stays readable"


@pytest.fixture(scope="module")
def skewed(opened: Planted) -> Planted:
    """The first of two is merged; the second went through the merge queue, and then past it, with the status it had."""
    repository = opened.stage.repository
    repository.merge(opened.numbers["half"], actor=PERSON)
    opened.stage.settle()
    assert opened.version() == 2
    return opened


def test_a_merge_queue_judges_them_together(skewed: Planted) -> None:
    stage, number = skewed.stage, skewed.numbers["other-half"]
    before = stage.head("main")
    tested = stage.repository.merge_group(number)
    stage.settle()
    status = stage.status(tested)
    assert (status.state, "short" in status.description) == ("failure", True), status.description
    with pytest.raises(Refused, match='"model review" is no success'):
        stage.repository.land(number, tested)
    assert stage.head("main") == before


@pytest.fixture(scope="module")
def stopped(skewed: Planted) -> Planted:
    """Both are merged, so main fails its own gate."""
    skewed.stage.repository.merge(skewed.numbers["other-half"], actor=PERSON)
    (run,) = skewed.stage.settle().of("promote.yml")
    assert run.conclusion == "failure"
    return skewed


def _issues(planted: Planted) -> list[Any]:
    return [issue for issue in planted.stage.repository.issues if issue.title.startswith("Main is not promoted: ")]


def test_together_they_stop_at_the_gate_on_main(stopped: Planted) -> None:
    """The old model stays, and one issue says why."""
    assert stopped.version() == 2
    (issue,) = _issues(stopped)
    assert (issue.state, issue.author) == ("open", "github-actions[bot]")
    assert "hold" in issue.body
    assert "short" in issue.body
    assert "Version 2" in issue.body
    assert stopped.stage.head("main") in issue.body


def test_a_fix_is_promoted_and_closes_the_issue(stopped: Planted) -> None:
    stage = stopped.stage
    number = stopped.open("fix", stopped.without(*OTHER_HALF))
    stage.repository.auto_merge(number)
    played = stage.settle()
    assert {run.conclusion for run in played.runs} == {"success"}, [(run.workflow, str(run.log)) for run in played.runs]
    assert stopped.version() == 3
    (issue,) = _issues(stopped)
    assert issue.state == "closed"
    (comment,) = stage.repository.comments(issue.number)
    assert "version 3" in comment.body


def test_a_new_push_ends_the_override(stopped: Planted) -> None:
    stage, clone = stopped.stage, stopped.stage.clone
    clone.git("checkout", "-q", "held")
    clone.set_params({"model.parameters.max_iter": 2})
    clone.commit("Another one")
    clone.push("held")
    stage.settle()
    assert stopped.status("held")[0] == "failure"
    assert "before the candidate of this push was trained; take it off and put it on again" in stopped.comment("held")


def test_an_overridden_model_is_promoted_and_says_so(stopped: Planted) -> None:
    stage, before = stopped.stage, stopped.version()
    _label(stopped, PERSON)
    assert stopped.status("held")[0] == "success"
    reviewed = stopped.status("held")[1].removeprefix("promote ")
    stage.repository.merge(stopped.numbers["held"], actor=PERSON)
    played = stage.settle()
    assert {run.conclusion for run in played.runs} == {"success"}
    pointer = stage.pointer() or {}
    assert (pointer["version"], pointer["digest"]) == (before + 1, reviewed)
    assert pointer["override"] == {"by": PERSON, "reason": REASON}
