"""The store in a remote of DVC: S3, GCS, Azure, SSH, a local folder. Bundles lie in ``bundles/<digest>/`` beside DVC's objects."""

import tempfile
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from fsspec import AbstractFileSystem

from .. import bundle
from . import BUNDLES, AbsentError, StoreError, name_of, objects
from .filesystem import connect, in_one_line
from .push import push_objects
from .settings import Settings

CACHE = Path(".dvc/tmp/bundles")


class Remote:
    """The :class:`~.Store` in DVC's default remote."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is asked of the provider yet."""
        self._settings = settings
        self._url = settings.url.rstrip("/")

    def address(self, digest: str) -> str:
        """The URL of the bundle's folder."""
        return f"{self._url}/{BUNDLES}/{name_of(digest)}"

    def open(self) -> None:
        """Look whether the remote answers: an empty one is fine, one that is missing or refuses us is not."""
        with in_one_line(self._url, "read"):
            system, _ = self._connected
            files_in(system, self._folder("none"))

    def bundle(self, digest: str, into: Path | None = None) -> Path:
        """The bundle, downloaded to ``into`` or to a folder in DVC's own temporary one."""
        with in_one_line(self._url, "read"):
            system, _ = self._connected
            return download(system, self._folder(name_of(digest)), self.address(digest), into or CACHE / name_of(digest))

    def has(self, digest: str) -> bool:
        """Whether the bundle, downloaded now, is whole."""
        self.open()
        with tempfile.TemporaryDirectory() as folder:
            try:
                bundle.load(self.bundle(digest, Path(folder, "bundle")), digest)
            except (AbsentError, bundle.BundleError):
                return False
        return True

    def check(self, files: Iterable[Path]) -> None:
        """It takes every file."""

    def save(self, bundle_folder: Path, digest: str) -> None:
        """Push DVC's objects, then upload the bundle, its manifest last: a bundle that was cut short is never whole."""
        bundle.load(bundle_folder, digest)
        self.open()
        self._drop_cut_short()
        push_objects()
        if self.has(digest):
            return
        with in_one_line(self._url, "written"):
            system, _ = self._connected
            target = self._folder(name_of(digest))
            system.makedirs(target, exist_ok=True)
            for name in (*bundle.FILES, bundle.MANIFEST):
                system.put_file(str(bundle_folder / name), f"{target}/{name}")
        if not self.has(digest):
            raise StoreError(f"{self.address(digest)} is not what was written there; nothing was promoted, run the same command again")

    def sizes(self) -> dict[str, int]:
        """Every file by its path in the store, with its size in bytes."""
        with in_one_line(self._url, "read"):
            system, root = self._connected
            system.invalidate_cache()
            found = system.find(root, detail=True)
            start = len(system._strip_protocol(root).rstrip("/")) + 1
            return {path[start:]: int(entry["size"] or 0) for path, entry in found.items()}

    def read(self, path: str) -> bytes:
        """The content of one file."""
        with in_one_line(self._url, "read"):
            system, root = self._connected
            content: bytes = system.cat_file(f"{root.rstrip('/')}/{path}")
            return content

    def remove(self, paths: set[str]) -> None:
        """Delete files; of a bundle the manifest first, so that what is left of it is no bundle."""
        with in_one_line(self._url, "written"):
            system, root = self._connected
            for path in sorted(paths, key=lambda path: (not path.endswith(bundle.MANIFEST), path)):
                system.rm_file(f"{root.rstrip('/')}/{path}")

    def _drop_cut_short(self) -> None:
        """Delete objects that lie there with another size than ``dvc.lock`` says: DVC would take them for stored."""
        with in_one_line(self._url, "written"):
            system, root = self._connected
            for md5, size in objects.named_here().items():
                path = f"{root.rstrip('/')}/{objects.place(md5)}"
                if size >= 0 and not md5.endswith(".dir") and system.exists(path) and system.size(path) != size:
                    system.rm_file(path)

    @cached_property
    def _connected(self) -> tuple[AbstractFileSystem, str]:
        return connect(self._settings)

    def _folder(self, name: str) -> str:
        return f"{self._connected[1].rstrip('/')}/{BUNDLES}/{name}"


def files_in(system: AbstractFileSystem, folder: str) -> dict[str, int]:
    """The files right in a folder by name, with their sizes in bytes; an absent folder has none, an absent bucket raises."""
    system.invalidate_cache()
    found = system.find(folder, detail=True)  # without maxdepth: with one, fsspec passes over errors
    sizes = {path.rpartition("/"): int(entry["size"] or 0) for path, entry in found.items()}
    return {name: size for (parent, _, name), size in sizes.items() if parent.endswith(folder.strip("/"))}


def download(system: AbstractFileSystem, folder: str, address: str, into: Path) -> Path:
    """Bring a bundle's files, and no others, to ``into``; those that are missing stay missing.

    Raises:
        AbsentError: there is no manifest. BundleError: a file is too large for a bundle.
    """
    sizes = files_in(system, folder)
    if bundle.MANIFEST not in sizes:
        raise AbsentError(f"the store has no bundle {address}; promote it again")
    into.mkdir(parents=True, exist_ok=True)
    for name in (bundle.MANIFEST, *bundle.FILES):
        (into / name).unlink(missing_ok=True)
        if sizes.get(name, 0) > bundle.LARGEST_FILE:
            raise bundle.BundleError(f"{address}/{name}: is larger than {bundle.LARGEST_FILE >> 20} MiB; promote again")
        if name in sizes:
            system.get_file(f"{folder}/{name}", str(into / name))
    return into
