"""Pruning keeps what any promotion or any commit names, in every kind of store, and takes the rest out."""

import subprocess
from pathlib import Path

import pytest

from .conftest import Place


def _git(*args: str) -> None:
    subprocess.run(["git", "-c", "user.name=m", "-c", "user.email=m@m", *args], check=True, capture_output=True)


def _promote(place: Place, digest: str, **data: str) -> None:
    """A commit whose pointer names a digest and in which DVC tracks these files."""
    place.clone()
    Path("models").mkdir(exist_ok=True)
    Path("models/production.yaml").write_text(f"digest: {digest}\n")
    for name, text in data.items():
        Path(f"{name}.csv").write_text(text)
        subprocess.run(["dvc", "add", "-q", f"{name}.csv"], check=True)
    _git("add", "-A")
    _git("commit", "-q", "-m", "promotion", "--no-verify")


def _run(place: Place, *args: str) -> None:
    import churn.store.__main__ as command

    place.monkeypatch.setattr("sys.argv", ["store", *args])
    command.main()


def test_only_what_nothing_names_goes(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, stray = place.bundle("first", 0.1), place.bundle("second", 0.2), place.bundle("stray", 0.3)
    store = place.store()
    _promote(place, first[1], rows="1\n")
    store.save(*first)
    Path("rows.csv").write_text("never committed\n")
    subprocess.run(["dvc", "add", "-q", "rows.csv"], check=True)
    store.save(*stray)
    _promote(place, second[1], rows="2\n")
    store.save(*second)
    before = set(store.sizes())

    _run(place, "prune")
    assert "would take out 6 files" in capsys.readouterr().out
    assert set(store.sizes()) == before
    _run(place, "prune", "--really")
    assert "took out 6 files" in capsys.readouterr().out

    assert [place.store("b").has(digest) for _, digest in (first, second, stray)] == [True, True, False]
    gone = before - set(place.store("b").sizes())
    assert len([path for path in gone if path.startswith("files/md5/")]) == 1
    for revision, text in (("HEAD~1", "1\n"), ("HEAD", "2\n")):
        content = subprocess.check_output(["git", "show", f"{revision}:rows.csv.dvc"], cwd=place.clone())
        (place.clone("b") / "rows.csv.dvc").write_bytes(content)
        subprocess.run(["dvc", "pull", "-q", "--force", "rows.csv.dvc"], check=True)
        assert Path("rows.csv").read_text() == text
    place.store().save(*stray)
    assert place.store("b").has(stray[1])


def test_a_shallow_clone_does_not_know_enough(place: Place) -> None:
    from churn.store import StoreError, prune

    store = place.store()
    _promote(place, place.bundle("first")[1])
    head = subprocess.check_output(["git", "rev-parse", "HEAD"], text=True)
    Path(".git/shallow").write_text(head)
    with pytest.raises(StoreError, match="git fetch --unshallow origin"):
        prune.plan(store)
