"""What a pull request changes beside data, whose approval that needs, and the claims of its run."""

from pathlib import Path

import msgspec
import pytest
from churn import bundle, params
from churn.review import Change, Estimate, Metric, changes, claims, exam
from planted import changed, default, make, telco

CODEOWNERS = b"""\
# Whoever may change the rules.
*.md            @writers
/.github/       @mona @hubot
/params.yaml    @mona
/src/*/review/  @mona   # judges
docs/           @writers
"""


@pytest.mark.parametrize(
    ("files", "owners"),
    [
        (["README.md", "docs/a/b.txt"], ["@writers"]),
        ([".github/workflows/train.yml"], ["@mona", "@hubot"]),
        (["src/churn/review/judge.py"], ["@mona"]),
        (["src/churn/model.py", "data/x.csv", "my.github/x"], []),
        (["params.yaml", "README.md", "params.yaml"], ["@mona", "@writers"]),
        ([".github/notes.md"], ["@mona", "@hubot"]),
    ],
)
def test_owners_of_changed_files(files: list[str], owners: list[str]) -> None:
    assert changes.owners(CODEOWNERS, files) == owners
    assert changes.owners(None, files) == []


def test_libraries_that_changed_are_named_once() -> None:
    old = b"numpy==2.4.6 \\\n    --hash=sha256:aa\npandas==3.1.1 ; python_version >= '3.11' \\\n    --hash=sha256:bb\nscipy==1.17.1\n"
    new = b"numpy==2.4.7 \\\n    --hash=sha256:cc\npandas==3.1.1 ; python_version >= '3.11' \\\n    --hash=sha256:bb\njoblib==1.6.0\n"
    assert changes.dependencies(old, new) == [
        Change("joblib", None, "1.6.0"), Change("numpy", "2.4.6", "2.4.7"), Change("scipy", "1.17.1", None),
    ]  # fmt: skip
    assert changes.dependencies(None, None) == []


def test_parameters_features_and_gates_are_told_apart() -> None:
    chosen = default()
    theirs = changed(
        chosen,
        model=changed(chosen.model, parameters={"C": 0.5, "max_iter": 1000}),
        features=changed(chosen.features, numeric=chosen.features.numeric[1:]),
        gates=chosen.gates[1:],
    )
    assert [change.name for change in changes.parameters(chosen, theirs)] == ["model.parameters.C", "gates"]
    assert changes.features(chosen, theirs) == [Change(chosen.features.numeric[0], "numeric", None)]
    (gates,) = [change for change in changes.parameters(chosen, theirs) if change.name == "gates"]
    assert "metric: roc_auc, min: 0.8}" in str(gates.main)
    assert "metric: roc_auc, min: 0.8}" not in str(gates.candidate)


def test_a_rewritten_workflow_is_named() -> None:
    assert changes.rewritten(["params.yaml", "src/churn/model.py", "docs/Makefile"]) is None
    told = str(changes.rewritten(["params.yaml", ".github/actions/setup/action.yml", "Makefile"]))
    assert "changes .github/actions/setup/action.yml, Makefile, so the candidate can be anything" in told
    (condition,) = exam.origin(told)
    assert (condition.outcome, condition.detail) == ("cannot be judged", told)
    assert exam.origin(None) == []


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> bundle.Bundle:
    return make(tmp_path_factory.mktemp("claims") / "bundle", default(), telco())


def _metrics(folder: Path, digest: str, **values: float | None) -> Path:
    (folder / "metrics.json").write_bytes(msgspec.json.encode({"digest": digest, "metrics": values}))
    return folder


def test_claims_that_hold(tmp_path: Path, made: bundle.Bundle) -> None:
    judged = [Metric("roc_auc", Estimate(0.85)), Metric("f1", Estimate(None)), Metric("profit", Estimate(3.0))]
    folder = _metrics(tmp_path, made.digest, roc_auc=0.85, f1=None, profit=99.0)
    assert claims.problem(folder, made, default(), judged) is None


@pytest.mark.parametrize(
    ("stated", "digest"),
    [({"roc_auc": 0.86}, None), ({}, None), ({"roc_auc": None}, None), ({"roc_auc": "high"}, None), ({"roc_auc": 0.85}, "sha256:0")],
)
def test_metrics_that_do_not_hold(tmp_path: Path, made: bundle.Bundle, stated: dict[str, float], digest: str | None) -> None:
    folder = _metrics(tmp_path, digest or made.digest, **stated)
    told = claims.problem(folder, made, default(), [Metric("roc_auc", Estimate(0.85))])
    assert "metrics.json of the candidate" in str(told)


def test_a_bundle_of_other_parameters_is_another_model(tmp_path: Path, made: bundle.Bundle) -> None:
    theirs = changed(default(), seed=7, model=changed(default().model, parameters={"C": 0.5}))
    assert "differ in seed, parameters; train it again" in str(claims.problem(tmp_path, made, theirs, []))
    columns = default().columns | {"tenure": params.ColumnRule("integer", min=0, max=99)}
    assert "its contract is not the one" in str(claims.problem(tmp_path, made, changed(default(), columns=columns), []))


def test_what_a_run_says_of_its_cost_is_read_strictly(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    assert claims.cost(path) is None
    path.write_text('{"stages": [{"name": "train", "outcome": "<script>", "seconds": 1}], "seconds": 1, "runner": "x"}')
    assert claims.cost(path) is None
    path.write_text('{"stages": [{"name": "train", "outcome": "run", "seconds": 1}], "seconds": 1, "runner": "x", "parity": 1e-7}')
    assert claims.cost(path).parity == 1e-7


def test_what_promotion_writes_is_pointed_out_to_its_owners() -> None:
    overlay = "deploy/kubernetes/overlays/production/kustomization.yaml"
    (told,) = changes.notes([overlay, "deploy/compose.yaml", "README.md"])
    assert told.startswith(f"changes `{overlay}`: ") and told.endswith("needs the code owners")
    assert "compose" not in told
