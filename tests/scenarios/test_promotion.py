"""When a merge promotes nothing: main is not what was measured, or nothing whole was. The rest is played in test_life."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from scenarios import ScenarioError
from scenarios.promote import promote
from scenarios.references import collect

from .conftest import STAGE, metrics, prepared

PULL = {"number": 5, "merged_at": "2026-11-22T00:00:00Z", "head": {"sha": "a" * 40, "repo": {"full_name": "acme/template"}}}


@pytest.fixture
def main(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone of a main with one toy scenario and its references; what the merged pull request measured is in ``brought``."""
    folder = tmp_path / "main"
    outs = [{f"models/${{key}}/{name}": {"cache": False}} for name in ("production.yaml", "card.md", "metrics.json")]
    files = {
        "params.yaml": yaml.safe_dump({"scenarios": {"binary": {"answers": {}}}}),
        "dvc.yaml": yaml.safe_dump({"stages": {"card": {"foreach": "${scenarios}", "do": STAGE | {"outs": outs}}}}),
        ".dvc/config": "[core]\n    analytics = false\n",
        ".gitignore": "/build/\n/.dvc/tmp/\n/.dvc/cache/\n",
    } | prepared("binary", metrics())
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/template")
    for words in (["git", "init", "-q", "-b", "main"], ["dvc", "repro", "-q"], ["git", "add", "."], _commit("First")):
        subprocess.run(words, check=True)
    collect(["binary"])
    shutil.move("build/measured", tmp_path / "brought")

    def download(_: int, __: str, into: Path) -> bool:
        shutil.copytree(tmp_path / "brought", into)
        return True

    monkeypatch.setattr("scenarios.github.get", lambda _: [PULL])
    monkeypatch.setattr("scenarios.github.every", lambda *_: [{"id": 7}])
    monkeypatch.setattr("scenarios.github.download_artifact", download)
    return folder


def _commit(message: str) -> list[str]:
    return ["git", "-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qam", message]


def _status() -> str:
    return subprocess.run(["git", "status", "--porcelain"], capture_output=True, text=True, check=True).stdout


def test_measurements_of_another_main_are_not_promoted(main: Path) -> None:
    (main / "prepared/binary/card.md").write_text("# Another\n", encoding="utf-8")
    subprocess.run(_commit("Main moved on"), check=True)
    (main.parent / "brought/binary/card.md").write_text("# Measured\n", encoding="utf-8")

    told = promote("b" * 40)

    assert told == "nothing promoted: main's prepared/binary is not what #5 was measured with; run `make references`"
    assert _status() == ""


def test_what_main_has_already_is_no_commit(main: Path) -> None:
    assert promote("b" * 40) == "nothing to promote: the references of binary are main's already"
    assert _status() == ""


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("card.md", None, "the artifact scenarios has no binary/card.md: that scenario did not come to its end; run `make references`"),
        (
            "metrics.json",
            json.dumps(metrics() | {"digest": "x"}),
            "binary/metrics.json of the artifact is not what `make references` writes",
        ),
    ],
)
def test_what_is_not_whole_changes_nothing(main: Path, name: str, text: str | None, message: str) -> None:
    path = main.parent / "brought/binary" / name
    path.unlink() if text is None else path.write_text(text, encoding="utf-8")

    with pytest.raises(ScenarioError) as error:
        promote("b" * 40)
    assert str(error.value).startswith(message)
    assert _status() == ""


@pytest.mark.parametrize(
    ("pulls", "words"),
    [
        ([], "came by no pull request"),
        ([PULL | {"merged_at": None}], "came by no pull request"),
        ([PULL | {"head": {"sha": "a" * 40, "repo": None}}], "#5 came from a fork"),
    ],
)
def test_a_push_that_nothing_was_measured_for_says_so(pulls: list[dict[str, Any]], words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/template")
    monkeypatch.setattr("scenarios.github.get", lambda _: pulls)

    assert words in promote("b" * 40)
