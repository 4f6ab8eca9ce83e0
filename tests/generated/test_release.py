"""The files of a release: the same bytes every time, sums that fit, and a bill of materials that keeps to its standard."""

import hashlib
import json
import os
import re
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
from churn import bundle
from churn.bundle import Bundle
from churn.pointer import Pointer
from churn.registry import release, sbom
from churn.registry.release import ReleaseError
from churn.registry.sbom import SbomError
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from serving_kit import make_bundle

LOCK = Path(bundle.__file__).parents[2] / "requirements/serve.txt"
WRITTEN = "2026-11-21T10:00:00+00:00"


@pytest.fixture
def made(tmp_path: Path) -> Bundle:
    make_bundle(tmp_path / "made")
    return bundle.load(tmp_path / "made")


def _pointer(made: Bundle, **values: object) -> Pointer:
    return Pointer("toy", 3, made.digest, "store", "c" * 40, "mona", **({"pull_request": 7, "metrics": {"roc_auc": 0.85}} | values))


def test_equal_bundles_give_equal_archives(made: Bundle, tmp_path: Path) -> None:
    first = release.archive(tmp_path / "first.tar", made).read_bytes()
    other = tmp_path / "elsewhere"
    other.mkdir()
    for path in sorted(made.folder.iterdir(), reverse=True):  # another order, owner's mode and time
        (other / path.name).write_bytes(path.read_bytes())
        (other / path.name).chmod(0o600)
        os.utime(other / path.name, (1_000_000_000, 1_000_000_000))
    assert release.archive(tmp_path / "second.tar", bundle.load(other)).read_bytes() == first


def test_the_archive_unpacks_to_the_bundle(made: Bundle, tmp_path: Path) -> None:
    with tarfile.open(release.archive(tmp_path / "bundle.tar", made)) as archive:
        archive.extractall(tmp_path / "out", filter="data")
    assert bundle.load(tmp_path / "out/bundle", made.digest).manifest == made.manifest


def test_sha256sum_agrees_and_sees_a_changed_byte(made: Bundle, tmp_path: Path) -> None:
    files = {"bundle.tar": release.archive(tmp_path / "bundle.tar", made), "card.md": tmp_path / "card.md"}
    files["card.md"].write_text("card")
    release.sums(tmp_path / "SHA256SUMS", files)
    check = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    assert subprocess.run(check, cwd=tmp_path, capture_output=True).returncode == 0
    files["card.md"].write_text("cord")
    assert subprocess.run(check, cwd=tmp_path, capture_output=True).returncode == 1


@pytest.mark.parametrize("damage", ["missing", "another bundle", "no JSON"])
def test_a_card_or_review_of_another_bundle_is_not_released(made: Bundle, tmp_path: Path, damage: str) -> None:
    path, now = tmp_path / "review.json", _pointer(made)
    path.write_text(json.dumps({"digest": made.digest}))
    assert release._own(release.REVIEW, path, now) == path
    match damage:
        case "missing":
            path.unlink()
        case "another bundle":
            path.write_text(json.dumps({"digest": "sha256:other", "champion": {"digest": made.digest}}))
        case _:
            path.write_text(made.digest)
    with pytest.raises(ReleaseError, match="is missing or not about sha256:"):
        release._own(release.REVIEW, path, now)


@pytest.mark.parametrize(
    ("changes", "same", "perhaps"),
    [
        ({}, True, True),
        ({"state": "starter"}, False, False),
        ({"size": 3}, False, False),
        ({"digest": "sha256:other"}, False, False),
        ({"digest": None}, False, True),  # an older server tells none: uploaded again, unless it is published
    ],
)
def test_when_an_asset_is_the_file(tmp_path: Path, changes: dict[str, Any], same: bool, perhaps: bool) -> None:
    path = tmp_path / "file"
    path.write_text("content")
    item = {"state": "uploaded", "size": 7, "digest": f"sha256:{hashlib.sha256(b'content').hexdigest()}"} | changes
    assert (release._same(item, path), release._same(item, path, sure=False)) == (same, perhaps)


# ---- bill of materials ----


def _bill(made: Bundle, tmp_path: Path, **values: object) -> dict[str, Any]:
    return json.loads(sbom.write(tmp_path / "sbom.json", _pointer(made, **values), made, WRITTEN, LOCK).read_bytes())


@pytest.mark.parametrize("problem", ["binary", "multi-class", "regression"])
@pytest.mark.parametrize("values", [{}, {"pull_request": None, "metrics": {}}], ids=["full", "bare"])
def test_the_bill_keeps_to_the_schema_of_cyclonedx(made: Bundle, tmp_path: Path, problem: str, values: dict[str, Any]) -> None:
    manifest = bundle.Manifest("toy", problem, made.manifest.files, None, made.manifest.data_digest, {}, {"onnx": "1.2"})
    text = json.dumps(_bill(Bundle(made.folder, manifest, made.contract, {}, {}, made.digest, b""), tmp_path, **values))
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    assert problem is None, str(problem)[:300]


def test_the_schema_sees_a_mistake(made: Bundle, tmp_path: Path) -> None:
    bill = _bill(made, tmp_path)
    bill["metadata"]["component"]["hashes"][0]["content"] = "short"
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill)) is not None


def test_the_bill_names_the_model_and_every_locked_library_with_its_hashes(made: Bundle, tmp_path: Path) -> None:
    bill = _bill(made, tmp_path)
    model = bill["metadata"]["component"]
    assert f"sha256:{model['hashes'][0]['content']}" == made.digest
    files = {one["name"]: one["hashes"][0]["content"] for one in model["components"]}
    assert files == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in made.folder.iterdir()}
    locked = re.findall(r"(?m)^([\w.-]+)==([\w.]+)", LOCK.read_text())
    assert {(one["name"], one["version"]) for one in bill["components"]} == set(locked)
    assert len(bill["components"]) == len(locked)
    hashes = [each["content"] for one in bill["components"] for each in one["externalReferences"][0]["hashes"]]
    assert sorted(hashes) == sorted(re.findall("--hash=sha256:([0-9a-f]{64})", LOCK.read_text()))
    assert set(bill["dependencies"][0]["dependsOn"]) == {one["purl"] for one in bill["components"]}


def test_equal_versions_give_equal_bills_and_others_another_serial_number(made: Bundle, tmp_path: Path) -> None:
    first = _bill(made, tmp_path)
    assert _bill(made, tmp_path) == first
    make_bundle(tmp_path / "other", bias=1.0)
    other = bundle.load(tmp_path / "other")
    assert _bill(other, tmp_path)["serialNumber"] != first["serialNumber"]


@pytest.mark.parametrize("text", [None, "", "numpy>=2\n# numpy==2.4\n"])
def test_a_lock_that_pins_nothing_is_refused(made: Bundle, tmp_path: Path, text: str | None) -> None:
    lock = tmp_path / "serve.txt"
    if text is not None:
        lock.write_text(text)
    with pytest.raises(SbomError, match="make lock"):
        sbom.write(tmp_path / "sbom.json", _pointer(made), made, WRITTEN, lock)


def test_extras_and_markers_of_a_lock_are_read(made: Bundle, tmp_path: Path) -> None:
    lock = tmp_path / "serve.txt"
    lock.write_text(f"Uv_Loop[dev]==0.23.0 ; sys_platform != 'win32' \\\n    --hash=sha256:{'a' * 64}\n")
    (only,) = json.loads(sbom.write(tmp_path / "sbom.json", _pointer(made), made, WRITTEN, lock).read_bytes())["components"]
    assert only["purl"] == "pkg:pypi/uv-loop@0.23.0"
