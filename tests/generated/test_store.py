"""What is special about the store in the git ref; what it shares with every other kind is in tests/store."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from churn import candidate, store
from churn.review import evidence, judge
from churn.store import StoreError, git_ref, objects, settings
from serving_kit import make_bundle

Clone = Callable[[str], Path]
NOWHERE = f"sha256:{'0' * 64}"
CONFIG = "[core]\n    analytics = false\n    remote = store\n['remote \"store\"']\n    url = ../.dvc-store\n    verify = true\n"


@pytest.fixture
def origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty bare repository."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.delenv("GH_TOKEN", raising=False)
    folder = tmp_path / "origin.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(folder)], check=True)
    return folder


@pytest.fixture
def clone(origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clone:
    """Make a clone with DVC's configuration under a name, or go back to it; the test stands in it afterwards."""

    def make(name: str) -> Path:
        folder = tmp_path / name
        if not folder.exists():
            subprocess.run(["git", "clone", "-q", str(origin), str(folder)], check=True, capture_output=True)
            (folder / ".gitignore").write_text("/.dvc-store/\n/.dvc/tmp\n/.dvc/cache\n")
            (folder / ".dvc").mkdir()
            (folder / ".dvc/config").write_text(CONFIG)
        monkeypatch.chdir(folder)
        return folder

    return make


def _objects() -> set[str]:
    return {path.name for path in git_ref.FOLDER.iterdir()} - {".git"}


def test_saving_again_adds_no_commit(clone: Clone, origin: Path, tmp_path: Path) -> None:
    digest = make_bundle(tmp_path / "one")
    clone("a")
    store.configured().save(tmp_path / "one", digest)
    first = subprocess.check_output(["git", "rev-parse", git_ref.REF], cwd=origin)
    clone("b")
    store.configured().save(tmp_path / "one", digest)
    assert subprocess.check_output(["git", "rev-parse", git_ref.REF], cwd=origin) == first


def test_a_store_out_of_reach_is_one_line(clone: Clone, origin: Path, tmp_path: Path) -> None:
    clone("a")
    store.configured().open()
    origin.rename(tmp_path / "gone.git")
    for call in (store.configured().open, lambda: store.configured().has(NOWHERE), lambda: store.configured().bundle(NOWHERE)):
        with pytest.raises(StoreError, match="the store refs/dvc/store cannot be read"):
            call()


@pytest.mark.parametrize("left", [None, "index.lock", "HEAD.lock", "config.lock", "shallow.lock"])
def test_what_a_killed_save_left_is_cleared(clone: Clone, tmp_path: Path, left: str | None) -> None:
    digest = make_bundle(tmp_path / "one")
    here = clone("a")
    store.configured().open()
    (here / ".dvc-store/half.tmp").write_text("half")
    if left:
        (here / ".dvc-store/.git" / left).touch()
    store.configured().save(tmp_path / "one", digest)
    assert store.configured().has(digest)
    assert _objects() == {store.BUNDLES}


@pytest.mark.parametrize("broken", ["HEAD", "config", "objects"])
def test_a_broken_store_is_made_anew_and_the_repository_around_it_is_left_alone(clone: Clone, tmp_path: Path, broken: str) -> None:
    digest = make_bundle(tmp_path / "one")
    here = clone("a")
    store.configured().save(tmp_path / "one", digest)
    (here / "mine.txt").write_text("not committed")
    before = (here / ".git/config").read_bytes()
    left = here / ".dvc-store/.git" / broken
    left.rename(tmp_path / "gone")
    if broken != "objects":
        left.write_text("garbage")
    assert store.configured().has(digest)
    assert (here / "mine.txt").read_text() == "not committed"
    assert (here / ".git/config").read_bytes() == before


def test_a_store_that_was_opened_as_a_worktree_is_made_anew(clone: Clone, tmp_path: Path) -> None:
    digest = make_bundle(tmp_path / "one")
    here = clone("a")
    store.configured().save(tmp_path / "one", digest)
    commit = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=".dvc-store", text=True).strip()
    shutil.rmtree(".dvc-store")
    subprocess.run(["git", "fetch", "-q", "--depth=1", "origin", git_ref.REF], check=True)
    subprocess.run(["git", "worktree", "add", "-q", "--detach", ".dvc-store", commit], check=True, capture_output=True)
    before = (here / ".git/config").read_bytes()
    assert store.configured().has(digest)
    assert (here / ".git/config").read_bytes() == before
    assert (here / ".dvc-store/.git").is_dir()


def test_files_too_large_for_github_are_refused_before_the_push(
    clone: Clone, origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = make_bundle(tmp_path / "one")
    largest = max((tmp_path / "one").iterdir(), key=lambda path: path.stat().st_size)
    monkeypatch.setattr(git_ref, "LARGEST", largest.stat().st_size - 1)
    clone("a")
    with pytest.raises(StoreError, match=rf"{largest.name} is larger than .* `dvc remote modify store url s3://…`"):
        store.configured().save(tmp_path / "one", digest)
    assert subprocess.run(["git", "rev-parse", "-q", "--verify", git_ref.REF], cwd=origin, capture_output=True).returncode


def test_a_candidate_that_promotion_could_not_store_is_refused_in_the_pull_request(
    clone: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here = clone("a")
    make_bundle(here / "models/bundle")
    (here / "reports").mkdir()
    content = b"x" * 300_000
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    kept = here / ".dvc/cache" / objects.place(md5)
    kept.parent.mkdir(parents=True)
    kept.write_bytes(content)
    for name, text in {"metrics.json": "{}", "run.json": "{}", "dvc.lock": f"stages: {{prepare: {{outs: [{{md5: {md5}}}]}}}}"}.items():
        (here / "reports" / name).write_text(text)
    candidate.main()
    assert "packed candidate: sha256:" in capsys.readouterr().out
    monkeypatch.setattr(git_ref, "LARGEST", 299_999)
    with pytest.raises(StoreError, match=rf"candidate/objects/{objects.place(md5)} is larger than .* `dvc remote modify store url s3://…`"):
        candidate.main()
    _dvc("remote", "modify", "store", "url", "/srv/models")
    candidate.main()


@pytest.mark.parametrize(
    ("url", "resolved", "scheme"),
    [
        ("s3://bucket/churn", "s3://bucket/churn", "s3"),
        ("azure://container", "azure://container", "azure"),
        ("../disk", "{here.parent}/disk", "file"),  # DVC writes ../../disk: from the folder of its file
        ("/srv/models", "/srv/models", "file"),
    ],
)
def test_the_remote_that_dvc_writes_is_read(clone: Clone, url: str, resolved: str, scheme: str) -> None:
    here = clone("a")
    _dvc("remote", "modify", "store", "url", url)
    assert settings.read() == settings.Settings("store", resolved.format(here=here), {"verify": "true"})
    assert settings.read().scheme == scheme  # type: ignore[union-attr]


def test_what_is_set_on_this_machine_only_wins(clone: Clone) -> None:
    clone("a")
    _dvc("remote", "modify", "store", "url", "s3://bucket/churn")
    _dvc("remote", "modify", "--local", "store", "profile", "mona")
    _dvc("remote", "add", "--local", "--default", "mine", "../mine")
    _dvc("remote", "modify", "--local", "mine", "verify", "true")
    chosen = settings.read()
    assert chosen is not None
    assert (chosen.name, chosen.scheme) == ("mine", "file")
    _dvc("config", "--local", "core.remote", "store")
    assert settings.read() == settings.Settings("store", "s3://bucket/churn", {"verify": "true", "profile": "mona"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[core]\n", "names no default remote with a URL; add one with `dvc remote add --default store <url>`"),
        ("[core]\nremote = gone\n", "names no default remote with a URL"),
        ("[core]\nremote = s\n['remote \"s\"']\nurl = s3://b/c\n", "run `dvc remote modify s verify true`"),
        ("url = x\n", "cannot be read: File contains no section headers"),
    ],
)
def test_a_configuration_without_a_remote_is_one_line(clone: Clone, text: str, words: str) -> None:
    (clone("a") / ".dvc/config").write_text(text)
    with pytest.raises(StoreError) as caught:
        store.configured()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_fork_whose_training_failed_is_told_about_a_store_that_is_closed_to_it(clone: Clone) -> None:
    clone("a")
    failed = evidence.Subject(1, "a" * 40, succeeded=False, merge="b" * 40, fork=True)
    assert judge._failed(failed) == "the train workflow failed: its log says why"
    _dvc("remote", "modify", "store", "url", "s3://bucket/churn")
    assert "no credentials for the store s3://bucket/churn: it cannot be judged here; a maintainer can dispatch it" in judge._failed(failed)
    assert judge._failed(replace(failed, fork=False)) == "the train workflow failed: its log says why"


def test_a_library_that_is_not_locked_is_one_line(clone: Clone) -> None:
    clone("a")
    _dvc("remote", "modify", "store", "url", "s3://bucket/churn")
    with pytest.raises(StoreError, match=r"the store s3://bucket/churn cannot be read: .*; lock its library with `make lock`, commit"):
        store.configured().open()


def _dvc(*args: str) -> None:
    subprocess.run([sys.executable, "-m", "dvc", *args], check=True, capture_output=True)
