"""The files for the people who work in a generated repository: each is valid, and all that it names is there."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ..conftest import ROOT, TEMPLATE, BakedProject, Baker

FOR_PEOPLE = [".github/CONTRIBUTING.md", ".github/SECURITY.md", ".github/pull_request_template.md", ".pre-commit-config.yaml"]
MAKE = re.compile(r"`make ([a-z-]+)")


def _targets(project: BakedProject) -> set[str]:
    """What ``make`` can be asked for."""
    lines = re.findall(r"(?m)^([a-z][a-z -]*):(?!=)", project.text("Makefile"))
    return {name for line in lines for name in line.split()}


def _forms(project: BakedProject) -> list[Path]:
    return project.files(".github/ISSUE_TEMPLATE/*")


@pytest.mark.parametrize("schema", ["dependabot", "github-issue-forms"])
def test_github_takes_them(default_bake: BakedProject, schema: str) -> None:
    dependabot = [default_bake.root / ".github/dependabot.yml", ROOT / ".github/dependabot.yml"]
    files = dependabot if schema == "dependabot" else _forms(default_bake)
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")

    assert files and done.returncode == 0, done.stdout + done.stderr


def test_issue_forms_show_what_they_hold(default_bake: BakedProject) -> None:
    """GitHub shows no form whose name, field or label is there twice."""
    forms = [default_bake.yaml(str(path.relative_to(default_bake.root))) for path in _forms(default_bake)]

    assert len({form["name"] for form in forms}) == len(forms) == 3
    for form in forms:
        fields = [field for field in form["body"] if field["type"] != "markdown"]
        assert len({field["id"] for field in fields}) == len({field["attributes"]["label"] for field in fields}) == len(fields)
        assert any(field.get("validations", {}).get("required") for field in fields)


def test_dependabot_waits_and_finds_something_everywhere(default_bake: BakedProject) -> None:
    updates = {entry["package-ecosystem"]: entry for entry in default_bake.yaml(".github/dependabot.yml")["updates"]}
    using = {"/", *(f"/{path.parent.parent.relative_to(default_bake.root)}/*" for path in default_bake.files("**/action.yml"))}

    assert all(entry["cooldown"]["default-days"] >= 7 for entry in updates.values())
    assert set(updates) == {"github-actions", "pip", "docker", "docker-compose"}
    assert set(updates["github-actions"]["directories"]) == using
    locks = {str(path.parent.relative_to(default_bake.root)) for path in default_bake.files("**/*.txt")}
    assert {updates["pip"]["directory"]} == {f"/{folder}" for folder in locks}
    assert updates["docker"]["directory"] == updates["docker-compose"]["directory"] == "/deploy"
    # It reads an image's name, and none that stands in an ARG.
    assert re.search(r"(?m)^FROM python:[\w.-]+(@sha256:[0-9a-f]{64})? AS base$", default_bake.text("deploy/Dockerfile"))


def test_code_owners_own_what_is_there(default_bake: BakedProject) -> None:
    rules = [line.split() for line in default_bake.text(".github/CODEOWNERS").splitlines() if line and not line.startswith("#")]
    made_by_promotion = {"/models/"}
    lost = [path for path, *_ in rules if path not in made_by_promotion and not (default_bake.root / path.strip("/")).exists()]

    assert rules and lost == []
    assert all(re.fullmatch(r"@[\w-]+", owner) for _, *owners in rules for owner in owners)


def test_the_container_for_development_is_the_image_that_serves_with_tools(default_bake: BakedProject) -> None:
    container = json.loads(default_bake.text(".devcontainer/devcontainer.json"))
    dockerfile = default_bake.text("deploy/Dockerfile")
    base = re.search(r"(?m)^FROM (python:[\d.]+)-slim(-\w+)", dockerfile)

    assert base and container["image"] == base[1] + base[2]
    assert container["postCreateCommand"].removeprefix("make ") in _targets(default_bake)
    assert [f"EXPOSE {port}" in dockerfile for port in container["forwardPorts"]] == [True]


def test_the_container_has_the_projects_python(baker: Baker, tmp_path: Path) -> None:
    project = baker.bake(tmp_path, python="3.13")

    assert json.loads(project.text(".devcontainer/devcontainer.json"))["image"] == "python:3.13-bookworm"
    assert "FROM python:3.13-slim-bookworm" in project.text("deploy/Dockerfile")


def test_commands_and_files_that_they_name_are_there(default_bake: BakedProject) -> None:
    targets, package = _targets(default_bake), default_bake.package.name
    made = {"dvc.lock", "sbom.cdx.json", "models/metrics.json", "models/card.md", "models/production.yaml"}
    for name in [*FOR_PEOPLE, *(str(path.relative_to(default_bake.root)) for path in _forms(default_bake))]:
        text = default_bake.text(name)
        assert set(MAKE.findall(text)) <= targets, name
        for link in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
            assert (default_bake.root / name).parent.joinpath(link).exists(), f"{name}: {link}"
        for path in re.findall(r"`([\w./-]+(?:/|\.[a-z]+(?:\.[a-z]+)?))`", text):
            beside = (default_bake.root / "src" / package / path).exists()
            assert path in made or beside or (default_bake.root / path).exists(), f"{name}: {path}"


def test_workflows_that_people_start_take_what_the_readme_says(default_bake: BakedProject) -> None:
    commands = re.findall(r"`gh workflow run (\S+)((?: -f \S+)*)`", default_bake.text("README.md"))

    assert commands
    for name, words in commands:
        inputs = default_bake.yaml(f".github/workflows/{name}")[True]["workflow_dispatch"]["inputs"]  # YAML 1.1 reads `on` as true
        for key, value in (word.split("=") for word in words.replace("-f", "").split()):
            assert key in inputs, f"{name}: {key}"
            assert value in inputs[key].get("options", [value]), f"{name}: {key}={value}"


def test_the_roots_own_files_name_what_is_there() -> None:
    targets = set(re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8")))
    for name in ("CONTRIBUTING.md", "SECURITY.md"):
        text = (ROOT / ".github" / name).read_text(encoding="utf-8")
        assert set(MAKE.findall(text)) <= targets, name
        for link in re.findall(r"\]\((?!https?:)([^)#]+)", text):
            assert (ROOT / ".github" / link).exists(), f"{name}: {link}"
        for path in re.findall(r"`([\w./{}-]+/[\w./-]*)`", text):
            assert (ROOT / path).exists() or (TEMPLATE / path).exists(), f"{name}: {path}"


def test_security_says_every_secret(default_bake: BakedProject) -> None:
    jobs = "".join(path.read_text(encoding="utf-8") for path in default_bake.files(".github/workflows/*"))
    of_github = set(re.findall(r"secrets\.([A-Z_]+)", jobs))
    table = [line for line in default_bake.text(".github/SECURITY.md").splitlines() if line.startswith("| `")]

    assert {name for line in table for name in re.findall(r"`([A-Z_]+)`", line.split("|")[1])} == of_github | {"SERVING_TOKEN"}


def test_the_pull_request_template_explains_an_override_and_asks_for_none(default_bake: BakedProject) -> None:
    program = "import sys; from {0}.review import override as o; t = sys.stdin.read(); print(o.LABEL in t, o._LINE.search(t))"
    done = subprocess.run(
        [sys.executable, "-c", program.format(default_bake.package.name)],
        env=os.environ | {"PYTHONPATH": str(default_bake.root / "src"), "PYTHONDONTWRITEBYTECODE": "1"},
        input=default_bake.text(".github/pull_request_template.md"),
        capture_output=True,
        text=True,
    )

    assert (done.stdout, done.stderr) == ("True None\n", "")


def test_files_are_as_editors_are_told(default_bake: BakedProject) -> None:
    for path in default_bake.files():
        name = path.relative_to(default_bake.root).as_posix()
        if not name.startswith("data/"):
            text = path.read_text(encoding="utf-8")
            assert path.suffix == ".j2" or not re.search(r"(?m)[ \t]$", text), f"{name}: a line ends with blanks"
            assert name == "Makefile" or not re.search(r"(?m)^\t", text), f"{name}: a tab"
