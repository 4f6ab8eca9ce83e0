"""The GitHub release of a promoted version, named like its tag: bundle, card, review, bill of materials, and their SHA-256.

It is a draft until every file is there, so that nobody sees half a release. :func:`prepare` uploads what only the judging run has before
the pointer moves; :func:`ensure` does the rest, in the same run or in a later one that takes up what was cut off.
"""

import hashlib
import json
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .. import ProblemError, bundle, github
from ..bundle import MANIFEST, Bundle
from ..git import git
from ..github import GitHubError
from ..pointer import Pointer
from . import sbom, tag

ARCHIVE, CARD, REVIEW, SBOM, SUMS = "bundle.tar", "card.md", "review.json", "sbom.cdx.json", "SHA256SUMS"
KINDS = {
    ARCHIVE: "application/x-tar",
    CARD: "text/markdown",
    REVIEW: "application/json",
    SBOM: "application/vnd.cyclonedx+json",
    SUMS: "text/plain",
}


class ReleaseError(ProblemError):
    """A version's release cannot be made."""


def prepare(pointer: Pointer, bundle_folder: Path, card: Path, review: Path) -> None:
    """Keep bundle, card and review in the draft of ``pointer``'s release, for whoever finishes it. Nothing is tagged or published.

    Raises:
        BundleError: the folder's bundle is not the pointer's.
        ReleaseError: card or review is missing or about another bundle, or GitHub refuses.
    """
    made = bundle.load(bundle_folder, pointer.digest)
    with tempfile.TemporaryDirectory() as folder, _told_of(tag.name(pointer)):
        release = _release(pointer, pointer.commit)
        if release["draft"]:
            files = [archive(Path(folder, ARCHIVE), made), *(_own(name, path, pointer) for name, path in ((CARD, card), (REVIEW, review)))]
            _attach(release, dict(zip((ARCHIVE, CARD, REVIEW), files, strict=True)))


def ensure(pointer: Pointer, commit: str, bundle_folder: Path, card: Path | None = None, review: Path | None = None) -> str:
    """Make sure that ``pointer``'s version is tagged at ``commit`` and released with all its files; returns the release's address.

    A card or review that is not here, or is about another bundle, is the one that :func:`prepare` kept. A published release that has
    the bundle and every file stays as it is; anything else is completed, then published. Safe to repeat, and to cut off anywhere.

    Raises:
        BundleError: the folder's bundle is not the pointer's.
        TagError: see :func:`tag.ensure`.
        ReleaseError: a file is neither here nor in the draft, or GitHub refuses.
    """
    made = bundle.load(bundle_folder, pointer.digest)
    name = tag.ensure(pointer, commit)
    with tempfile.TemporaryDirectory() as folder, _told_of(name):
        release, files = _release(pointer, commit), {ARCHIVE: archive(Path(folder, ARCHIVE), made)}
        if not _complete(release, files[ARCHIVE]):
            for what, path in ((CARD, card), (REVIEW, review)):
                files[what] = _here(what, path, pointer) or _kept(release, what, Path(folder, what), pointer)
            files[SBOM] = sbom.write(Path(folder, SBOM), pointer, made, git("show", "-s", "--format=%cI", commit))
            files[SUMS] = sums(Path(folder, SUMS), files)
            _attach(release, files)
            release = github.send("PATCH", f"releases/{release['id']}", {"draft": False, "target_commitish": commit})
        address: str = release["html_url"]
        print(f"release {name} is complete: {address}")
        return address


def archive(path: Path, made: Bundle) -> Path:
    """The bundle's files as the folder ``bundle`` of a tar file: equal bundles give equal bytes.

    It is not compressed, because two versions of zlib need not make the same bytes.
    """
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as target:
        for name in sorted((MANIFEST, *bundle.FILES)):
            source = made.folder / name
            entry = tarfile.TarInfo(f"bundle/{name}")  # which has no owner, no time and mode 0644
            entry.size = source.stat().st_size
            with source.open("rb") as stream:
                target.addfile(entry, stream)
    return path


def sums(path: Path, files: dict[str, Path]) -> Path:
    """The SHA-256 of files by name, in the form of ``sha256sum``."""
    path.write_text("".join(f"{_sha256(files[name])}  {name}\n" for name in sorted(files)), encoding="utf-8")
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def _told_of(name: str) -> Iterator[None]:
    """Say of which release GitHub refused something."""
    try:
        yield
    except GitHubError as error:
        raise ReleaseError(f"release {name}: {error}; run the workflow again") from None


def _release(pointer: Pointer, target: str) -> dict[str, Any]:
    """The release of a version, a published one before a draft, or a new draft.

    GitHub finds drafts by listing only, and several may have one name: the oldest is ours to go on with.
    """
    name = tag.name(pointer)
    ours = [item for item in github.get_all("releases") if item["tag_name"] == name]
    if ours:
        oldest: dict[str, Any] = min(ours, key=lambda item: (item["draft"], item["id"]))
        return oldest
    title = f"{pointer.model} version {pointer.version}"
    asked = {"tag_name": name, "target_commitish": target, "name": title, "body": _body(pointer), "draft": True}
    made: dict[str, Any] = github.send("POST", "releases", asked)
    return made


def _body(pointer: Pointer) -> str:
    source = f"Made from pull request #{pointer.pull_request}, promoted" if pointer.pull_request else "Promoted"
    lines = [
        f"{source} by {pointer.promoted_by}.",
        f"`{pointer.digest}` is the SHA-256 of `bundle/{MANIFEST}`, which lists those of the other files.",
        "",
        "```console",
        f"$ sha256sum --check {SUMS}",
        f"$ tar -xf {ARCHIVE} && sha256sum bundle/{MANIFEST}",
        "```",
    ]
    return "\n".join(lines)


def _attached(release: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The files of a release by name, unfinished ones too."""
    return {item["name"]: item for item in github.get_all(f"releases/{release['id']}/assets")}


def _complete(release: dict[str, Any], bundle_archive: Path) -> bool:
    if release["draft"]:
        return False
    there = _attached(release)
    whole = {name for name, item in there.items() if item["state"] == "uploaded"}
    return KINDS.keys() <= whole and _same(there[ARCHIVE], bundle_archive, sure=False)


def _same(item: dict[str, Any], path: Path, *, sure: bool = True) -> bool:
    """Whether an asset is the file. Where the server tells no digest there is only its size, which is not ``sure``."""
    if item["state"] != "uploaded" or item["size"] != path.stat().st_size:
        return False
    digest = item.get("digest")
    return digest == f"sha256:{_sha256(path)}" if digest else not sure


def _here(what: str, path: Path | None, pointer: Pointer) -> Path | None:
    """A card or review of this machine, unless it is missing or about another bundle."""
    if path is None or not path.is_file():
        return None
    return path if _is_about(what, path.read_bytes(), pointer.digest) else None


def _is_about(what: str, content: bytes, digest: str) -> bool:
    """Whether a card or review is about a bundle. A review also names the champion, so there the field counts."""
    if what == CARD:
        return digest.encode() in content
    try:
        return bool(json.loads(content)["digest"] == digest)
    except (ValueError, LookupError, TypeError):
        return False


def _own(what: str, path: Path, pointer: Pointer) -> Path:
    found = _here(what, path, pointer)
    if found is None:
        raise ReleaseError(f"{path} is missing or not about {pointer.digest}; run `make judge-main` again")
    return found


def _kept(release: dict[str, Any], what: str, target: Path, pointer: Pointer) -> Path:
    """A file that :func:`prepare` kept in the draft."""
    item = _attached(release).get(what)
    if item and item["state"] == "uploaded":
        github.download(f"releases/assets/{item['id']}", target, "application/octet-stream")
        if _is_about(what, target.read_bytes(), pointer.digest):
            return target
    raise ReleaseError(f"{what} of {pointer.digest} is neither here nor in the draft of its release; judge it again (`make judge-main`)")


def _attach(release: dict[str, Any], files: dict[str, Path]) -> None:
    """Upload what is missing, unfinished or different."""
    there = _attached(release)
    for name, path in files.items():
        item = there.get(name)
        if item and _same(item, path):
            continue
        if item:
            github.send("DELETE", f"releases/assets/{item['id']}", {})
        made = _upload(release, name, path)
        if not _same(made, path, sure=False):
            raise ReleaseError(f"release {release['tag_name']}: {name} arrived as {made['size']} bytes, {made['state']}; run it again")


def _upload(release: dict[str, Any], name: str, path: Path) -> dict[str, Any]:
    """Uploads have a host of their own, which the release names."""
    made: dict[str, Any] = github.upload(f"{release['upload_url'].partition('{')[0]}?name={name}", path, KINDS[name])
    return made
