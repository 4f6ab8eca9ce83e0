"""A root repository on the local GitHub: everything of this one, but its scenarios take a second and come out as a test says."""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearse import LocalGitHub, World

from ..conftest import ROOT
from ..rehearse.conftest import Desk

_LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", "build", "tests", "pictures", "tests.yml", "__pycache__", "*_cache", "tmp", "models", "dvc.lock"
)
SCENARIOS = ("binary", "regression")
STAGE = {"cmd": "mkdir -p models/${key} && cp prepared/${key}/* models/${key}", "deps": ["prepared/${key}"]}

# Jobs find this environment instead of installing it again. A rehearsal with other libraries takes many minutes: what it finds is a file.
TARGETS = f"""
.venv/.ready:
\t@ln -sfn {sys.prefix} .venv
weekly:
\t@mkdir -p build/weekly && cp prepared/finding.json build/weekly/
"""


def metrics(headline: float = 0.85, *, digest: str = "a", processor: float = 10.0, seconds: float = 12.0, **changed: Any) -> dict[str, Any]:
    """What the measuring stage writes, of a machine on which the yardstick takes half a second."""

    def three(value: float) -> dict[str, float]:
        return {"median": value, "lowest": value * 0.9, "highest": value * 1.1}

    stick = {"name": "0123abcd on Python 3.11", "seconds": three(0.5), "processor_seconds": three(0.5)}
    waits = {name: {"seconds": three(seconds), "yardstick": stick} for name in ("pull_request", "merge_to_served")}
    works = {name: {"processor_seconds": three(processor)} | waits["pull_request"] for name in ("train", "rehearsal")}
    found = {
        "digest": f"sha256:{digest * 64}",
        "headline": "roc_auc",
        "lower_is_better": ["log_loss"],
        "quality": {"roc_auc": headline, "log_loss": 0.4},
        "times": waits | works,
        "serving": {"ratio": 2.0, "lowest": 1.9, "highest": 2.1},
        "files": 230,
        "lines": 39000,
        "image_mb": None,
    }
    return found | changed


def prepared(name: str, found: dict[str, Any]) -> dict[str, str]:
    """The files that make a scenario of the toy repository come out so."""
    return {
        f"prepared/{name}/metrics.json": json.dumps(found),
        f"prepared/{name}/production.yaml": "version: 2\n",
        f"prepared/{name}/card.md": "# Card\n",
    }


class Root:
    """The repository acme/template with one person's clone."""

    def __init__(self, world: World, hub: LocalGitHub, folder: Path) -> None:
        self.world, self.hub = world, hub
        self.repo = hub.create_repository("acme", "template")
        self.desk = Desk(world, self.repo, hub.person("mona", write_to=["acme/template"]), folder)
        shutil.copytree(ROOT, folder, ignore=_LEFT_OUT, dirs_exist_ok=True)
        limits = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["tolerance"]
        params = {"scenarios": {name: {"answers": {}} for name in SCENARIOS}, "tolerance": limits}
        outs = [{f"models/${{key}}/{name}": {"cache": False}} for name in ("production.yaml", "card.md", "metrics.json")]
        stages = {"card": {"foreach": "${scenarios}", "do": STAGE | {"outs": outs}}}
        files = {
            "params.yaml": yaml.safe_dump(params),
            "dvc.yaml": yaml.safe_dump({"stages": stages}),
            "CHANGELOG.md": "## v1.0.0\n\n- First.\n",
        }
        for name in SCENARIOS:
            files |= prepared(name, metrics())
        files["Makefile"] = (folder / "Makefile").read_text(encoding="utf-8") + TARGETS
        self.desk.commit("main", files, "First commit [skip ci]")

    def pull(self, branch: str, files: dict[str, str]) -> int:
        """A pull request from main with these files; the number of it, when its runs have ended."""
        self.desk.run("git", "fetch", "-q", "origin")
        self.desk.run("git", "checkout", "-q", "-B", branch, "origin/main")
        self.desk.commit(branch, files)
        number = self.repo.open_pull(head=branch, title=branch, author="mona")
        self.hub.wait_idle(600)
        return number

    def merge(self, number: int) -> Any:
        """Merge a pull request; the run of promote.yml."""
        self.repo.merge(number, actor="mona")
        self.hub.wait_idle(600)
        return self.runs("promote.yml")[-1]

    def runs(self, workflow: str) -> list[Any]:
        """The runs of a workflow file so far."""
        return [run for run in self.repo.runs if run.workflow == workflow]

    def status(self, sha: str) -> tuple[str, str]:
        """State and words of the newest status of a commit."""
        (newest,) = [one for one in self.repo.statuses(sha) if one.context == "scenarios"][-1:]
        return newest.state, newest.description


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Root]:
    folder = tmp_path_factory.mktemp("root")
    world = World.create(folder / "world")
    with LocalGitHub(world) as hub:
        yield Root(world, hub, folder / "desk")
