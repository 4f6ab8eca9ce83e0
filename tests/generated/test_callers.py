"""Which earlier versions the callers of the present one can use, and what a rollback says of the others."""

import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from churn import bundle, history, params
from churn.contract import Column, Contract
from churn.pointer import Pointer, Previous
from churn.registry import callers, rollback
from churn.registry.rollback import RollbackError
from serving_kit import CONTRACT, Origin, make_bundle

AGE, FEE, PLAN = CONTRACT.columns


def _contract(*columns: Column, **values: Any) -> Contract:
    numeric = tuple(one.name for one in columns if one.type != "category")
    categorical = tuple(one.name for one in columns if one.type == "category")
    return msgspec.structs.replace(CONTRACT, columns=columns, numeric=numeric, categorical=categorical, **values)


def _column(column: Column, **values: Any) -> Column:
    return msgspec.structs.replace(column, **values)


SAME = _contract(AGE, FEE, PLAN)
WIDER = {
    "the same": SAME,
    "a wider range": _contract(_column(AGE, min=-5, max=None), FEE, PLAN),
    "more categories": _contract(AGE, FEE, _column(PLAN, categories=("gold", "plus", "basic"))),
    "may be missing": _contract(_column(AGE, missing=True), FEE, PLAN),
    "any number": _contract(_column(AGE, type="number"), FEE, PLAN),
    "another order of classes": _contract(AGE, FEE, PLAN, classes=("Yes", "No")),
}
NARROWER = {
    "it needs the column 'city', which they do not send": _contract(AGE, FEE, Column("city", "number"), PLAN),
    "it refuses the column 'fee', which they send": _contract(AGE, PLAN),
    "the column 'fee' is required, and may be missing now": _contract(AGE, _column(FEE, missing=False), PLAN),
    "the column 'plan' does not know 'plus'": _contract(AGE, FEE, _column(PLAN, categories=("basic",))),
    "the column 'plan' holds an integer, and a category now": _contract(AGE, FEE, Column("plan", "integer")),
    "the column 'fee' takes whole numbers only, and others now": _contract(AGE, _column(FEE, type="integer"), PLAN),
    "the column 'age' takes no value below 18, and values from 0 now": _contract(_column(AGE, min=18), FEE, PLAN),
    "the column 'age' takes no value above 99, and values up to 120 now": _contract(_column(AGE, max=99), FEE, PLAN),
    "the column 'fee' takes no value above 10, and values up to inf now": _contract(AGE, _column(FEE, max=10), PLAN),
    "it answers as regression, and they expect binary": _contract(AGE, FEE, PLAN, classes=(), positive=None),
    "its classes are No, Maybe, and they expect No, Yes": _contract(AGE, FEE, PLAN, classes=("No", "Maybe"), positive="Maybe"),
    "its probability is that of 'No', and they expect that of 'Yes'": _contract(AGE, FEE, PLAN, positive="No"),
}


@pytest.mark.parametrize("target", WIDER.values(), ids=list(WIDER))
def test_a_contract_that_takes_as_much_is_no_change_for_callers(target: Contract) -> None:
    assert list(callers.problems(SAME, target)) == []


@pytest.mark.parametrize(("words", "target"), NARROWER.items(), ids=list(NARROWER))
def test_what_callers_cannot_use_is_said(words: str, target: Contract) -> None:
    assert list(callers.problems(SAME, target)) == [words]


ROWS = [{"age": age, "fee": fee, "plan": plan} for age in (0, 120) for fee in (None, -1e6, 0.5, 1e6) for plan in ("basic", "plus")]


def test_what_it_says_is_what_the_server_does() -> None:
    """It says nothing just where every row that the present contract takes is taken by the other one too."""
    assert SAME.check(ROWS) == []
    for contract in (*WIDER.values(), *NARROWER.values()):
        if (contract.classes, contract.positive) == (SAME.classes, SAME.positive):
            assert bool(contract.check(ROWS)) == bool(list(callers.problems(SAME, contract)))


def _pointer(version: int, digest: str, previous: Previous | None = None) -> Pointer:
    place = f"refs/dvc/store:bundles/{digest.removeprefix('sha256:')}"
    return Pointer("toy", version, digest, place, "0" * 40, "mona", previous=previous)


Scene = tuple[Origin, Pointer, Pointer]


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """A clone with a store that has version 1, which does not know the plan 'plus', and version 2, which does."""
    origin, kept = Origin(tmp_path / "origin.git"), []
    for number, contract in enumerate((NARROWER["the column 'plan' does not know 'plus'"], SAME)):
        folder = tmp_path / str(number)
        make_bundle(folder)
        (folder / "contract.json").write_bytes(contract.to_json())
        more: dict[str, Any] = {"data_digest": "sha256:" + "0" * 64, "parameters": {}, "libraries": {}}
        kept.append(bundle.write_manifest(folder, model="toy", problem="binary", threshold=0.5, **more))
        origin.store(folder, kept[-1])
    origin.commit("refs/heads/main", {"README.md": b"x"})
    subprocess.run(["git", "clone", "-q", str(origin.folder), str(tmp_path / "clone")], check=True)
    monkeypatch.chdir(tmp_path / "clone")
    subprocess.run(["git", "config", "user.name", "Mona"], check=True)
    return origin, _pointer(1, kept[0]), _pointer(2, kept[1], Previous(1, kept[0]))


def test_a_rollback_to_what_callers_cannot_use_is_refused_with_the_reason(scene: Scene) -> None:
    _, one, two = scene
    rollback._usable(two, one)  # the other way round callers lose nothing
    with pytest.raises(RollbackError) as caught:
        rollback._usable(one, two)
    assert str(caught.value) == (
        "callers of version 2 cannot use version 1: the column 'plan' does not know 'plus'; nothing was changed. "
        "To go back all the same: CONTRACT=accept (rollback.yml: input 'contract')"
    )


def test_a_present_version_that_cannot_be_read_is_no_reason_to_go_on_unasked(scene: Scene) -> None:
    origin, one, two = scene
    origin.commit("refs/dvc/store", {f"{two.bundle.partition(':')[2]}/contract.json": b"{}"})
    with pytest.raises(RollbackError, match=r"whether callers of version 2 can use version 1 cannot be said \(.*contract.json"):
        rollback._usable(one, two)


@pytest.mark.parametrize(("contract", "asked"), [("accept", []), ("refuse", ["1 for 2"]), ("", ["1 for 2"])])
def test_who_accepts_another_contract_is_not_asked(scene: Scene, monkeypatch: pytest.MonkeyPatch, contract: str, asked: list[str]) -> None:
    _, one, two = scene
    said: list[str] = []
    monkeypatch.setattr(rollback.params, "load", lambda: SimpleNamespace(promotion=params.Promotion()))
    monkeypatch.setattr(rollback.state, "pointer_at", lambda *_: two)
    monkeypatch.setattr(rollback.deployments, "recent", lambda _: [])
    monkeypatch.setattr(rollback, "entries", lambda *_: [history.Entry(two, "b"), history.Entry(one, "a")])
    monkeypatch.setattr(rollback, "_usable", lambda target, now: said.append(f"{target.version} for {now.version}"))
    monkeypatch.setattr(rollback, "restore", lambda *_: False)
    monkeypatch.setenv("CONTRACT", contract)
    rollback.main()
    assert said == asked


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("CONTRACT", "yes", "contract 'yes' is neither 'refuse' nor 'accept'"),
        ("ENVIRONMENT", "../x", "there is no environment '../x'; params.yaml: promotion.environments has staging, production"),
    ],
)
def test_a_wrong_word_is_one_line(monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str) -> None:
    monkeypatch.chdir(Path(bundle.__file__).parents[2])
    monkeypatch.setenv(name, value)
    with pytest.raises(RollbackError) as caught:
        rollback.main()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
