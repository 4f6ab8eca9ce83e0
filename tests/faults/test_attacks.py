"""Corruption and mix-ups between review and promotion: each refused before the pointer moves, each in its own words."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from .kit import Case, Scene, end_state, with_param

pytestmark = pytest.mark.slow

TRAINED = "models/bundle"
IMPORT = "from pathlib import Path; from churn import candidate, run; run(lambda: print(candidate.import_objects(Path('candidate'))) or 0)"
REMAKE = """
import json, sys
from pathlib import Path
from churn import bundle
folder, old = Path("models/bundle"), json.loads(Path("models/bundle/manifest.json").read_bytes())
names = ("model", "problem", "data_digest", "parameters", "libraries")
print(bundle.write_manifest(folder, threshold=float(sys.argv[1]), **{name: old[name] for name in names}))
"""


@pytest.fixture
def after(scene: Scene, promoted: Case) -> Iterator[Case]:
    """Version 2 is in production, main has new inputs again, and nothing is trained for them yet."""
    case = scene.case(promoted)
    params = case.repository.read("params.yaml")
    assert params is not None
    case.merge({"params.yaml": with_param(params, "C", 0.25)}, "Tune again")
    case.do("git", "fetch", "-q", "origin", "main")
    case.do("git", "reset", "-q", "--hard", "FETCH_HEAD")
    yield case
    case.forget()


def _review(case: Case, **changed: Any) -> None:
    path = case.work / "reports/review.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)


def _own_copy(case: Case) -> Path:
    """The bundle's files as files: DVC may have linked them into its cache."""
    folder = case.work / TRAINED
    shutil.copytree(folder, case.folder / "copy", symlinks=False)
    shutil.rmtree(folder)
    shutil.move(case.folder / "copy", folder)
    return folder


def _older(case: Case) -> str:
    """The bundle of version 1, as the store has it, in the place of the trained one; its digest."""
    digest = case.repository.deployments[0].payload["digest"]
    folder = _own_copy(case)
    for path in folder.iterdir():
        stored = f"refs/dvc/store:bundles/{digest.removeprefix('sha256:')}/{path.name}"
        path.write_bytes(case.blob(stored))
    return digest


def _edited(case: Case) -> str:
    """Another threshold in the manifest, and a review that knows it."""
    _own_copy(case)
    digest = case.do(str(case.scene.python), "-c", REMAKE, "0.01")
    _review(case, digest=digest)
    return digest


def flipped_byte(case: Case) -> None:
    _flip(_own_copy(case) / "model.onnx")


def swapped_bundle(case: Case) -> None:
    _older(case)


def edited_manifest(case: Case) -> None:
    _edited(case)


def edited_verdict(case: Case) -> None:
    _review(case, verdict="hold", reasons=["roc_auc is too low"])


def review_of_another_champion(case: Case) -> None:
    _review(case, champion={"version": 7, "digest": f"sha256:{'7' * 64}"})


def run_cache_points_elsewhere(case: Case) -> None:
    """The cache gives a bundle with the right parameters and data, but not the one that was reviewed for these very inputs."""
    shutil.copyfile(case.work / "dvc.lock", case.work / "reports/candidate.lock")
    reviewed = json.loads((case.work / "reports/review.json").read_text())["digest"]
    (case.work / "reports/origin.json").write_text(json.dumps({"pull_request": 7, "run_id": 9, "reviewed": reviewed}))
    _edited(case)
    _lock_what_is_there(case)


def _lock_what_is_there(case: Case) -> None:
    import hashlib

    path = case.work / "dvc.lock"
    lock = yaml.safe_load(path.read_text())
    for stage in lock["stages"].values():
        for out in stage["outs"]:
            if out["path"].startswith(f"{TRAINED}/"):
                out["md5"] = hashlib.md5((case.work / out["path"]).read_bytes(), usedforsecurity=False).hexdigest()
    path.write_text(yaml.safe_dump(lock))


ATTACKS: dict[Callable[[Case], None], str] = {
    flipped_byte: "model.onnx: SHA-256 is",
    swapped_bundle: "but models/bundle is sha256:",
    edited_manifest: "manifest.json is not the one that the pipeline made",
    edited_verdict: "main's review says 'hold'",
    review_of_another_champion: f"the review compared with sha256:{'7' * 64}, but production is on",
    run_cache_points_elsewhere: "an entry of the train run's cache points elsewhere",
}


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_an_attack_is_refused_before_the_pointer_moves(case: Case, attack: Callable[[Case], None]) -> None:
    before = end_state(case)
    attack(case)
    refused(case, ATTACKS[attack], before)


def test_an_older_approved_bundle_is_refused(after: Case) -> None:
    """Its review was in order once; it was made from other parameters than main has."""
    before = end_state(after)
    shutil.copytree(after.scene.ready / TRAINED, after.work / TRAINED, dirs_exist_ok=True)
    for name in ("reports", "dvc.lock", "models/metrics.json"):
        copy = shutil.copytree if (after.scene.ready / name).is_dir() else shutil.copyfile
        copy(after.scene.ready / name, after.work / name, **({"dirs_exist_ok": True} if copy is shutil.copytree else {}))
    digest = _older(after)
    _review(after, digest=digest, champion={"version": 2, "digest": (after.pointer() or {})["digest"]})
    _lock_what_is_there(after)
    refused(after, "was not made from the parameters that main has", before)


def test_the_bundle_in_production_does_not_pass_for_what_main_makes(after: Case) -> None:
    """Else main's new inputs would be noted as promoted, and nobody would train them."""
    before = end_state(after)
    shutil.copytree(after.scene.ready / TRAINED, after.work / TRAINED, dirs_exist_ok=True)
    shutil.copytree(after.scene.ready / "reports", after.work / "reports", dirs_exist_ok=True)
    for name in ("dvc.lock", "models/metrics.json"):
        shutil.copyfile(after.scene.ready / name, after.work / name)
    refused(after, "was not made from the parameters that main has", before)


def refused(case: Case, words: str, before: dict[str, Any]) -> None:
    """Exit 1, one line with these words, and nothing that the attack reached has changed."""
    done = case.run("registry.promote")
    assert done.code == 1, done.text
    (line,) = [line for line in done.text.splitlines() if line.startswith("error: ")]
    assert words in line
    assert end_state(case) == before


def test_a_truncated_object_is_refused_whole(case: Case) -> None:
    """Of the candidate's objects none is taken over when one is cut off."""
    objects = case.work / "candidate/objects"
    shutil.copytree(case.work / ".dvc/cache/files", objects / "files")
    shutil.rmtree(case.work / ".dvc/cache")
    largest = max((path for path in objects.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    largest.chmod(0o644)
    with largest.open("r+b") as stream:
        stream.truncate(largest.stat().st_size // 2)
    done = case.execute(str(case.scene.python), "-c", IMPORT)
    assert done.returncode == 1
    assert "does not have the content that its name says" in done.stderr
    assert not (case.work / ".dvc/cache/files").exists()


def test_a_stored_bundle_that_was_damaged_is_not_rolled_back_to(scene: Scene, promoted: Case) -> None:
    case = scene.case(promoted)
    before, digest = case.pointer(), case.repository.deployments[0].payload["digest"]
    case.change_store(f"bundles/{digest.removeprefix('sha256:')}/model.onnx", b"another model")
    done = case.run("registry.rollback", GITHUB_RUN_ID="2")
    assert done.code == 1
    assert "model.onnx: SHA-256 is" in done.text
    assert case.pointer() == before
    case.forget()


def test_a_stored_bundle_that_was_damaged_is_stored_again(case: Case) -> None:
    """Promotion looks at what is there, not at whether something is there."""
    digest = json.loads((case.work / "reports/review.json").read_text())["digest"]
    case.change_store(f"bundles/{digest.removeprefix('sha256:')}/model.onnx", b"another model")
    case.good("registry.promote")
    assert case.stored_digest(digest) == digest
