"""What a change needs, and what must stay out of a commit."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from churn import ProblemError, plan

Commit = Callable[..., str]
Git = Callable[..., str]
PROJECT = Path(plan.__file__).parents[2]


@pytest.mark.parametrize(
    ("name", "trains"),
    [
        ("params.yaml", True),
        ("dvc.yaml", True),
        ("data/telco_churn.csv", True),
        ("data/x.dvc", True),
        ("requirements/train.txt", True),
        ("src/churn/model.py", True),
        ("src/churn/my_new_module.py", True),
        ("src/churn/pipeline/train.py", True),
        ("README.md", False),
        ("docs/a.md", False),
        ("requirements/serve.txt", False),
        ("requirements/batch.txt", False),
        ("requirements/adopt.txt", False),
        ("src/churn/adopt/decide.py", False),
        ("src/churn/telling.py", False),
        ("src/churn/serving/app.py", False),
        ("src/churn/review/judge.py", False),
        ("src/churn/scoring/work.py", False),
        ("src/churn/pointer.py", False),
        ("models/production.yaml", False),
        ("dvc.lock", False),
        (".github/workflows/train.yml", False),
        ("tests/test_model.py", False),
    ],
)
def test_what_trains(name: str, trains: bool) -> None:
    assert plan.needs_training([name]) is trains
    assert plan.needs_training(["README.md", name]) is trains


def test_every_dependency_of_the_pipeline_trains() -> None:
    stages = yaml.safe_load((PROJECT / "dvc.yaml").read_text())["stages"]
    outs = [out for stage in stages.values() for out in [*stage.get("outs", []), *stage.get("metrics", [])]]
    made = {out if isinstance(out, str) else next(iter(out)) for out in outs}
    for name in {dep for stage in stages.values() for dep in stage["deps"]} - made:
        assert plan.needs_training([name.replace("${data.path}", "data/telco_churn.csv")]), name


def _pointer(current: str, *held: str) -> str:
    rows = "".join(f"- version: 2\n  commit: {commit}\n" for commit in held)
    return f"version: 1\ncommit: {current}\nheld:\n{rows}" if held else f"version: 1\ncommit: {current}\nheld: []\n"


def test_push_promotes_what_was_neither_promoted_nor_held(git: Git, commit: Commit) -> None:
    first = commit(params_dot_yaml="C: 1\n")
    assert plan.plan_push() == {"promote": True}, "nothing was promoted yet"
    commit(models__production_dot_yaml=_pointer(first))
    assert plan.plan_push() == {"promote": False}
    second = commit(params_dot_yaml="C: 2\n")
    assert plan.plan_push() == {"promote": True}
    commit(models__production_dot_yaml=_pointer(first, second))
    commit(README_dot_md="docs\n")
    assert plan.plan_push() == {"promote": False}, "a documentation merge after a rollback changes nothing"
    commit(params_dot_yaml="C: 3\n")
    assert plan.plan_push() == {"promote": True}


def test_push_takes_up_a_promotion_that_was_cut_off(git: Git, commit: Commit) -> None:
    first = commit(params_dot_yaml="C: 1\n")
    commit(models__production_dot_yaml=_pointer(first))
    commit(params_dot_yaml="C: 2\n")
    commit(README_dot_md="docs\n")
    assert plan.plan_push() == {"promote": True}


def test_introduced_is_the_commit_that_brought_the_inputs(git: Git, commit: Commit) -> None:
    commit(params_dot_yaml="C: 1\n")
    second = commit(params_dot_yaml="C: 2\n")
    commit(README_dot_md="docs\n")
    commit(models__production_dot_yaml="version: 1\n")
    assert plan.introduced() == second


def test_guard_keeps_promoted_files_out_and_drop_takes_them_off(git: Git, commit: Commit) -> None:
    commit(dvc_dot_lock="main\n", models__metrics_dot_json="{}\n")
    git("checkout", "-q", "-b", "work")
    Path("dvc.lock").write_text("mine\n")
    Path("models/card.md").write_text("mine\n")
    git("add", "-A")
    with pytest.raises(ProblemError, match=r"dvc\.lock, models/card\.md: only promotion commits these.*make drop-promoted"):
        plan.guard()
    plan.drop()
    plan.guard()
    assert Path("dvc.lock").read_text() == "main\n"
    assert not Path("models/card.md").exists()
    assert git("status", "--porcelain") == ""


def test_guard_lets_main_be_merged(git: Git, commit: Commit) -> None:
    commit(dvc_dot_lock="one\n")
    git("checkout", "-q", "-b", "work")
    git("checkout", "-q", "main")
    commit(dvc_dot_lock="two\n")
    git("checkout", "-q", "work")
    git("checkout", "main", "--", "dvc.lock")
    plan.guard()
