"""The two commands of README that no test can type, for they take minutes or hold this test: what is named in their place is the same."""

import os
import re
import subprocess
import tomllib
from importlib.metadata import entry_points
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from rehearse import cli
from rehearse.story.script import Script, written
from rehearse.story.timeline import Timeline

from ..conftest import ROOT, BakedProject
from .blocks import read

# Not in a folder of `testpaths`, but run by one: tests/template/test_generated.py.
WITHIN = {"tests/generated"}


def make(*words: str, **variables: str) -> str:
    """What make prints for these words, as in an environment of its own."""
    clean = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "ARGS", "JOBS")}
    return subprocess.run(["make", *words], cwd=ROOT, env=clean | variables, capture_output=True, text=True, check=True).stdout


def made(target: str) -> str:
    """The last command that make would run for a target."""
    return make("-n", target).splitlines()[-1].strip()


def test_they_are_the_only_ones() -> None:
    commands = [command for block in read(ROOT / "README.md") if block.left_out for command in block.commands]
    assert [re.sub(r"\s+#.*", "", command.text) for command in commands] == ["make demo", "make test"]


def test_the_demo_plays_the_story_that_is_tested(default_bake: BakedProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As tests/story/conftest.py does: the default bake, the changes that suit it, with a drift, every step."""
    assert made("demo") == ".venv/bin/rehearse demo"
    (program,) = entry_points(group="console_scripts", name="rehearse")
    assert program.load() is cli.main

    played: list[tuple[dict[str, bytes], Script, bool]] = []

    def stage(project: Path, *_: Any) -> SimpleNamespace:
        return SimpleNamespace(project=project, hub=SimpleNamespace(listeners=[]), close=lambda: None)

    def story(stage: SimpleNamespace, script: Script, out: Path, _: Any, *, drift: bool) -> SimpleNamespace:
        files = BakedProject(stage.project)
        timeline = Timeline(out / "timeline.json")

        def play() -> Timeline:
            played.append(({name: (files.root / name).read_bytes() for name in files.names()}, script, drift))
            return timeline

        return SimpleNamespace(timeline=timeline, play=play)

    monkeypatch.setattr(cli, "Stage", stage)
    monkeypatch.setattr(cli, "Story", story)
    done = CliRunner().invoke(cli.main, ["demo", "--out", str(tmp_path / "demo")])

    assert done.exit_code == 0, done.output
    expected = {name: (default_bake.root / name).read_bytes() for name in default_bake.names()}
    assert played == [(expected, written(default_bake.root, {}), True)]


def test_the_judgement_is_all_tests_and_this_one() -> None:
    """`.ci/run` is `make test`, the workflow runs it, and no folder of tests is left out."""
    assert re.fullmatch(r"OMP_NUM_THREADS=1 \.venv/bin/pytest -n \d+ --dist loadfile", made("test"))
    assert (ROOT / ".ci/run").read_text(encoding="utf-8").rstrip().endswith("&& exec make test")
    workflow = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text(encoding="utf-8"))
    assert workflow["jobs"]["tests"]["steps"][-1]["run"] == ".ci/run"

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"]
    folders = {path.parent.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py")}
    assert set(settings["testpaths"]) == folders - WITHIN


def test_words_for_a_command_reach_no_makefile_below_it() -> None:
    """A baked project has ARGS of its own; ``ARGS=... make test`` made its trainings fail."""
    shown = make("--eval", 'shown: ; @echo "$(ARGS) $${ARGS-unset}"', "shown", ARGS="-k")
    assert shown.split() == ["-k", "unset"]
