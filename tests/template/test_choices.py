"""What a choice brings into a bake, beside files that come and go."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from uv import find_uv_bin

from ..conftest import BakedProject, Baker
from .test_pairs import CHOICES


def test_python_and_runner_reach_every_place(baker: Baker, tmp_path: Path) -> None:
    project = baker.bake(tmp_path, python="3.13", runner="self-hosted, linux")

    assert tomllib.loads(project.text("pyproject.toml"))["project"]["requires-python"] == ">=3.13"
    assert "FROM python:3.13-slim-bookworm AS base\n" in project.text("deploy/Dockerfile")
    assert project.yaml(".github/actions/setup/action.yml")["runs"]["steps"][0]["with"] == {"python-version": "3.13"}
    assert "You need Python 3.13 or newer" in project.text("README.md")
    assert "3.11" not in project.text("Makefile") and "(3, 13)" in project.text("Makefile")
    jobs = [job for path in project.files(".github/workflows/*.yml") for job in project.yaml(str(path))["jobs"].values()]
    assert jobs and all(job["runs-on"] == ["self-hosted", "linux"] for job in jobs)


@pytest.mark.parametrize(
    ("notify", "words"),
    [("slack", "goes to Slack, once `gh secret set SLACK_WEBHOOK`"), ("webhook", "once `gh secret set WEBHOOK_URL`")],
)
def test_who_is_told_is_the_receiver_of_alerts_and_of_messages(baker: Baker, tmp_path: Path, notify: str, words: str) -> None:
    project = baker.bake(tmp_path, notify=notify)

    route = project.yaml("deploy/prometheus/alertmanager.yml")["route"]
    assert [route["receiver"], route["routes"][0]["receiver"]] == [notify, notify]
    assert "alerting" in project.yaml("deploy/prometheus/prometheus.yml")
    assert "alertmanager" in project.yaml("deploy/compose.yaml")["services"]
    assert words in project.text("README.md")


def test_where_nobody_is_told_nothing_names_a_receiver(default_bake: BakedProject) -> None:
    assert "alerting" not in default_bake.yaml("deploy/prometheus/prometheus.yml")
    assert "alertmanager" not in default_bake.text("deploy/compose.yaml")


@pytest.mark.parametrize("python", CHOICES["python"])
@pytest.mark.parametrize("lock", ["adopt", "batch", "serve"])
def test_locks_resolve_for_every_python_that_can_be_chosen(default_bake: BakedProject, tmp_path: Path, python: str, lock: str) -> None:
    """``adopt`` holds ``train``. All of it comes as wheels, but for one library of DVC's that is pure Python."""
    command = [find_uv_bin(), "pip", "install", "--dry-run", "--quiet", "--python", sys.executable, "--python-version", python]
    command += ["--target", str(tmp_path), "--only-binary", ":all:", "--no-binary", "antlr4-python3-runtime"]
    done = subprocess.run(
        [*command, "--require-hashes", "--requirement", f"requirements/{lock}.txt"], cwd=default_bake.root, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
