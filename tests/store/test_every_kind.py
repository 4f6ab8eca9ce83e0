"""What every kind of store promises: the same tests, one parameter."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Place

NOWHERE = f"sha256:{'0' * 64}"


def _digest(folder: Path, digest: str) -> str:
    from churn import bundle

    return bundle.load(folder, digest).digest


def test_a_saved_bundle_comes_back_in_another_clone(place: Place) -> None:
    folder, digest = place.bundle("one")
    place.store("a").save(folder, digest)
    assert place.store("b").has(digest)
    assert _digest(place.store("b").bundle(digest), digest) == digest
    copy = place.clones / "copy"
    assert place.store("b").bundle(digest, copy) == copy
    assert _digest(copy, digest) == digest


def test_what_two_writers_save_is_kept(place: Place) -> None:
    one, two = place.bundle("one", 0.1), place.bundle("two", 0.2)
    place.store("a").open()
    place.store("b").save(*two)
    place.store("a").save(*one)
    place.store("a").save(*one)
    assert [place.store("c").has(digest) for _, digest in (one, two)] == [True, True]


def test_dvc_objects_are_saved_and_come_back(place: Place) -> None:
    folder, digest = place.bundle("one")
    store, here = place.store("a"), place.clone("a")
    (here / "rows.csv").write_text("a,b\n1,2\n")
    subprocess.run(["dvc", "add", "-q", "rows.csv"], check=True)
    store.save(folder, digest)
    (place.clone("b") / "rows.csv.dvc").write_bytes((here / "rows.csv.dvc").read_bytes())
    place.store("b").open()
    subprocess.run(["dvc", "pull", "-q", "rows.csv.dvc"], check=True)
    assert Path("rows.csv").read_text() == "a,b\n1,2\n"


def test_what_is_not_there_is_one_line(place: Place) -> None:
    from churn.store import StoreError

    store = place.store()
    assert not store.has(NOWHERE)
    with pytest.raises(StoreError, match=r"has no bundle \S+; promote it again") as caught:
        store.bundle(NOWHERE)
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_not_the_digest_is_not_stored(place: Place) -> None:
    from churn.bundle import BundleError

    folder, _ = place.bundle("one")
    with pytest.raises(BundleError, match=f"and not {NOWHERE}"):
        place.store().save(folder, NOWHERE)
    assert not place.store().has(NOWHERE)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        pytest.param("model.onnx", lambda data: data[:20] + bytes([data[20] ^ 1]) + data[21:], id="flipped byte"),
        pytest.param("model.onnx", lambda data: data[:-1], id="truncated"),
        pytest.param("golden.json", lambda data: None, id="file missing"),
        pytest.param("manifest.json", lambda data: None, id="upload cut off before the manifest"),
        pytest.param("manifest.json", lambda data: data.replace(b"0.5", b"0.1"), id="edited manifest"),
    ],
)
def test_damage_is_seen_and_the_next_save_heals_it(place: Place, name: str, change: object) -> None:
    from churn import ProblemError

    folder, digest = place.bundle("one")
    place.store("a").save(folder, digest)
    place.damage(digest, name, change)  # type: ignore[arg-type]
    assert not place.store("b").has(digest)
    with pytest.raises(ProblemError) as caught:
        _digest(place.store("b").bundle(digest), digest)
    assert "\n" not in str(caught.value)
    place.store("b").save(folder, digest)
    assert place.store("c").has(digest)


@pytest.mark.parametrize(("before", "after"), [("git ref", "folder"), ("git ref", "s3"), ("folder", "git ref"), ("s3", "s3")])
def test_after_a_move_a_bundle_is_found_where_its_pointer_says(places: Callable[[str], Place], before: str, after: str) -> None:
    from churn import store
    from churn.store import AbsentError

    old, new = places(before), places(after)
    new.url += "-2" if before == after else ""
    (folder, digest), later = old.bundle("one", 0.1), new.bundle("two", 0.2)
    kept = old.store("a")
    kept.save(folder, digest)
    address = kept.address(digest)
    moved = new.store("b")
    moved.save(*later)
    with pytest.raises(AbsentError):
        moved.bundle(digest)
    assert _digest(store.find(digest, address), digest) == digest
    assert _digest(store.find(later[1], moved.address(later[1])), later[1]) == later[1]
    with pytest.raises(AbsentError):
        store.find(NOWHERE, moved.address(NOWHERE))
