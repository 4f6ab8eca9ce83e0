"""The part of an overlay that promotion writes, on top of whatever people wrote into the rest, with real git repositories."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from churn import params, pointer
from churn.pointer import Pointer
from churn.registry import finish, main_branch, overlay, promote, steps, trust
from churn.registry.overlay import OverlayError

Commit = Callable[..., str]
Git = Callable[..., str]
ONE, TWO = (f"registry.invalid/churn@sha256:{letter * 64}" for letter in "12")
EMPTY = "namespace: {}\nresources: [../../base]\n\n# What runs here. Promotion and rollback write everything below this line.\nimages: []\n"


def _pointer(version: int, image: str | None) -> Pointer:
    return Pointer("churn", version, f"sha256:{version:064x}", "store", "c" * 40, "mona", image=image)


def _write(environment: str, image: str, version: int) -> None:
    file = overlay.path(environment)
    file.write_text(overlay.rendered(environment, file.read_text(), image, version))


@pytest.fixture
def origin(git: Git, base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The repository that takes main; nobody asks it for a status."""
    folder = tmp_path / "origin"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(folder)], check=True)
    git("remote", "add", "origin", str(folder))
    monkeypatch.setattr(main_branch, "_vouch", lambda *_: None)
    return folder


@pytest.fixture
def base(git: Git) -> str:
    """A commit with the overlays of two environments."""
    for name in ("staging", "production"):
        overlay.path(name).parent.mkdir(parents=True)
        overlay.path(name).write_text(EMPTY.format(name))
    git("add", "-A")
    git("commit", "-q", "-m", "overlays")
    return git("rev-parse", "HEAD")


def test_every_environment_gets_the_image_and_the_version(base: str) -> None:
    files = overlay.changed(base, ("staging", "production"), _pointer(3, ONE))
    assert list(files) == [overlay.path(name).as_posix() for name in ("staging", "production")]
    for name, text in zip(("staging", "production"), files.values(), strict=True):
        assert overlay.parse(name, text) == (ONE, 3)
        assert text.startswith(f"namespace: {name}\n")


def test_only_the_environment_that_is_rolled_back_changes(base: str) -> None:
    assert list(overlay.changed(base, ("staging",), _pointer(1, ONE))) == [overlay.path("staging").as_posix()]


def test_the_working_tree_counts_for_nothing(base: str) -> None:
    overlay.path("production").write_text("a change that nobody committed\n")
    (text,) = overlay.changed(base, ("production",), _pointer(3, ONE)).values()
    assert text.startswith("namespace: production\n")


def test_what_a_person_writes_meanwhile_is_kept(git: Git, base: str, origin: Path) -> None:
    """Main gets a new patch in the overlay after promotion looked at it and before it pushes."""
    file = overlay.path("production")
    file.write_text(file.read_text().replace("resources:", "nameSuffix: -eu\nresources:"))
    git("commit", "-q", "-a", "-m", "A person's change")
    git("push", "-q", "origin", "main")
    looked: list[str] = []
    assert main_branch.publish(
        {"models/production.yaml": "new\n"},
        "Promote",
        base,
        looked.append,
        beside=lambda commit: overlay.changed(commit, ("production",), _pointer(3, ONE)),
    )
    text = git("show", "origin/main:deploy/kubernetes/overlays/production/kustomization.yaml") + "\n"
    assert looked
    assert "nameSuffix: -eu\n" in text and overlay.parse("production", text) == (ONE, 3)
    assert git("diff", "--name-only", "origin/main~1", "origin/main").split() == [file.as_posix(), "models/production.yaml"]


def test_a_version_without_an_image_leaves_the_overlay_and_says_so(
    git: Git, base: str, commit: Commit, capsys: pytest.CaptureFixture[str]
) -> None:
    assert overlay.changed(base, ("staging", "production"), _pointer(1, None)) == {}
    assert capsys.readouterr().out == "", "nothing ran there: nothing to say"
    _write("production", TWO, 2)
    assert overlay.changed(commit(), ("staging", "production"), _pointer(1, None)) == {}
    told = f"::warning::version 1 was promoted without an image, so {overlay.path('production')} keeps {TWO}\n"
    assert capsys.readouterr().out == told


def test_a_repository_without_overlays_needs_none(git: Git, commit: Commit) -> None:
    assert overlay.changed(commit(README_dot_md="x"), ("production",), _pointer(1, ONE)) == {}


def test_an_environment_that_lacks_its_overlay_is_told(base: str) -> None:
    with pytest.raises(OverlayError, match=r"overlays/qa/kustomization.yaml: no such file; copy the folder of another environment"):
        overlay.changed(base, ("qa", "production"), _pointer(1, ONE))
    assert overlay.changed(base, ("qa", "production"), _pointer(1, None)) == {}, "without an image nothing is written there"


PARAMS = (Path(params.__file__).parents[2] / "params.yaml").read_text(encoding="utf-8")


@pytest.fixture
def edited(git: Git, origin: Path) -> str:
    """A main on which a pull request moved production's pointer, and nobody the overlay."""
    Path("params.yaml").write_text(PARAMS)
    pointer.write(Path("models/staging.yaml"), _pointer(2, TWO))
    pointer.write(Path("models/production.yaml"), _pointer(1, ONE))
    for name in ("staging", "production"):
        _write(name, TWO, 2)
    git("add", "-A")
    git("commit", "-q", "-m", "Back to version 1")
    git("push", "-q", "origin", "main")
    return git("rev-parse", "HEAD")


def test_an_overlay_follows_a_pointer_that_a_person_edited(git: Git, edited: str) -> None:
    main = finish._aligned(edited, ("staging", "production"))
    assert git("diff", "--name-only", edited, main) == overlay.path("production").as_posix()
    text = git("show", f"{main}:{overlay.path('production').as_posix()}") + "\n"
    assert overlay.parse("production", text) == (ONE, 1)
    assert git("ls-remote", "origin", "refs/heads/main").split()[0] == main
    assert finish._aligned(main, ("staging", "production")) == main, "once is enough"


def test_where_a_person_merges_promotions_the_difference_is_told(edited: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("params.yaml").write_text(PARAMS.replace("push: direct", "push: pull-request"))
    assert finish._aligned(edited, ("staging", "production")) == edited
    assert f"::warning::{overlay.path('production')}: does not run the `image` of its pointer" in capsys.readouterr().out


class Store:
    """Has every bundle somewhere."""

    def bundle(self, digest: str) -> Path:
        return Path(digest)

    def address(self, digest: str) -> str:
        return "store"


def test_what_is_in_production_gets_its_image_when_images_are_wanted_later(
    git: Git, base: str, origin: Path, commit: Commit, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, version in (("staging", 3), ("production", 3), ("qa", 2)):
        pointer.write(Path(f"models/{name}.yaml"), msgspec.structs.replace(_pointer(version, None), commit=base))
    main = commit("Promote version 3")
    git("push", "-q", "origin", "main")
    monkeypatch.setattr(promote.store, "configured", Store)
    monkeypatch.setattr(steps.image, "publish", lambda folder, name: f"{name}@sha256:{'1' * 64}")
    monkeypatch.setattr(steps.bundle, "load", lambda folder, digest: folder)
    settings = params.Promotion(environments=("qa", "staging", "production"), image="registry.invalid/churn")
    now = pointer.read(Path("models/production.yaml"))
    assert now
    made = SimpleNamespace(digest=now.digest)
    monkeypatch.setattr(trust, "made_from_main", lambda made: None)
    monkeypatch.setattr(trust, "as_reviewed", lambda made, found: None)

    promote._note(now, made, main, main, settings)

    git("fetch", "-q", "origin")
    texts = {name: git("show", f"origin/main:models/{name}.yaml") for name in ("qa", "staging", "production")}
    assert [pointer.parse(text, name).image for name, text in texts.items()] == [None, ONE, ONE]
    for name in ("staging", "production"):
        assert overlay.parse(name, git("show", f"origin/main:{overlay.path(name).as_posix()}") + "\n") == (ONE, 3)
    promote._note(msgspec.structs.replace(now, image=ONE), made, main, main, settings)
    assert git("rev-list", "--count", f"{main}..origin/main") == "1", "once is enough"
