"""What a person types and what she sees when she mistypes; nothing is played here."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from rehearse.cli import main
from rehearse.errors import RehearseError
from rehearse.story.mischief import outcomes, plant
from rehearse.story.project import Clone, changes
from rehearse.story.script import NAMES, written
from rehearse.story.terminal import Terminal
from rehearse.story.timeline import Step, Timeline

from ..conftest import BakedProject


def _call(*words: str) -> Result:
    return CliRunner().invoke(main, words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["play", "{tmp}/nowhere"], "is no generated repository: params.yaml is missing; bake one with `cookiecutter`"),
        (["play", "{project}", "--better", "C"], "'C' is no setting; write name=value"),
        (["play", "{project}", "--out", "{project}"], "holds files that no rehearsal made; name another folder with --out"),
        (["shell", "{tmp}/nowhere"], "is no generated repository: params.yaml is missing; bake one with `cookiecutter`"),
        (["wait"], "there is nothing to wait for here; `rehearse shell FOLDER` opens a shell with a local GitHub"),
        (["why", "{tmp}"], "holds no rehearsal: timeline.json is missing"),
    ],
)
def test_a_slip_is_one_line(default_bake: BakedProject, tmp_path: Path, words: list[str], message: str) -> None:
    done = _call(*(word.format(tmp=tmp_path, project=default_bake.root) for word in words))
    assert done.exit_code == 1
    assert done.output.startswith("error: ")
    assert message in done.output
    assert done.output.count("\n") == 1


def test_settings_are_read_as_yaml() -> None:
    assert changes(["a.b=0.5", "c=[x, y]", "d=No"]) == {"a.b": 0.5, "c": ["x", "y"], "d": "No"}


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("{C: 1.0, max_iter: 1000}", {"model.parameters.C": [0.5, 0.3, 0.00001, 0.7]}),
        ("{learning_rate: 0.1, max_iter: 100}", {"model.parameters.max_iter": [120, 140, 1, 110]}),
        ("{n_estimators: 10}", {"model.parameters.n_estimators": [12, 14, 1, 11]}),
    ],
)
def test_changes_that_nobody_gave_suit_the_model(tmp_path: Path, parameters: str, expected: dict[str, list[float]]) -> None:
    (tmp_path / "params.yaml").write_text(f"model:\n  parameters: {parameters}\n")
    script = written(tmp_path, {})
    assert {name: [vars(script)[field][name] for field in ("first", "second", "worse", "fork")] for name in expected} == expected
    assert written(tmp_path, {"better": ("model.seed=1",)}).first == {"model.seed": 1}


def test_a_model_that_the_story_does_not_know_asks_for_its_changes(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("model:\n  parameters: {depth: 3}\n")
    with pytest.raises(RehearseError, match=r"has none of C, n_estimators, max_iter; say what to change: --better model\.parameters\.NAME"):
        written(tmp_path, {})
    assert written(tmp_path, dict.fromkeys(NAMES, ("model.parameters.depth=2",))).worse == {"model.parameters.depth": 2}


def test_parameters_change_and_comments_stay(default_bake: BakedProject, tmp_path: Path) -> None:
    project = default_bake.copy(tmp_path / "project")
    before = project.text("params.yaml").splitlines()
    clone = Clone(project.root, {})
    clone.set_params({"model.parameters.C": 0.25})
    after = project.text("params.yaml").splitlines()
    assert [(old, new) for old, new in zip(before, after, strict=True) if old != new] == [
        ("  parameters: {C: 1.0, max_iter: 1000}", "  parameters: {C: 0.25, max_iter: 1000}")
    ]
    with pytest.raises(RehearseError, match=r"params\.yaml has no 'model\.parameters\.D'"):
        clone.set_params({"model.parameters.D": 1})


def test_the_mischief_asks_for_every_right(default_bake: BakedProject, tmp_path: Path) -> None:
    project = default_bake.copy(tmp_path / "project")
    plant(project.root)
    train = project.yaml(".github/workflows/train.yml")
    assert train["permissions"] == "write-all"
    assert train["jobs"]["train"]["permissions"]["contents"] == "write"
    assert any(step.get("name") == "Mischief" for step in train["jobs"]["train"]["steps"])


def test_outcomes_are_read_from_a_log() -> None:
    log = "x | mischief: secret: 0 characters\nx | mischief: push: refused\nmischief: store: done\n"
    assert outcomes(log) == {"secret": "0 characters", "push": "refused", "store": "done"}


def test_a_failure_is_told_with_the_command_that_explains_it(tmp_path: Path) -> None:
    timeline = Timeline(tmp_path / "timeline.json")
    timeline.add(Step("1 bake", True, 0.2, None, 0, "baked"))
    timeline.add(Step("2 first push", False, 9.0, None, 0, "no workflow ran"))
    console = Console(record=True, width=120)
    Terminal(console).end(timeline, tmp_path)
    assert " why " in console.export_text()
    logs = tmp_path / "world/logs"
    logs.mkdir(parents=True)
    (logs / "run-1.log").write_text("[promote/promote] Failure - it broke\n")
    told = _call("why", str(tmp_path))
    assert told.exit_code == 0
    assert "2 first push: no workflow ran" in told.output
    assert "it broke" in told.output


def test_the_timeline_is_on_disk_after_each_step(tmp_path: Path) -> None:
    timeline = Timeline(tmp_path / "out" / "timeline.json")
    timeline.add(Step("1 bake", True, 0.2, None, 0, "baked"))
    (entry,) = json.loads((tmp_path / "out" / "timeline.json").read_text())
    assert entry == {"step": "1 bake", "ok": True, "seconds": 0.2, "digest": None, "trained_stages": 0, "detail": "baked"}
    assert timeline.ok
