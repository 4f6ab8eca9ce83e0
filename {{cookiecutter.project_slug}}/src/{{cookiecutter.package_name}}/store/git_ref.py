"""The store in the ref ``refs/dvc/store`` of the git repository, which a plain clone does not download.

Opened, it is the folder ``.dvc-store``, DVC's remote: a small repository of its own that takes ``origin`` and the rights to it from this
one's configuration. What a killed git leaves there (locks, half a fetch) never stands in the way of this repository's own git, and
is thrown away with the folder. The ref only grows: each save adds a commit on top of what others added.
"""

import random
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from .. import bundle
from ..git import GitError, git, git_bytes, succeeds
from . import BUNDLES, AbsentError, StoreError, name_of
from .push import push_objects

REF = "refs/dvc/store"
FOLDER = Path(".dvc-store")
LARGEST = 100 * 1024**2  # what GitHub takes as one file
_AUTHOR = ("-c", "user.name=promotion", "-c", "user.email=promotion@users.noreply.github.com", "-c", "core.hooksPath=/dev/null")
_OWN = "--git-dir=.git"
_TRIES = 6


class GitRef:
    """The :class:`~.Store` in the git ref of ``origin``."""

    def address(self, digest: str) -> str:
        """Ref and path of the bundle."""
        return f"{REF}:{BUNDLES}/{name_of(digest)}"

    def open(self) -> None:
        """Bring ``.dvc-store`` to the newest state of the ref; a repository without one gets an empty store.

        What an earlier save left there unfinished is thrown away: DVC's cache and ``models/bundle`` still have it.
        """
        commit = _remote_commit()
        try:
            _bring(commit)
        except GitError:  # a git that was killed left it locked or broken
            shutil.rmtree(FOLDER, ignore_errors=True)
            try:
                _bring(commit)
            except GitError as error:
                raise StoreError(f"the store {REF} cannot be fetched: {error}; run the same command again") from None

    def bundle(self, digest: str, into: Path | None = None) -> Path:
        """The bundle's folder in the opened store, brought up to date, or a copy of it."""
        self.open()
        folder = _folder(digest)
        if not folder.is_dir():
            raise AbsentError(f"the store {REF} has no bundle {digest}; promote it again")
        return Path(shutil.copytree(folder, into, dirs_exist_ok=True)) if into else folder

    def has(self, digest: str) -> bool:
        """Whether the newest state of the ref holds the bundle, whole."""
        self.open()
        return _is_whole(digest)

    def check(self, files: Iterable[Path]) -> None:
        """Refuse what GitHub would refuse."""
        for path in files:
            if path.stat().st_size > LARGEST:
                raise StoreError(
                    f"{path} is larger than the {LARGEST >> 20} MiB that GitHub takes as one file; nothing was stored. "
                    "Keep the store in a bucket or on a disk: `dvc remote modify store url s3://…` (README, 'Where models are kept')"
                )

    def save(self, bundle_folder: Path, digest: str) -> None:
        """Commit and push DVC's objects and the bundle; files that GitHub would refuse are refused before the push."""
        bundle.load(bundle_folder, digest)
        self.open()
        push_objects()
        if not _is_whole(digest):
            _copy(bundle_folder, _folder(digest))
        self._check_added()
        _publish(f"Bundle {digest}")
        bundle.load(self.bundle(digest), digest)

    def _check_added(self) -> None:
        """Check what the next commit adds; what is refused is taken out again."""
        added = _git("ls-files", "--others", "--modified", "--exclude-standard", "-z").split("\0")
        files = [FOLDER / name for name in added if name]
        try:
            self.check(files)
        except StoreError:
            for path in files:
                path.unlink()
            raise

    def sizes(self) -> dict[str, int]:
        """Every file in the newest state of the ref, with its size in bytes."""
        self.open()
        entries = _git("ls-tree", "-r", "-l", "-z", "HEAD").split("\0")
        return {entry.partition("\t")[2]: int(entry.split()[3]) for entry in entries if entry}

    def read(self, path: str) -> bytes:
        """The content of one file."""
        return git_bytes(_OWN, "cat-file", "blob", f"HEAD:{path}", cwd=FOLDER)

    def remove(self, paths: set[str]) -> None:
        """Replace the ref by one commit, without a parent, that holds all files but these."""
        before = _git("rev-parse", "HEAD")
        _git("rm", "-q", "--cached", "--pathspec-from-file=-", "--pathspec-file-nul", stdin="\0".join(sorted(paths)))
        fresh = _git(*_AUTHOR, "commit-tree", _git("write-tree"), "-m", "Start of the store, pruned")
        try:
            _git("push", "-q", f"--force-with-lease={REF}:{before}", "origin", f"{fresh}:{REF}")
        except GitError as error:
            raise StoreError(f"the store {REF} was not pruned: {error}; run the same command again") from None
        finally:
            self.open()


def _folder(digest: str) -> Path:
    return FOLDER / BUNDLES / name_of(digest)


def _is_whole(digest: str) -> bool:
    try:
        bundle.load(_folder(digest), digest)
    except bundle.BundleError:
        return False
    return True


def _copy(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for name in (*bundle.FILES, bundle.MANIFEST):
        shutil.copyfile(source / name, target / name)


def _publish(message: str) -> None:
    """Commit what was added to ``.dvc-store`` and push it. Other writers' objects are kept."""
    reason = None
    for attempt in range(_TRIES):
        try:
            if attempt and (commit := _remote_commit()):  # a mixed reset keeps our files, to add them to the other writer's
                _fetch(commit)
                _git("reset", "-q", commit)
            _git("add", "--ignore-removal", ".")
            if not _says_yes("diff", "--cached", "--quiet"):
                _git(*_AUTHOR, "commit", "-q", "-m", message)
            elif _git("rev-parse", "HEAD") == _remote_commit():
                return
            _git("push", "-q", "origin", f"HEAD:{REF}")
            return
        except GitError as error:
            reason = error
        time.sleep(random.uniform(0, 1 + attempt))  # noqa: S311 - two writers must only not meet again
    raise StoreError(f"the store {REF} could not be pushed: {reason}; run the same command again")


def _remote_commit() -> str | None:
    """The newest commit of the ref; None where there is no remote or no store in it yet."""
    if "origin" not in git("remote").split():
        return None
    try:
        line = git("ls-remote", "origin", REF)
    except GitError as error:
        raise StoreError(f"the store {REF} cannot be read: {error}; check the network and the rights to `origin`") from None
    return line.split()[0] if line else None


def _bring(commit: str | None) -> None:
    """Give ``.dvc-store`` the content of a commit and nothing else; without a commit, of the last one that it had."""
    if (FOLDER / ".git").is_file():  # a worktree of this repository, as it was once: what is configured there would be configured here
        shutil.rmtree(FOLDER)
    git("init", "-q", "--template=", "--initial-branch=store", str(FOLDER))  # says nothing against one that is there
    _git("config", "include.path", str(Path(git("rev-parse", "--git-path", "config")).resolve()))
    _git("config", "core.autocrlf", "false")  # every byte counts here
    if commit:
        _fetch(commit)
    elif not _says_yes("rev-parse", "-q", "--verify", "HEAD"):
        commit = _git(*_AUTHOR, "commit-tree", _git("mktree", stdin=""), "-m", "Start of the store")
    _git("reset", "-q", "--hard", commit or "HEAD")
    _git("clean", "-ffdqx")


def _fetch(commit: str) -> None:
    if not _says_yes("cat-file", "-e", f"{commit}^{{commit}}"):
        _git("fetch", "-q", "--depth=1", "--no-tags", "origin", REF)


def _git(*args: str, stdin: str | None = None) -> str:
    """git in the store; a broken one is an error, and not the repository around it."""
    return git(_OWN, *args, cwd=FOLDER, stdin=stdin)


def _says_yes(*args: str) -> bool:
    return succeeds(_OWN, *args, cwd=FOLDER)
