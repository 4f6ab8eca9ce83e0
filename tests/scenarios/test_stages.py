"""What the stages of a scenario refuse, and which inputs count as changed; the stages themselves are run by `make references`."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from scenarios import ScenarioError
from scenarios.clock import Lap, spread, timed, told, yardstick
from scenarios.measure import steps
from scenarios.references import changed_inputs
from scenarios.settings import Scenario
from scenarios.stages import baked, make_bake

from ..conftest import ROOT


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"projekt_name": "X"}, "params.yaml: scenarios.toy.answers: nothing asks for projekt_name; there are "),
        ({"project_slug": "no good"}, "params.yaml: scenarios.toy.answers: the project cannot be baked: "),
    ],
)
def test_answers_that_the_template_refuses_are_told(
    answers: dict[str, str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ScenarioError) as error:
        make_bake(Scenario("toy", answers))
    assert str(error.value).startswith(message)


def test_a_bake_has_its_answers_and_a_fingerprint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    toy = Scenario("toy", {"project_name": "Late Trains", "licence": "proprietary"})

    make_bake(toy)

    assert baked(toy) == Path("build/toy/baked/late-trains")
    before = Path("build/toy/baked.sha256").read_text(encoding="utf-8")
    assert "build/toy/baked/late-trains/params.yaml" in before
    make_bake(toy)
    assert Path("build/toy/baked.sha256").read_text(encoding="utf-8") == before


@pytest.mark.parametrize(
    ("entries", "changed"),
    [
        ([{"changed deps": {"hooks": "modified", "build/a/baked.sha256": "deleted"}}], ["hooks"]),
        ([{"changed deps": {"build/a/train.json": "deleted"}}, {"changed outs": {"build/a/metrics.json": "deleted"}}], []),
        ([{"changed outs": {"models/a/card.md": "modified"}}], ["models/a/card.md"]),
        (["changed command"], ["dvc.yaml"]),
        ([{"changed deps": {"params.yaml": {"scenarios.a.answers": "modified"}}}], ["params.yaml"]),
    ],
    ids=["an input", "what lies in between", "a reference", "a command", "answers"],
)
def test_references_are_made_of_what_git_keeps(entries: list[Any], changed: list[str]) -> None:
    assert changed_inputs({"card@a": entries}) == changed


def test_every_stage_watches_the_code_that_makes_it() -> None:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    deps = {name: {str(one) for one in stage["do"]["deps"]} for name, stage in stages.items()}

    assert list(stages) == ["bake", "train", "rehearse", "measure", "card"]
    assert all((ROOT / path).exists() for paths in deps.values() for path in paths if not path.startswith("build/"))
    assert {"cookiecutter.json", "hooks", "templates", "{{cookiecutter.project_slug}}"} <= deps["bake"]
    assert {"bench/load.py", "bench/servers.py", "bench/rivals/hello.py"} <= deps["measure"]
    assert "src/rehearse" in deps["rehearse"] and "src/rehearse" not in deps["train"]
    assert [stage["do"]["cmd"] for stage in stages.values()] == [f"python -m scenarios run {name} ${{key}}" for name in stages]


def test_a_command_is_timed_and_one_that_fails_says_its_last_words(tmp_path: Path) -> None:
    lap = timed(["sh", "-c", "sleep 0.2; i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"], tmp_path, tmp_path / "log")
    assert 0 < lap.processor_seconds < lap.seconds

    with pytest.raises(ScenarioError) as error:
        timed(["sh", "-c", "echo one; echo two; exit 3"], tmp_path, tmp_path / "log")
    assert str(error.value).startswith("`sh -c echo one; echo two; exit 3` ended with 3 in ") and ": two; its log: " in str(error.value)


def test_the_yardstick_is_a_work_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scenarios.clock.TURNS", 1)

    assert all(lap.processor_seconds > 0 for lap in yardstick(tmp_path / "log"))


def test_laps_are_told_by_their_median_and_their_ends() -> None:
    assert told([Lap(3.0, 1.0), Lap(1.0, 1.0), Lap(2.0, 4.0)]) == {
        "seconds": {"median": 2.0, "lowest": 1.0, "highest": 3.0},
        "processor_seconds": spread([1.0, 1.0, 4.0]),
    }


def test_steps_are_known_by_their_names(tmp_path: Path) -> None:
    (tmp_path / "timeline.json").write_text(json.dumps([{"step": "7 worse model", "seconds": 4.5}]), encoding="utf-8")

    assert steps(tmp_path / "timeline.json") == {"worse model": 4.5}
    with pytest.raises(ScenarioError, match=r"gone.json cannot be read: .*; run `make references`"):
        steps(tmp_path / "gone.json")
