"""The store: DVC's objects and promoted bundles, by digest. Only promotion writes it.

Which one it is, is DVC's own choice of a remote (``.dvc/config``): the folder ``.dvc-store`` is the git ref ``refs/dvc/store`` of the
repository, no cloud account needed; any other remote of DVC (S3, GCS, Azure, SSH, a local folder) holds the same by the same names.

``python -m <package>.store``        opens the store, so that `dvc pull` finds the promoted model
``python -m <package>.store prune``  see :mod:`.prune`
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from .. import ProblemError

BUNDLES = "bundles"


class StoreError(ProblemError):
    """The store cannot be read or written, or does not have what was asked for."""


class AbsentError(StoreError):
    """The store has no such bundle."""


class Store(Protocol):
    """Where bundles and DVC's objects are kept. Every method may be repeated, also after it was cut off anywhere."""

    def address(self, digest: str) -> str:
        """Where the bundle of a digest is stored, as written into pointer files."""
        ...

    def open(self) -> None:
        """Prepare reading and writing, also for ``dvc pull`` and ``dvc push``; raises StoreError when the store is out of reach."""
        ...

    def bundle(self, digest: str, into: Path | None = None) -> Path:
        """The folder (``into``, or one of the store's own) with a bundle's files as the store has them now.

        They are not verified: read them with ``bundle.load(folder, digest)``. Raises AbsentError when there is no such bundle.
        """
        ...

    def has(self, digest: str) -> bool:
        """Whether the bundle of a digest is stored now and is whole. Raises StoreError when the store is out of reach."""
        ...

    def check(self, files: Iterable[Path]) -> None:
        """Raise StoreError when one of these files is more than the store takes. Nothing is asked of the provider."""
        ...

    def save(self, bundle_folder: Path, digest: str) -> None:
        """Store DVC's objects with the run cache, then the bundle, and read the bundle back as a server would.

        Raises StoreError when the store refuses or is out of reach, BundleError when the folder does not hold the digest's bundle.
        """
        ...

    def sizes(self) -> dict[str, int]:
        """Every file by its path in the store, with its size in bytes: for pruning."""
        ...

    def read(self, path: str) -> bytes:
        """The content of one file: for pruning, after ``sizes``."""
        ...

    def remove(self, paths: set[str]) -> None:
        """Take files out for good. Raises StoreError when somebody else changed the store since ``sizes``; nothing is removed then."""
        ...


def configured() -> Store:
    """The store that ``.dvc/config`` of this project names; without that file the git ref.

    Raises:
        StoreError: the file names no usable remote.
    """
    from . import git_ref, settings  # here, because both kinds need what stands above

    chosen = settings.read()
    if chosen is None or chosen.url == str(git_ref.FOLDER.resolve()):
        return git_ref.GitRef()
    from .remote import Remote  # needs fsspec, which the git ref does without

    return Remote(chosen)


def find(digest: str, address: str) -> Path:
    """The folder with the files of a bundle that a pointer names: from the store, or from ``address`` when the store was elsewhere then.

    Like ``Store.bundle``, it does not verify them, and raises what that raises.
    """
    kept = configured()
    try:
        return kept.bundle(digest)
    except AbsentError:
        if address == kept.address(digest):
            raise
    return _at(address).bundle(digest)


def _at(address: str) -> Store:
    """The store of an address; one of the same kind as the configured one is taken to be at the same endpoint."""
    from . import git_ref, settings

    if address.startswith(f"{git_ref.REF}:"):
        return git_ref.GitRef()
    from .remote import Remote

    chosen, there = settings.read(), settings.Settings("", address.rpartition(f"/{BUNDLES}/")[0])
    return Remote(settings.Settings("", there.url, chosen.options if chosen and chosen.scheme == there.scheme else {}))


def name_of(digest: str) -> str:
    """The name of a digest's bundle inside :data:`BUNDLES`."""
    return digest.removeprefix("sha256:")
