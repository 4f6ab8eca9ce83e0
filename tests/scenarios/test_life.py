"""The root's own pull requests and merges, played with its own workflow files."""

import json
import os
import subprocess
import sys
from pathlib import Path

import yaml

from ..rehearse.conftest import Desk
from .conftest import SCENARIOS, Root, metrics, prepared


def test_a_first_pull_request_becomes_the_references(root: Root) -> None:
    number = root.pull("first", {"README.md": "Hello.\n"})

    assert [(run.workflow, run.conclusion) for run in root.repo.runs] == [("scenarios.yml", "success"), ("report.yml", "success")]
    [comment] = root.repo.comments(number)
    assert comment.body.startswith("## ✅ Scenarios: none of 2 scenarios got worse")
    assert "Main has no reference" in comment.body
    assert root.status(root.repo.pulls[number].head_sha) == ("success", "none of 2 scenarios got worse")
    promoted = root.merge(number)
    assert promoted.jobs == {"references": "success", "starter": "skipped", "release": "success"}, promoted.text()
    assert {name: root.repo.read(f"models/{name}/metrics.json") for name in SCENARIOS} == dict.fromkeys(
        SCENARIOS, prepared("binary", metrics())["prepared/binary/metrics.json"]
    )
    assert set(yaml.safe_load(root.repo.read("dvc.lock"))["stages"]) == {f"card@{name}" for name in SCENARIOS}
    assert [(release.tag_name, release.body) for release in root.repo.releases] == [("v1.0.0", "- First.")]


def test_a_worse_scenario_is_told_and_a_second_push_mends_it(root: Root) -> None:
    number = root.pull("worse", prepared("binary", metrics(0.8, digest="b")))
    first = root.repo.pulls[number].head_sha
    [before] = root.repo.comments(number)
    assert before.body.startswith("## ❌ Scenarios: binary: roc_auc (headline) worse")
    assert root.status(first) == ("failure", "binary: roc_auc (headline) worse")
    assert [run.conclusion for run in root.repo.runs[-2:]] == ["success", "success"], "to be worse is no defect of a workflow"

    second = root.desk.commit("worse", prepared("binary", metrics(0.86, digest="c")))
    root.hub.wait_idle(600)
    [after] = root.repo.comments(number)
    assert (after.id, after.edits) == (before.id, 1)
    assert root.status(second) == ("success", "none of 2 scenarios got worse")
    assert "`roc_auc` (headline) | 0.8600 | 0.8500 | +0.0100 | 0.0017 worse | ✅ better" in after.body
    root.merge(number)
    assert '"roc_auc": 0.86' in root.repo.read("models/binary/metrics.json")


def test_a_new_clone_makes_no_references_again(root: Root, tmp_path: Path) -> None:
    root.desk.run("git", "clone", "-q", root.repo.url, str(tmp_path / "clone"))
    command = [sys.executable, "-m", "scenarios.references"]
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}

    done = subprocess.run(command, cwd=tmp_path / "clone", env=environment, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("the references are made of what is here already")
    assert sorted(path.name for path in (tmp_path / "clone/build/measured").iterdir()) == ["binary", "dvc.lock", "regression"]


def test_a_pipeline_that_fails_is_told_and_writes_nothing(root: Root) -> None:
    number = root.pull(
        "broken",
        prepared("binary", metrics(0.9))
        | {"dvc.yaml": root.repo.read("dvc.yaml").replace("mkdir -p models/${key}", "test ${key} = binary")},
    )

    assert root.runs("scenarios.yml")[-1].conclusion == "failure"
    [comment] = root.repo.comments(number)
    assert "regression was not measured: its pipeline did not come to an end" in comment.body
    assert "The pipeline did not come to an end: [its log](https://github.com/acme/template/actions/runs/" in comment.body
    assert root.status(root.repo.pulls[number].head_sha) == ("failure", "not measured: regression")


def test_a_fork_is_measured_read_only_and_reported(root: Root, tmp_path: Path) -> None:
    fork = root.hub.fork("acme/template", owner="mallory")
    desk = Desk(root.world, fork, root.hub.person("mallory", write_to=["mallory/template"]), tmp_path / "fork")
    desk.commit("gift", prepared("regression", metrics(0.87, digest="d")))
    number = root.repo.open_pull(head="mallory:gift", title="gift", author="mallory")
    root.hub.wait_idle(600)

    assert len(root.repo.comments(number)) == 1
    assert root.runs("scenarios.yml")[-1].fork
    promoted = root.merge(number)
    assert "came from a fork, whose measurements are not taken over; run `make references`" in promoted.text()
    assert '"roc_auc": 0.85' in root.repo.read("models/regression/metrics.json")


def test_what_the_weekly_run_finds_is_one_issue_until_it_heals(root: Root) -> None:
    broken = {"upgraded": {"numpy": ["2.4", "2.5"]}, "culprits": {"numpy": ["2.4", "2.5"]}, "problem": "5 merge: boom", "tries": 3}
    worse = broken | {"culprits": {"onnx": ["1.23", "1.24"]}}

    for finding, title, state in (
        (broken, "A bake does not work with numpy 2.5", "open"),
        (worse, "A bake does not work with onnx 1.24", "open"),
        (broken | {"problem": ""}, "A bake does not work with onnx 1.24", "closed"),
    ):
        root.desk.run("git", "fetch", "-q", "origin")
        root.desk.run("git", "checkout", "-q", "-B", "main", "origin/main")
        root.desk.commit("main", {"prepared/finding.json": json.dumps(finding)}, "Finding [skip ci]")
        run = root.repo.dispatch("weekly.yml", actor="mona")
        root.hub.wait_idle(600)
        assert run.conclusion == "success", run.text()
        [issue] = root.repo.issues
        assert (issue.title, issue.state) == (title, state)


def test_nothing_went_elsewhere_and_no_right_was_missing(root: Root) -> None:
    assert root.hub.refused == []
    assert root.hub.denied == []
