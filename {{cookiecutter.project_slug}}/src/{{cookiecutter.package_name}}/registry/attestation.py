"""Takes the files of production's release into ``release/``, to be attested: nothing that is not the promoted bundle is signed.

``python -m <package>.registry.attestation``  (``make attestation``); the output ``missing`` says whether there is something to attest
"""

import hashlib
import shutil
import tarfile
from pathlib import Path

from .. import github, pointer, run
from ..bundle import MANIFEST
from ..github import GitHubError
from ..plan import tell
from ..pointer import Pointer
from . import PRODUCTION, pointer_path, release, tag
from .release import ReleaseError

FOLDER = Path("release")
KINDS = 2  # provenance and bill of materials
_NOT_FOUND = 404


def take() -> bool:
    """Download and check the files of production's release; False where there is none or it is attested already.

    Raises:
        ReleaseError: the release is not there, a file is missing, or they are not those of the digest that the pointer names.
    """
    now = pointer.read(pointer_path(PRODUCTION))
    if now is None:
        print("nothing was promoted yet: nothing is attested")
        return False
    files = _download(now)
    _check(now, files)
    made = _attestations(hashlib.sha256(files[release.ARCHIVE].read_bytes()).hexdigest())
    print(f"{tag.name(now)} has {made} of {KINDS} attestations")
    return made < KINDS


def _download(now: Pointer) -> dict[str, Path]:
    name = tag.name(now)
    there = [item for item in github.get_all("releases") if item["tag_name"] == name and not item["draft"]]
    if not there:
        raise ReleaseError(f"release {name} is not there yet; run the promote workflow again")
    assets = {item["name"]: item["id"] for item in github.get_all(f"releases/{there[0]['id']}/assets") if item["state"] == "uploaded"}
    if missing := sorted(release.KINDS.keys() - assets.keys()):
        raise ReleaseError(f"release {name}: {missing[0]} is missing; run the promote workflow again, which completes it")
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    for file in release.KINDS:
        github.download(f"releases/assets/{assets[file]}", FOLDER / file, "application/octet-stream")
    return {file: FOLDER / file for file in release.KINDS}


def _check(now: Pointer, files: dict[str, Path]) -> None:
    said = files[release.SUMS].read_text(encoding="utf-8", errors="replace")
    ours = release.sums(FOLDER / "ours", {name: path for name, path in files.items() if name != release.SUMS})
    wanted = ours.read_text(encoding="utf-8")
    ours.unlink()
    if said != wanted:
        raise ReleaseError(
            f"release {tag.name(now)}: the files do not have the sums of {release.SUMS}; nothing is attested, look who changed it"
        )
    try:
        with tarfile.open(files[release.ARCHIVE]) as archive:
            stream = archive.extractfile(f"bundle/{MANIFEST}")
            digest = f"sha256:{hashlib.sha256(stream.read() if stream else b'').hexdigest()}"
    except (tarfile.TarError, KeyError) as error:
        digest = f"unreadable ({error})"
    if digest != now.digest:
        raise ReleaseError(f"release {tag.name(now)}: its bundle is {digest}, production's is {now.digest}; nothing is attested")


def _attestations(subject: str) -> int:
    try:
        return len(github.get(f"attestations/sha256:{subject}")["attestations"])
    except GitHubError as error:
        if error.status != _NOT_FOUND:
            raise
        return 0


def main() -> None:
    """Take the files and, in a job, say whether there is something to attest."""
    tell({"missing": take()})


if __name__ == "__main__":
    run(main)
