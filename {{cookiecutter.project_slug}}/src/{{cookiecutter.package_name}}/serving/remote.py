"""Reads a pointer and its bundle from a git remote, into a cache of its own. It only ever reads the remote.

Credentials are git's own (a credential helper, an SSH agent): for a private repository a read-only deploy key is enough. A bundle that
is kept outside git (see :mod:`..store`) is read with the provider's own credentials and with the settings in the remote's ``.dvc/config``.
"""

import os
import re
import shutil
from pathlib import Path

from .. import ProblemError, bundle
from ..bundle import Bundle, BundleError
from ..git import GitError, git, git_bytes
from ..pointer import Pointer, parse

_BRANCH, _STORE = "refs/follow/branch", "refs/follow/store"
_PLACE = re.compile(r"(refs/[\w./-]+):([\w./-]+)", re.ASCII)
_LARGEST_TEXT = 65_536
# A stalled transfer is given up after 20 s; house-keeping runs in the foreground, so that no process outlives the server.
_SETTINGS = {"gc.autoDetach": "false", "maintenance.autoDetach": "false", "http.lowSpeedLimit": "1", "http.lowSpeedTime": "20"}


class NothingPromotedError(ProblemError):
    """The remote can be read, but names no model."""


class Remote:
    """``models/<environment>.yaml`` on a branch of a git remote, and the bundles that it names."""

    def __init__(self, url: str, branch: str, environment: str, cache: Path) -> None:
        """``cache`` belongs to this remote, branch and environment alone; it is made when it is missing."""
        self.url, self.branch, self.cache = url, branch, cache
        self.pointer_path = f"models/{environment}.yaml"
        self._git = cache / "git"
        self._opened = False

    def __str__(self) -> str:
        return f"{self.pointer_path} on {self.branch} of {without_credentials(self.url)}"

    def commit(self) -> str:
        """The newest commit of the branch, without fetching anything.

        Raises:
            GitError: the remote cannot be read.
            NothingPromotedError: the branch does not exist.
        """
        self._open()
        lines = git("ls-remote", "origin", f"refs/heads/{self.branch}", cwd=self._git).splitlines()
        for line in lines:
            commit, name = line.split("\t")
            if name == f"refs/heads/{self.branch}":
                return commit
        raise NothingPromotedError(f"{self} cannot be read: there is no branch {self.branch}; push it, or name another with --branch")

    def pointer(self) -> tuple[str, Pointer]:
        """Fetch the branch; returns its commit and the pointer in it.

        Raises:
            GitError: the remote cannot be read. NothingPromotedError: there is no such pointer. PointerError: it is garbage.
        """
        self._fetch(f"refs/heads/{self.branch}", _BRANCH)
        if (text := self.text(self.pointer_path)) is None:
            raise NothingPromotedError(f"{self} does not exist: nothing has been promoted yet; merge a pull request first")
        return git("rev-parse", _BRANCH, cwd=self._git), parse(text, str(self))

    def text(self, path: str) -> str | None:
        """A small file of the branch as it was fetched last, or None where there is no such file.

        Raises:
            GitError: the remote cannot be read. BundleError: the file is too large.
        """
        if not (entry := git("ls-tree", _BRANCH, "--", path, cwd=self._git)):
            return None
        return self._blob(entry.split()[2], _LARGEST_TEXT, f"{path} on {self.branch}").decode("utf-8", "replace")

    def bundle(self, wanted: Pointer) -> Bundle:
        """The verified bundle that a pointer names, from the cache or else from the store.

        Raises:
            GitError: the store cannot be read. BundleError: the store has no such bundle, or it is not what its digest says.
        """
        try:
            return self.cached(wanted.digest)
        except BundleError:
            shutil.rmtree(self._folder(wanted.digest), ignore_errors=True)
        self._download(wanted)
        try:
            return self.cached(wanted.digest)
        except BundleError:
            shutil.rmtree(self._folder(wanted.digest), ignore_errors=True)
            raise

    def cached(self, digest: str) -> Bundle:
        """The bundle of a digest from the cache alone, verified; raises BundleError where there is no good one."""
        return bundle.load(self._folder(digest), expected=digest)

    def prune(self, keep: set[str]) -> None:
        """Delete every cached bundle but those of the digests to keep."""
        names = {self._folder(digest).name for digest in keep}
        for folder in (self.cache / "bundles").glob("*"):
            if folder.name not in names:
                shutil.rmtree(folder, ignore_errors=True)

    def reset(self) -> None:
        """Forget what was fetched (not the bundles): the next fetch starts with a fresh, undamaged repository."""
        shutil.rmtree(self._git, ignore_errors=True)

    def _folder(self, digest: str) -> Path:
        return self.cache / "bundles" / digest.removeprefix("sha256:")

    def _open(self) -> None:
        if self._opened and self._git.exists():
            return
        if self._git.exists():
            git("remote", "set-url", "origin", self.url, cwd=self._git)
        else:
            self._init()
        self._opened = True

    def _init(self) -> None:
        fresh = self.cache / f".git-{os.getpid()}"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        git("init", "-q", "--bare", "--template=", cwd=fresh)
        git("remote", "add", "origin", self.url, cwd=fresh)
        for name, value in _SETTINGS.items():
            git("config", name, value, cwd=fresh)
        fresh.rename(self._git)

    def _fetch(self, name: str, into: str) -> None:
        # A remote that cannot filter says so and sends whole commits: git carries on by itself.
        self._open()
        git("fetch", "-q", "--depth=1", "--no-tags", "--filter=blob:none", "origin", f"+{name}:{into}", cwd=self._git)

    def _blob(self, name: str, largest: int, where: str) -> bytes:
        if int(git("cat-file", "-s", name, cwd=self._git)) > largest:
            raise BundleError(f"{where}: is larger than {largest} bytes; restore it with `git revert`")
        return git_bytes("cat-file", "blob", name, cwd=self._git)

    def _download(self, wanted: Pointer) -> None:
        target = self._folder(wanted.digest)
        temporary = target.with_name(f".{target.name}-{os.getpid()}")
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        try:
            if place := _PLACE.fullmatch(wanted.bundle):
                self._copy_from_git(place[1], place[2], wanted.digest, temporary)
            else:
                self._copy_from_outside(wanted.bundle, temporary)
            temporary.replace(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def _copy_from_git(self, ref: str, path: str, digest: str, folder: Path) -> None:
        self._fetch(ref, _STORE)
        entries = git("ls-tree", _STORE, "--", path.rstrip("/") + "/", cwd=self._git).splitlines()
        if not entries:
            raise BundleError(f"{ref} of {without_credentials(self.url)} has no bundle {digest}; promote again")
        for entry in entries:
            self._save(entry, folder)

    def _copy_from_outside(self, address: str, folder: Path) -> None:
        if "://" not in address and not Path(address).is_absolute():
            raise BundleError(
                f"{self}: bundle {address!r} is not a place in a git ref, as in refs/dvc/store:bundles/…, nor a URL; promote again"
            )
        from ..store import outside  # only here: the git ref needs none of it

        outside.fetch(address, self.text(".dvc/config") or "", folder)

    def _save(self, entry: str, folder: Path) -> None:
        kind, path = entry.split("\t")
        mode, _, name = kind.split()
        file = path.rpartition("/")[2]
        if file not in (bundle.MANIFEST, *bundle.FILES) or mode not in ("100644", "100755"):
            raise BundleError(f"the store's {path!r} does not belong into a bundle; nothing of it is used, promote again")
        (folder / file).write_bytes(self._blob(name, bundle.LARGEST_FILE, path))


def locate(follow: str | None) -> str:
    """The URL or absolute path to follow: what was named, or this repository's ``origin``, or this repository itself.

    Raises:
        GitError: it is neither a URL, nor a repository on this machine, nor one of this repository's remotes.
    """
    here = _top(Path.cwd())
    remotes = git("remote", cwd=here).split() if here else []
    if follow is None:
        if here is None:
            raise GitError(f"{Path.cwd()} is not a git repository; run `git init`, or name one with --follow, or a bundle with --model")
        follow = "origin" if "origin" in remotes else str(here)
    if here and follow in remotes and not Path(follow).exists():
        follow = git("remote", "get-url", follow, cwd=here)
        return follow if _is_url(follow) else str((here / follow).resolve())
    if _is_url(follow):
        return follow
    if "/" not in follow and follow not in (".", "..") and not Path(follow).exists():
        known = f"known remotes: {', '.join(remotes)}" if remotes else "this folder has no remotes"
        raise GitError(f"--follow {follow!r} is neither a URL, nor a folder, nor a git remote ({known}); correct it")
    return str(Path(follow).expanduser().resolve())


def check_local(url: str) -> None:
    """Raise GitError when ``url`` is a path on this machine without a git repository."""
    if not _is_url(url) and (not Path(url).is_dir() or not _is_repository(Path(url))):
        raise GitError(f"{url} is not a git repository; name a URL or a repository with --follow")


def without_credentials(text: str) -> str:
    """Text that may be shown: URLs in it lose their user and password."""
    return re.sub(r"://[^/@\s]+@", "://", text)


def _is_url(text: str) -> bool:
    return "://" in text or (re.match(r"[^/\\]{2,}:", text) is not None and not Path(text).exists())


def _is_repository(path: Path) -> bool:
    try:
        git("ls-remote", "--heads", str(path), cwd=path)
    except GitError:
        return False
    return True


def _top(path: Path) -> Path | None:
    try:
        return Path(git("rev-parse", "--show-toplevel", cwd=path))
    except GitError:
        return None
