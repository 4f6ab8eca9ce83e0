"""The server takes a bundle from a store outside git: the same promises as with the git ref, and no DVC."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from ..local_s3 import LocalS3
from .conftest import CONFIG, Place


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, places: Callable[[str], Place]) -> Place:
    return places(request.param)


def _promote(place: Place, digest: str, bundle: str) -> None:
    """Let the origin's main name the bundle, with the repository's settings beside it."""
    pointer = {"model": "toy", "version": 1, "digest": digest, "commit": "0" * 40, "promoted_by": "test", "bundle": bundle}
    files = {"models/production.yaml": yaml.safe_dump(pointer), ".dvc/config": CONFIG.format(url=place.url) + place.extra}
    origin = place.kit.Origin(place.clones / "followed.git")
    origin.commit("refs/heads/main", {name: text.encode() for name, text in files.items()})


def _follow(place: Place, monkeypatch: pytest.MonkeyPatch) -> str:
    """What a server would do on a machine without a checkout: returns the digest of what it has verified."""
    from churn.serving.remote import Remote

    monkeypatch.chdir(place.clones)
    remote = Remote(str(place.clones / "followed.git"), "main", "production", place.clones / "cache")
    _, pointer = remote.pointer()
    return str(remote.bundle(pointer).digest)


def test_a_promoted_bundle_is_fetched_and_verified(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, digest = place.bundle("one")
    store = place.store()
    store.save(folder, digest)
    _promote(place, digest, store.address(digest))
    assert _follow(place, monkeypatch) == digest


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: None], ids=["truncated", "missing"])
def test_a_damaged_bundle_is_refused(place: Place, monkeypatch: pytest.MonkeyPatch, damage: Callable[[bytes], bytes | None]) -> None:
    from churn.bundle import BundleError

    folder, digest = place.bundle("one")
    store = place.store()
    store.save(folder, digest)
    _promote(place, digest, store.address(digest))
    place.damage(digest, "model.onnx", damage)
    with pytest.raises(BundleError, match=r"model\.onnx"):
        _follow(place, monkeypatch)
    place.store().save(folder, digest)
    assert _follow(place, monkeypatch) == digest


def test_a_bundle_that_is_not_there_is_one_line(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from churn.store import StoreError

    digest = place.bundle("one")[1]
    _promote(place, digest, place.store().address(digest))
    with pytest.raises(StoreError, match=r"the store has no bundle \S+; promote it again"):
        _follow(place, monkeypatch)


@pytest.mark.parametrize("bundle", ["https://example.com/bundles/1", "memory://x/bundles/1", "s3://b/elsewhere", "relative/bundles/1"])
def test_an_address_of_no_known_kind_is_refused(places: Callable[[str], Place], monkeypatch: pytest.MonkeyPatch, bundle: str) -> None:
    from churn import ProblemError

    place = places("folder")
    _promote(place, place.bundle("one")[1], bundle)
    with pytest.raises(ProblemError, match=r"is no(t a)? place") as caught:
        _follow(place, monkeypatch)
    assert "\n" not in str(caught.value)


def test_a_server_without_credentials_says_so(places: Callable[[str], Place], s3: LocalS3, monkeypatch: pytest.MonkeyPatch) -> None:
    from churn.store import StoreError

    place = places("s3")
    folder, digest = place.bundle("one")
    store = place.store()
    store.save(folder, digest)
    _promote(place, digest, store.address(digest))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "stranger")
    with pytest.raises(StoreError, match="check the credentials"):
        _follow(place, monkeypatch)


def test_a_rollback_reads_the_store_without_dvc(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from churn import bundle
    from churn.store import filesystem

    folder, digest = place.bundle("one")
    place.store().save(folder, digest)
    monkeypatch.setattr(filesystem.importlib.util, "find_spec", lambda name: None)
    assert bundle.load(place.store("light").bundle(digest), digest).digest == digest
    assert place.store("light").has(digest)


def test_what_is_fetched_is_only_what_a_bundle_has(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, digest = place.bundle("one")
    store = place.store()
    store.save(folder, digest)
    if place.kind == "s3":
        bucket, prefix = place.url.removeprefix("s3://").split("/", 1)
        place.client.put_object(Bucket=bucket, Key=f"{prefix}/bundles/{digest[7:]}/evil.pkl", Body=b"x")
    else:
        Path(place.url, "bundles", digest[7:], "evil.pkl").write_bytes(b"x")
    _promote(place, digest, store.address(digest))
    assert _follow(place, monkeypatch) == digest
    assert not list(place.clones.glob("cache/**/evil.pkl"))
