"""A bucket that is missing, closed, overloaded or half written: one clear line, nothing half stored, and a re-run heals."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ..local_s3 import EXPIRED, READER, LocalS3
from .conftest import Place

FORK = "a pull request from a fork has none: it cannot be judged here; a maintainer can dispatch it"


@pytest.fixture
def place(places: Callable[[str], Place]) -> Place:
    return places("s3")


def _line(call: Callable[[], object]) -> str:
    from churn.store import StoreError

    with pytest.raises(StoreError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def _objects(place: Place) -> list[str]:
    bucket, prefix = place.url.removeprefix("s3://").split("/", 1)
    found = place.client.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    return [entry["Key"] for entry in found]


def test_the_address_is_the_url_of_the_bundle(place: Place) -> None:
    _, digest = place.bundle("one")
    assert place.store().address(digest) == f"{place.url}/bundles/{digest.removeprefix('sha256:')}"


def test_a_missing_bucket_is_one_line(place: Place) -> None:
    place.url = "s3://nobody-made-this/churn"
    line = _line(place.store().open)
    assert line == (
        "the store s3://nobody-made-this/churn cannot be read: The specified bucket does not exist; "
        "make the bucket or the folder, or correct the URL with `dvc remote modify`"
    )


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        pytest.param({"AWS_ACCESS_KEY_ID": "stranger"}, "The AWS Access Key Id you provided does not exist", id="unknown key"),
        pytest.param({"AWS_SESSION_TOKEN": EXPIRED}, "The provided token has expired", id="expired"),
        pytest.param({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "Unable to locate credentials", id="none, as on a fork"),
    ],
)
def test_credentials_that_do_not_open_the_bucket_are_one_line(
    place: Place, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], reason: str
) -> None:
    folder, digest = place.bundle("one")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for call in (place.store().open, lambda: place.store().has(digest), lambda: place.store().save(folder, digest)):
        line = _line(call)
        assert line.startswith(f"the store {place.url} cannot be read: {reason}")
        assert line.endswith(f"check the credentials, which may have expired ({FORK})")
    assert _objects(place) == []


def test_a_role_that_only_reads_cannot_store(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = place.bundle("one", 0.1), place.bundle("two", 0.2)
    place.store().save(*one)
    before = _objects(place)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", READER)
    assert place.store("reader").has(one[1])
    line = _line(lambda: place.store("reader").save(*two))
    assert line.startswith(f"the store {place.url} cannot be written: Access Denied; check the credentials")
    assert _objects(place) == before


def test_a_server_out_of_reach_is_one_line(place: Place, s3: LocalS3) -> None:
    place.extra = place.extra.replace(s3.url, "http://127.0.0.1:9")
    assert "Could not connect to the endpoint URL" in _line(place.store().open)


def test_a_short_overload_is_waited_for(place: Place, s3: LocalS3) -> None:
    folder, digest = place.bundle("one")
    fault = s3.fail("PUT .*/model.onnx", times=2)
    place.store().save(folder, digest)
    assert fault.seen == 2
    assert place.store("other").has(digest)


def test_an_upload_that_is_refused_leaves_no_bundle_and_the_next_save_heals(place: Place, s3: LocalS3) -> None:
    folder, digest = place.bundle("one")
    s3.fail("PUT .*/golden.json")
    line = _line(lambda: place.store().save(folder, digest))
    assert line.startswith(f"the store {place.url} cannot be written: ")
    assert line.endswith("; run the same command again")
    assert not [key for key in _objects(place) if key.endswith("manifest.json")]
    s3.heal()
    assert not place.store("other").has(digest)
    place.store().save(folder, digest)
    assert place.store("other").has(digest)


def test_an_overload_while_dvc_pushes_is_one_line_and_a_re_run_heals(place: Place, s3: LocalS3) -> None:
    folder, digest = place.bundle("one")
    store, here = place.store(), place.clone()
    (here / "rows.csv").write_text("a,b\n1,2\n")
    subprocess.run(["dvc", "add", "-q", "rows.csv"], check=True)
    s3.fail("PUT .*/files/md5/")
    line = _line(lambda: store.save(folder, digest))
    assert line.startswith("`dvc push --run-cache` failed: ")
    assert "reduce your request rate" in line
    assert _objects(place) == []
    s3.heal()
    store.save(folder, digest)
    assert place.store("other").has(digest)
    assert any("/files/md5/" in key for key in _objects(place))


def test_an_object_that_was_cut_short_is_pushed_again(place: Place) -> None:
    folder, digest = place.bundle("one")
    store, here = place.store(), place.clone()
    (here / "rows.csv").write_text("a,b\n1,2\n")
    subprocess.run(["dvc", "add", "-q", "rows.csv"], check=True)
    store.save(folder, digest)
    (key,) = [key for key in _objects(place) if "/files/md5/" in key]
    bucket = place.url.removeprefix("s3://").split("/")[0]
    place.client.put_object(Bucket=bucket, Key=key, Body=b"a,")
    store.save(folder, digest)
    (place.clone("b") / "rows.csv.dvc").write_bytes((here / "rows.csv.dvc").read_bytes())
    subprocess.run(["dvc", "pull", "-q", "rows.csv.dvc"], check=True)
    assert Path("rows.csv").read_text() == "a,b\n1,2\n"
