"""``promotion.rebuild``: main trains again, and what was reviewed is only compared with."""

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from churn import bundle, github, params
from churn.registry import origin, trust
from churn.registry.trust import TrustError
from serving_kit import CONTRACT, make_bundle

PARAMS = (Path(params.__file__).parents[2] / "params.yaml").read_text(encoding="utf-8").replace("rebuild: false", "rebuild: true")


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bundle.Bundle:
    """What main trained, in a folder whose params.yaml asks to train again."""
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(PARAMS, encoding="utf-8")
    make_bundle(Path("models/bundle"))
    return bundle.load("models/bundle")


def _reviewed(bias: float = 0.0, **changed: Any) -> str:
    """Keep a bundle as the reviewed one; ``changed`` replaces parts of its manifest, or its contract. Returns its digest."""
    make_bundle(origin.REVIEWED, bias, golden_bias=bias)
    if contract := changed.pop("contract", None):
        (origin.REVIEWED / "contract.json").write_bytes(contract.to_json())
    more = {"threshold": 0.5, "data_digest": "sha256:" + "0" * 64, "parameters": {}, "libraries": {"cpu": "another"}}
    return bundle.write_manifest(origin.REVIEWED, model="toy", problem="binary", **(more | changed))


def test_equal_bytes_are_the_reviewed_model(made: bundle.Bundle) -> None:
    assert trust.as_reviewed(made, origin.Origin(7, 9, made.digest, "promotion.rebuild is on")) is None


@pytest.mark.parametrize(("bias", "changed"), [(0.0, {}), (1e-6, {}), (0.0, {"threshold": 0.500001})])
def test_other_bytes_with_the_same_answers_are_promoted_with_the_words(made: bundle.Bundle, bias: float, changed: dict[str, Any]) -> None:
    digest = _reviewed(bias, **changed)
    assert digest != made.digest
    told = trust.as_reviewed(made, origin.Origin(7, 9, digest))
    assert told == "trained again on main (promotion.rebuild), with the reviewed answers but not its very bytes"


REFUSED: dict[str, tuple[float, dict[str, Any]]] = {
    "the model answers 0.021 apart from the reviewed sha256:": (0.1, {}),
    "the model answers 0.1 apart from the reviewed sha256:": (0.0, {"threshold": 0.6}),
    "the model has another contract than the reviewed sha256:": (0.0, {"contract": msgspec.structs.replace(CONTRACT, positive="No")}),
}


@pytest.mark.parametrize(("words", "reviewed"), REFUSED.items(), ids=list(REFUSED))
def test_another_model_is_refused(made: bundle.Bundle, words: str, reviewed: tuple[float, dict[str, Any]]) -> None:
    digest = _reviewed(reviewed[0], **reviewed[1])
    with pytest.raises(TrustError) as caught:
        trust.as_reviewed(made, origin.Origin(7, 9, digest))
    assert words in str(caught.value)
    assert "nothing was promoted" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("changed", [{"parameters": {"C": 2.0}}, {"data_digest": "sha256:" + "1" * 64}])
def test_other_inputs_on_main_make_another_model_and_that_is_said(made: bundle.Bundle, changed: dict[str, Any]) -> None:
    digest = _reviewed(1.0, **changed)
    assert trust.as_reviewed(made, origin.Origin(7, 9, digest)) == "main's parameters or data differ from the reviewed ones"


def test_what_cannot_be_compared_is_refused(made: bundle.Bundle) -> None:
    """Else an expired artifact would be a way around."""
    promised = f"sha256:{'5' * 64}"
    with pytest.raises(TrustError, match=r"cannot be had to compare their answers \(the train run's candidate has expired\)"):
        trust.as_reviewed(made, origin.Origin(7, 9, promised, "the train run's candidate has expired"))
    _reviewed()
    with pytest.raises(TrustError, match=rf"cannot be had to compare their answers \(.*digest is sha256:.* and not {promised}"):
        trust.as_reviewed(made, origin.Origin(7, 9, promised))


SHA, HEAD = "1" * 40, "2" * 40
REPO = {"full_name": "acme/churn"}
ANSWERS: dict[str, list[dict[str, Any]]] = {
    f"commits/{SHA}/pulls": [
        {"number": 7, "merge_commit_sha": SHA, "merged_at": "now", "head": {"sha": HEAD, "repo": REPO}, "base": {"repo": REPO}}
    ],
    "actions/workflows/train.yml/runs": [{"id": 9, "created_at": "2026-01-01T00:00:00Z"}],
    "actions/runs/9/artifacts": [{"id": 3, "name": "candidate", "expired": False}],
}
Play = Callable[[], str]


@pytest.fixture
def merged(made: bundle.Bundle, monkeypatch: pytest.MonkeyPatch) -> Play:
    """A merged pull request whose review promised the digest of the train run's candidate; plays the search for it."""
    digest = make_bundle(Path("candidate/bundle"), 0.25)
    with zipfile.ZipFile("candidate.zip", "w") as archive:
        for path in Path("candidate/bundle").iterdir():
            archive.write(path, f"bundle/{path.name}")
        archive.writestr("dvc.lock", "stages: {}\n")
        archive.writestr(f"objects/files/md5/9d/{'d4e461268c8034f5c8564e155c67a6'}", "x")  # the MD5 of "x"
    promised = {"id": 1, "context": "model review", "state": "success", "description": f"promote {digest}"}
    answers = ANSWERS | {f"commits/{HEAD}/statuses": [promised]}
    monkeypatch.setattr(github, "get_all", lambda path, **query: [] if query.get("event") == "merge_group" else answers[path])
    monkeypatch.setattr(github, "download", lambda _, target: shutil.copyfile("candidate.zip", target))
    monkeypatch.setattr(origin, "introduced", lambda: SHA)

    def play() -> str:
        origin.main()
        return digest

    return play


def test_the_reviewed_digest_and_bundle_reach_the_promotion_and_its_objects_do_not(merged: Play) -> None:
    digest = merged()
    assert json.loads(origin.ORIGIN.read_bytes())["reviewed"] == origin.read().reviewed == digest
    assert origin.read().reason == "promotion.rebuild is on"
    assert bundle.load(origin.REVIEWED, digest).digest == digest
    assert not Path(".dvc/cache").exists(), "main trains it itself"


def test_without_rebuild_its_objects_are_taken_over(merged: Play) -> None:
    Path("params.yaml").write_text(PARAMS.replace("rebuild: true", "rebuild: false"), encoding="utf-8")
    assert origin.read() == origin.Origin()
    assert merged() == origin.read().reviewed
    assert origin.read().reason is None
    assert [path.read_text() for path in Path(".dvc/cache").rglob("*") if path.is_file()] == ["x"]
    assert not origin.REVIEWED.exists()
