"""The template's news in a repository that people have worked in."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from uv import find_uv_bin

from ..conftest import QUESTIONS, BakedProject, Baker
from .conftest import NEXT, NOW, Cruft, contents, is_here, need, releases

PATH = f"{Path(find_uv_bin()).parent}{os.pathsep}{os.environ['PATH']}"
Bakes = Callable[[str], BakedProject]
NEWEST, *_, OLDEST = releases()
# An answer of each kind: one that changes a file, one that changes lines, some that bring files or take them away.
SWITCHED = {"licence": "Apache-2.0", "store": "s3://models/churn", "deploy": "flux", "notify": "slack"}
OTHER = {name: answer for name, answer in SWITCHED.items() if name in QUESTIONS}


def _edit(project: BakedProject, name: str, old: str, new: str) -> None:
    text = project.text(name)
    assert old in text, name
    (project.root / name).write_text(text.replace(old, new, 1), encoding="utf-8")


def _commit(project: BakedProject) -> None:
    project.run("git", "add", "--all")
    project.run("git", "commit", "--quiet", "--message", "Ours")


def _status(project: BakedProject) -> str:
    return project.run("git", "status", "--porcelain").stdout


def _work(project: BakedProject) -> None:
    """What a team does in its repository."""
    _edit(project, "params.yaml", "parameters: {C: 1.0, ", "parameters: {C: 0.25, ")
    _edit(project, "src/churn/features.py", '"""', '"""Ours. ')
    _edit(project, "README.md", "## Five things people do\n", "Ask in #churn.\n\n## Five things people do\n")
    _edit(project, ".github/workflows/train.yml", "timeout-minutes: 60", "timeout-minutes: 90")
    (project.root / "deploy/grafana/dashboard.json").unlink()
    (project.root / "src/churn/ours.py").write_text('"""Ours."""\n')
    _commit(project)


def _is_kept(project: BakedProject) -> None:
    assert yaml.safe_load(project.text("params.yaml"))["model"]["parameters"]["C"] == 0.25
    assert project.text("src/churn/features.py").startswith('"""Ours. ')
    assert "\nAsk in #churn.\n\n## Five things people do\n" in project.text("README.md")
    assert yaml.safe_load(project.text(".github/workflows/train.yml"))["jobs"]["train"]["timeout-minutes"] == 90
    assert not (project.root / "deploy/grafana/dashboard.json").exists()
    assert project.text("src/churn/ours.py") == '"""Ours."""\n'


def test_cruft_and_cookiecutter_make_the_same_bytes(cruft: Cruft, fresh: Bakes, default_bake: BakedProject) -> None:
    ours = fresh(NOW)
    assert contents(ours) == contents(default_bake)
    assert cruft.is_up_to_date(ours, NOW) and not cruft.is_up_to_date(ours, NEXT)
    assert cruft(ours.root, "diff").strip() == ""


@pytest.mark.parametrize("version", [OLDEST, NOW])
def test_a_repository_that_nobody_changed_becomes_a_fresh_bake(cruft: Cruft, fresh: Bakes, repository: Bakes, version: str) -> None:
    need(version)
    newer = NEXT if version == NOW else NOW
    project = repository(version)

    cruft.update(project, newer)

    assert contents(project) == contents(fresh(newer))
    assert cruft.is_up_to_date(project, newer)


@pytest.mark.parametrize("version", [NEWEST, NOW])
def test_work_is_kept_and_news_arrive(cruft: Cruft, fresh: Bakes, repository: Bakes, version: str) -> None:
    need(version)
    newer = NEXT if version == NOW else NOW
    project = repository(version)
    _work(project)

    shown = cruft.update(project, newer)

    _is_kept(project)
    assert project.files("**/*.rej") == [] and "\nU" not in f"\n{_status(project)}", shown
    assert cruft.is_up_to_date(project, newer)
    news = contents(fresh(newer))
    edited = {"params.yaml", "src/churn/features.py", "README.md", ".github/workflows/train.yml"}
    gone = {"deploy/grafana/dashboard.json"}
    assert {name: content for name, content in contents(project).items() if name not in edited | {"src/churn/ours.py"}} == {
        name: content for name, content in news.items() if name not in edited | gone
    }
    if version == (NEWEST if is_here(NEWEST) else NOW):
        _its_own_checks_pass(project)


def _its_own_checks_pass(project: BakedProject) -> None:
    project.run("make", "setup", PATH=PATH)
    project.run("make", "lint", PATH=PATH)
    project.run(".venv/bin/python", "-c", "from churn import params, params_check; params.load()")
    project.run(".venv/bin/python", "-m", "pytest", "tests/test_contract.py")


def test_the_same_line_changed_on_both_sides_is_marked_in_the_file(cruft: Cruft, repository: Bakes) -> None:
    project = repository(NOW)
    _edit(project, ".gitignore", "# Environments and what tools leave behind\n", "# Ours\n")
    _commit(project)

    shown = cruft.update(project, NEXT)

    assert "Applied patch to '.gitignore' with conflicts." in shown
    assert "UU .gitignore\n" in _status(project)
    marked = project.text(".gitignore").split("=======\n")
    assert "# Ours\n" in marked[0] and "# What tools leave behind\n" in marked[1]
    assert project.files("**/*.rej") == []
    assert (project.root / "src/churn/later.py").exists()


def test_what_git_cannot_merge_lies_beside_the_file_and_is_named(cruft: Cruft, fresh: Bakes, tmp_path: Path) -> None:
    """Where a file was changed before its first commit, git does not know what was generated."""
    project = fresh(NOW).copy(tmp_path / "telco-churn")
    _edit(project, ".gitignore", "# Environments and what tools leave behind\n", "# Ours\n")
    project.git_init()
    _edit(project, "tests/test_export.py", '"""', '"""Ours. ')
    _commit(project)

    shown = cruft.update(project, NEXT)

    assert project.text(".gitignore").startswith("# Ours\n")
    assert "\n+# What tools leave behind\n" in project.text(".gitignore.rej")
    assert [path.name for path in project.files("**/*.rej")] == [".gitignore.rej"]
    assert "patch failed: .gitignore:1\n" in shown
    assert "patch failed: tests/test_export.py:1\n" in shown and project.text("tests/test_export.py").startswith('"""Ours. ')
    assert "cadence:" in project.text("Makefile")


def test_answers_are_switched_on_and_off(cruft: Cruft, repository: Bakes, baker: Baker, tmp_path: Path) -> None:
    project, baked = repository(NOW), baker.bake(tmp_path / "baked", **OTHER)
    first = json.loads(project.text(".cruft.json"))["context"]["cookiecutter"]
    for each in (project, baked):
        _edit(each, "params.yaml", "parameters: {C: 1.0, ", "parameters: {C: 0.25, ")
    _commit(project)
    before = contents(project)

    cruft.update(project, NOW, **OTHER)
    assert contents(project) == contents(baked) != before
    _commit(project)
    cruft.update(project, NOW, **{name: first[name] for name in OTHER})
    assert contents(project) == before


def test_who_runs_on_kubernetes_keeps_its_manifests_by_saying_so(cruft: Cruft, repository: Bakes) -> None:
    """As CHANGELOG.md has it for v0.5.0: promotion has written into an overlay that the default answers no longer bring."""
    need("v0.4.0")
    project = repository("v0.4.0")
    overlay = "deploy/kubernetes/overlays/production/kustomization.yaml"
    (project.root / overlay).write_text(project.text(overlay) + "# promoted\n", encoding="utf-8")
    _commit(project)

    cruft.update(project, NOW, **({"deploy": "flux"} if "deploy" in QUESTIONS else {}))

    assert project.text(overlay).endswith("# promoted\n") and (project.root / "deploy/kubernetes/flux.yaml").exists()
    assert project.files("**/*.rej") == [] and "\nU" not in f"\n{_status(project)}"


def test_a_repository_made_by_cookiecutter_can_be_linked(cruft: Cruft, fresh: Bakes, default_bake: BakedProject, tmp_path: Path) -> None:
    project = default_bake.copy(tmp_path / "telco-churn").git_init()

    shown = cruft(project.root, "link", "--checkout", NOW, str(cruft.template), answer="\n" * (len(QUESTIONS) + 1))

    assert all(f"[{number}/{len(QUESTIONS)}]" in shown for number in range(1, len(QUESTIONS) + 1)), shown
    _commit(project)
    assert cruft.is_up_to_date(project, NOW) and cruft(project.root, "diff").strip() == ""
    cruft.update(project, NEXT)
    assert contents(project) == contents(fresh(NEXT))
