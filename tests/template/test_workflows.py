"""How every workflow must be made: those of the template, in place and baked, and the root's own."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ..conftest import ROOT, TEMPLATE, BakedProject

ALLOWED_ACTIONS = json.loads(Path(__file__).with_name("allowed_actions.json").read_text(encoding="utf-8"))
USES = re.compile(r"^\s*(?:- )?uses:\s*(?P<name>[^@\s]+)(?:@(?P<sha>\S+)(?:\s+# (?P<version>\S+))?)?\s*(?:# zizmor: .*)?$", re.MULTILINE)
# A step is one command that a person can type, so nothing that chains, pipes, substitutes or spans lines.
NOT_ONE_COMMAND = re.compile(r"\n|&&|\|\||[;|`]|\$\(")


def workflow_files() -> list[Path]:
    return sorted(path for base in (ROOT, TEMPLATE) for path in (base / ".github" / "workflows").glob("*.y*ml"))


def action_files() -> list[Path]:
    return sorted((TEMPLATE / ".github" / "actions").rglob("action.y*ml"))


def name_of(path: Path) -> str:
    return f"{'template' if TEMPLATE in path.parents else 'root'}:{path.parent.name}/{path.name}"


def load(path: Path) -> dict[str, Any]:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {("on" if key is True else key): value for key, value in content.items()}  # YAML 1.1 reads `on` as true


def steps(path: Path) -> Iterator[dict[str, Any]]:
    content = load(path)
    for job in content.get("jobs", {"composite": content.get("runs", {})}).values():
        yield from job.get("steps", [])


each_workflow = pytest.mark.parametrize("path", workflow_files(), ids=name_of)
each_file = pytest.mark.parametrize("path", [*workflow_files(), *action_files()], ids=name_of)


def test_all_workflows_are_there() -> None:
    names = {name_of(path).partition("/")[2] for path in workflow_files() if TEMPLATE in path.parents}

    assert {"train.yml", "review.yml", "promote.yml", "rollback.yml"} <= names


@each_workflow
def test_workflow_gives_rights_job_by_job(path: Path) -> None:
    workflow = load(path)

    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        assert isinstance(job.get("permissions"), dict), f"job {name} does not say what it may do"
        assert isinstance(job.get("timeout-minutes"), int), f"job {name} has no time limit in whole minutes"
        assert re.fullmatch(r"ubuntu-\d\d\.\d\d", job["runs-on"]), f"job {name}: name the runner's image"


@each_workflow
def test_every_right_has_its_reason(path: Path) -> None:
    rights = re.findall(r"(?m)^ {6}(?:[a-z-]+): (?:read|write)\b(.*)$", path.read_text(encoding="utf-8"))

    assert [reason for reason in rights if not re.match(r"\s+# \S+", reason)] == []


@each_workflow
def test_workflow_is_kept_from_running_beside_itself(path: Path) -> None:
    workflow = load(path)

    assert "concurrency" in workflow or all("concurrency" in job for job in workflow["jobs"].values())


@each_workflow
def test_required_checks_always_run(path: Path) -> None:
    events = load(path)["on"]
    if "pull_request" in events:
        assert not {"paths", "paths-ignore"} & set(events["pull_request"] or {})
        assert "merge_group" in events or TEMPLATE not in path.parents


@each_workflow
def test_only_the_review_hears_of_pull_requests_with_rights(path: Path) -> None:
    """And it never checks one out: its code is that of the default branch, whatever the event."""
    events = load(path)["on"]
    if path != TEMPLATE / ".github/workflows/review.yml":
        assert "pull_request_target" not in events
        return
    assert set(events["pull_request_target"]["types"]) <= {"labeled", "unlabeled", "edited"}
    assert all("ref" not in step.get("with", {}) for step in steps(path) if step.get("uses", "").startswith("actions/checkout"))


@each_file
def test_actions_are_pinned_to_what_was_checked(path: Path) -> None:
    for match in USES.finditer(path.read_text(encoding="utf-8")):
        name, sha, version = match["name"], match["sha"], match["version"]
        if name.startswith("./"):
            assert (TEMPLATE / name / "action.yml").is_file(), f"{name} does not exist"
        else:
            assert ALLOWED_ACTIONS.get(name, {}).get(version) == sha, f"{name}@{sha} # {version} was not checked"
    assert len(USES.findall(path.read_text(encoding="utf-8"))) == sum("uses" in step for step in steps(path))


@each_file
def test_steps_are_one_command_without_expressions(path: Path) -> None:
    for step in steps(path):
        command = step.get("run", "").strip()
        assert "${{" not in command, f"put the value in env: {command}"
        assert not NOT_ONE_COMMAND.search(command), f"make it a target or a function: {command}"


@each_file
def test_steps_run_targets_that_exist(path: Path) -> None:
    makefile = ((TEMPLATE if TEMPLATE in path.parents else ROOT) / "Makefile").read_text(encoding="utf-8")
    targets = {name for line in re.findall(r"(?m)^([\w. -]+):(?!=)", makefile) for name in line.split()}
    for step in steps(path):
        if step.get("run", "").startswith("make "):
            assert step["run"].split()[1] in targets, step["run"]


@each_file
def test_checkouts_say_whether_they_keep_the_token(path: Path) -> None:
    for step in steps(path):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert "persist-credentials" in step.get("with", {}), step


@each_file
def test_inputs_of_local_actions_exist(path: Path) -> None:
    for step in steps(path):
        if step.get("uses", "").startswith("./"):
            declared = load(TEMPLATE / step["uses"] / "action.yml").get("inputs", {})
            assert set(step.get("with", {})) <= set(declared), step


def test_only_jobs_that_publish_nothing_keep_a_cache() -> None:
    """What a pull request's code left in a cache must not reach a job that promotes."""
    jobs = [(path, job) for path in workflow_files() for job in load(path)["jobs"].values()]
    kept = [(path, job) for path, job in jobs if any(_keeps_cache(step.get("with", {})) for step in job["steps"])]

    assert {name_of(path) for path, _ in kept} == {"template:workflows/train.yml"}
    rights = [name for _, job in kept for name, right in job["permissions"].items() if right == "write"]
    assert set(rights) == {"id-token"}, "the role behind it reads the store"


def _keeps_cache(given: dict[str, Any]) -> bool:
    return "true" in (str(given.get(name)).lower() for name in ("cache", "enable-cache"))


@pytest.fixture(params=["template in place", "baked", "root"])
def audited(request: pytest.FixtureRequest, default_repository: BakedProject) -> Path:
    return {"template in place": TEMPLATE, "baked": default_repository.root, "root": ROOT}[request.param]


def tool(name: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a tool that is installed beside this interpreter."""
    command = [str(Path(sys.executable).with_name(name)), *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, encoding="utf-8")


def test_zizmor_finds_nothing(audited: Path) -> None:
    done = tool(
        "zizmor",
        "--offline",
        "--no-progress",
        "--persona=pedantic",
        "--format=json",
        str(audited / ".github"),
        cwd=audited,
    )

    findings = json.loads(done.stdout)
    assert [(f["ident"], f["locations"][0]["symbolic"]["key"]) for f in findings] == []
    assert done.returncode == 0, done.stderr


def test_actionlint_finds_nothing(audited: Path) -> None:
    files = sorted(map(str, (audited / ".github" / "workflows").glob("*.yml")))

    done = tool("actionlint", "-shellcheck=", "-pyflakes=", *files, cwd=audited)

    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_shapes_are_those_of_the_schema() -> None:
    for schema, files in (("github-workflows", workflow_files()), ("github-actions", action_files())):
        done = tool("check-jsonschema", "--builtin-schema", f"vendor.{schema}", *map(str, files), cwd=ROOT)
        assert done.returncode == 0, done.stdout + done.stderr
