"""Versions, rollback targets, the store and main, with real git repositories."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from churn import history, pointer
from churn.pointer import Held, Pointer, PointerError, Previous, StoreError
from churn.registry import rollback
from churn.registry.rollback import RollbackError

Commit = Callable[..., str]
Git = Callable[..., str]
PATH = Path("models/production.yaml")
SHA = "0123456789abcdef0123456789abcdef01234567"


def _pointer(version: int, **values: object) -> Pointer:
    base = {"model": "churn", "version": version, "digest": _digest(version), "bundle": pointer.address(_digest(version)), "commit": SHA}
    return Pointer(**(base | {"promoted_by": "mona", "metrics": {"roc_auc": 0.85}} | values))


def _digest(version: int) -> str:
    return f"sha256:{version:064x}"


def _record(git: Git, new: Pointer) -> None:
    pointer.write(PATH, new)
    git("add", "-A")
    git("commit", "-q", "-m", f"version {new.version}")


def test_a_pointer_file_reads_back(tmp_path: Path) -> None:
    held = Held(3, _digest(3), SHA, 'rolled back by mona: it\'s "odd" #1')
    full = _pointer(2, previous=Previous(1, _digest(1)), held=(held,), pull_request=7)
    pointer.write(tmp_path / "production.yaml", full)
    assert pointer.read(tmp_path / "production.yaml") == full
    assert pointer.read(tmp_path / "staging.yaml") is None


@pytest.mark.parametrize("text", ["", "[]", "version: 1", "a: [", "model: churn\nversion: 0", "!!python/object:os.system x"])
def test_a_broken_pointer_is_one_line(text: str) -> None:
    with pytest.raises(PointerError) as caught:
        pointer.parse(text, "models/production.yaml")
    assert str(caught.value).startswith("models/production.yaml is not a pointer file: ")
    assert "\n" not in str(caught.value)


def test_one_version_per_digest_and_the_next_integer(git: Git) -> None:
    assert history.version_of(_digest(9), []) == 1
    for version in (1, 2, 3):
        _record(git, _pointer(version))
    _record(git, _pointer(1, held=(Held(3, _digest(3), SHA, "x"),)))
    known = history.entries(PATH)
    assert history.version_of(_digest(2), known) == 2
    assert history.version_of(_digest(9), known) == 4, "a rollback does not free version 3"


def test_states_that_are_no_pointer_are_left_out_of_the_history(git: Git, commit: Commit, capsys: pytest.CaptureFixture[str]) -> None:
    pointer.write(PATH, _pointer(1))
    commit("Promote")
    PATH.write_text("<<<<<<< edited by hand\n")
    commit("Break")
    pointer.write(PATH, _pointer(2))
    commit("Promote again")
    assert [entry.pointer.version for entry in history.entries(PATH)] == [2, 1]
    assert "left out: models/production.yaml at" in capsys.readouterr().out


def test_rollback_targets(git: Git) -> None:
    _record(git, _pointer(1))
    _record(git, _pointer(2, previous=Previous(1, _digest(1))))
    known, now = history.entries(PATH), _pointer(2, previous=Previous(1, _digest(1)))
    assert rollback._target(now, "previous", known, "production").pointer.digest == _digest(1)
    assert rollback._target(now, "1", known, "production").pointer.version == 1
    refused = {"2": "is on version 2 already", "7": "never had version 7; it had 1, 2", "v1": "neither a number nor 'previous'"}
    for wanted, words in refused.items():
        with pytest.raises(RollbackError, match=words):
            rollback._target(now, wanted, known, "production")
    with pytest.raises(RollbackError, match="no previous one"):
        rollback._target(_pointer(1), "previous", known, "production")


def test_rollback_holds_what_it_leaves_and_lifts_what_it_restores() -> None:
    now = _pointer(3, held=(Held(2, _digest(2), SHA, "earlier"),))
    new = rollback._restored(_pointer(2), now, Held(3, _digest(3), SHA, "now"))
    assert (new.version, [item.version for item in new.held]) == (2, [3])


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    folder = tmp_path / "origin.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(folder)], check=True)
    return folder


def _clone(origin: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run(["git", "clone", "-q", str(origin), str(folder)], check=True, capture_output=True)
    (folder / ".gitignore").write_text("/.dvc-store/\n")
    monkeypatch.chdir(folder)


def test_the_store_keeps_what_two_writers_add(origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _clone(origin, tmp_path / "a", monkeypatch)
    (pointer.open_store() / "one").write_text("1")
    _clone(origin, tmp_path / "b", monkeypatch)
    (pointer.open_store() / "two").write_text("2")
    pointer.save_store("two")
    monkeypatch.chdir(tmp_path / "a")
    pointer.save_store("one")
    pointer.save_store("one again: nothing to do")
    _clone(origin, tmp_path / "c", monkeypatch)
    assert {path.name for path in pointer.open_store().iterdir()} >= {"one", "two"}


def test_a_store_out_of_reach_is_one_line(origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _clone(origin, tmp_path / "a", monkeypatch)
    pointer.open_store()
    origin.rename(tmp_path / "gone.git")
    (pointer.FOLDER / "one").write_text("1")
    with pytest.raises(StoreError, match="the store refs/dvc/store cannot be read"):
        pointer.open_store()
    assert (pointer.FOLDER / "one").exists()
