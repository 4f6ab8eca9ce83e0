"""The artifact of an untrusted run is read as data, or refused whole."""

import hashlib
import zipfile
from pathlib import Path

import pytest
from churn import candidate
from churn.candidate import CandidateError

GOOD = {
    "bundle/manifest.json": b"{}",
    "bundle/model.onnx": b"onnx",
    "metrics.json": b"{}",
    "dvc.lock": b"schema: '2.0'\n",
    f"objects/files/md5/ab/{'0' * 30}": b"x",
    f"objects/runs/ab/{'a' * 64}/{'b' * 64}": b"x",
}


def _archive(path: Path, files: dict[str, bytes], link: str | None = None) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        if link:
            entry = zipfile.ZipInfo(link)
            entry.external_attr = 0o120777 << 16
            archive.writestr(entry, "/etc/passwd")
    return path


def test_a_good_one_is_unpacked(tmp_path: Path) -> None:
    folder = candidate.unpack(_archive(tmp_path / "a.zip", GOOD), tmp_path / "out")
    assert sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()) == sorted(GOOD)


@pytest.mark.parametrize(
    "name",
    ["run.sh", "../x", "/etc/x", "bundle/../../x", "bundle/extra.py", "objects/files/md5/ab/short", "objects/files/md5/zz/" + "0" * 30,
     "objects/runs/ab/x/y", "metrics.json/x", "Metrics.json", "bundle\\model.onnx", "objects/tmp/x"],
)  # fmt: skip
def test_a_foreign_file_refuses_all(tmp_path: Path, name: str) -> None:
    with pytest.raises(CandidateError, match="foreign file"):
        candidate.unpack(_archive(tmp_path / "a.zip", GOOD | {name: b"x"}), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_link_refuses_all(tmp_path: Path) -> None:
    with pytest.raises(CandidateError, match=r"link 'bundle/golden\.json'"):
        candidate.unpack(_archive(tmp_path / "a.zip", GOOD, link="bundle/golden.json"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_no_archive_and_a_cut_one_are_one_line(tmp_path: Path) -> None:
    whole = _archive(tmp_path / "a.zip", GOOD).read_bytes()
    for content in (b"", b"no zip", whole[: len(whole) // 2], whole.replace(b"onnx", b"ONNX", 1)):
        (tmp_path / "b.zip").write_bytes(content)
        with pytest.raises(CandidateError) as caught:
            candidate.unpack(tmp_path / "b.zip", tmp_path / "out")
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "out").exists()


def test_too_much_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidate, "_MAX_BYTES", 20)
    with pytest.raises(CandidateError, match="larger than"):
        candidate.unpack(_archive(tmp_path / "a.zip", GOOD | {"metrics.json": b"x" * 21}), tmp_path / "out")


def test_objects_are_what_their_names_say(tmp_path: Path) -> None:
    content = b"a model"
    md5 = hashlib.md5(content).hexdigest()
    cache, folder = tmp_path / "cache", tmp_path / "candidate"
    good = folder / "objects/files/md5" / md5[:2] / md5[2:]
    good.parent.mkdir(parents=True)
    good.write_bytes(content)
    assert candidate.import_objects(folder, cache) == 1
    assert (cache / "files/md5" / md5[:2] / md5[2:]).read_bytes() == content

    good.write_bytes(b"another")
    with pytest.raises(CandidateError, match="does not have the content that its name says"):
        candidate.import_objects(folder, tmp_path / "cache2")
    assert not (tmp_path / "cache2").exists()
