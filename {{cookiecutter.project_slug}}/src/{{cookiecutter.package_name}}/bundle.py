"""The bundle: what training hands over, and the only thing that crosses to serving.

A bundle is a folder with the files of :data:`FILES` and ``manifest.json``, which lists their SHA-256. The bundle's digest is the
SHA-256 of ``manifest.json``, so any change to the model, the threshold or the contract is a new digest.

``manifest.json``  what the bundle is: the SHA-256 of each other file, threshold, parameters, data and libraries
``model.onnx``     the model with its features, the same bytes from the same inputs; its metadata ``coded`` is its twin for coded rows
``contract.json``  the inputs and the classes: what the server checks requests with
``profile.json``   how inputs and answers are distributed: what drift is measured against
``golden.json``    a few training rows with the answers to them: what a server must give before it takes the model over

:class:`.scorer.Scorer` scores rows with the model of a bundle: the same code in training, in review and in serving.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import msgspec

from . import ProblemError
from .contract import Contract, ContractError

FILES = ("model.onnx", "contract.json", "profile.json", "golden.json")
MANIFEST = "manifest.json"
FORMAT = 1
LARGEST_FILE = 512 * 1024 * 1024


class BundleError(ProblemError):
    """A bundle that is not what its digest says, or that cannot be used."""


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of ``manifest.json``; ``data_digest`` is that of the raw data file, ``threshold`` is in [0, 1] (None: not binary)."""

    model: str
    problem: str
    files: dict[str, str]
    threshold: float | None
    data_digest: str
    parameters: dict[str, Any]
    libraries: dict[str, str]
    format: int = FORMAT


class Bundle(msgspec.Struct, frozen=True):
    """A verified bundle. ``model`` holds the very bytes that were verified: use them, not the file."""

    folder: Path
    manifest: Manifest
    contract: Contract
    profile: dict[str, Any]
    golden: dict[str, Any]
    digest: str
    model: bytes


def to_json(content: Any) -> bytes:
    """JSON text with sorted keys, fixed indent and a final newline: equal content gives equal bytes."""
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def write_manifest(
    folder: Path | str,
    *,
    model: str,
    problem: str,
    threshold: float | None,
    data_digest: str,
    parameters: dict[str, Any],
    libraries: dict[str, str],
) -> str:
    """Write ``manifest.json`` for the files that lie in ``folder`` and return the bundle's digest."""
    folder = Path(folder)
    files = {name: hashlib.sha256(_content(folder, name)).hexdigest() for name in FILES}
    manifest = Manifest(model, problem, files, threshold, data_digest, parameters, libraries)
    data = to_json(msgspec.to_builtins(manifest))
    (folder / MANIFEST).write_bytes(data)
    return _digest(data)


def digest_of(folder: Path | str) -> str:
    """The digest of the bundle in ``folder``, from its manifest alone: the files are not verified, see :func:`load`."""
    return _digest(_content(Path(folder), MANIFEST))


def load(folder: Path | str, expected: str | None = None) -> Bundle:
    """Read and verify a bundle.

    Raises :class:`BundleError` that names what differs: the digest (when ``expected`` is given), a missing, changed, foreign or
    oversized file, a link, or content that cannot be read.
    """
    folder = Path(folder)
    data = _content(folder, MANIFEST)
    digest = _digest(data)
    if expected is not None and digest != expected:
        raise BundleError(f"{folder}: digest is {digest} and not {expected}; fetch the bundle again")
    manifest = _manifest(folder, data)
    contents = _verified(folder, manifest)
    try:
        contract = Contract.from_json(contents["contract.json"])
    except ContractError as error:
        raise BundleError(f"{folder}: {error}") from None
    if contract.problem != manifest.problem:
        raise BundleError(f"{folder}: the manifest says {manifest.problem!r}, the contract's classes {contract.problem!r}; train again")
    profile, golden = (_object(folder, name, contents[name]) for name in ("profile.json", "golden.json"))
    return Bundle(folder, manifest, contract, profile, golden, digest, contents["model.onnx"])


def _verified(folder: Path, manifest: Manifest) -> dict[str, bytes]:
    foreign = sorted({entry.name for entry in folder.iterdir()} - {*FILES, MANIFEST})
    if foreign:
        raise BundleError(f"{folder}: {foreign[0]!r} does not belong into a bundle; delete it or fetch the bundle again")
    contents = {name: _content(folder, name) for name in FILES}
    for name, content in contents.items():
        if (found := hashlib.sha256(content).hexdigest()) != manifest.files[name]:
            raise BundleError(f"{folder / name}: SHA-256 is {found}, the manifest says {manifest.files[name]}; fetch the bundle again")
    return contents


def _manifest(folder: Path, data: bytes) -> Manifest:
    where = folder / MANIFEST
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except msgspec.DecodeError as error:
        raise BundleError(f"{where}: {error}; fetch the bundle again") from None
    if manifest.format != FORMAT:
        raise BundleError(f"{where}: format is {manifest.format}, this version reads {FORMAT}; train again or update the code")
    if set(manifest.files) != set(FILES) or not all(re.fullmatch("[0-9a-f]{64}", value) for value in manifest.files.values()):
        raise BundleError(f"{where}: files must name {', '.join(FILES)}, each with its SHA-256; fetch the bundle again")
    if not re.fullmatch("sha256:[0-9a-f]{64}", manifest.data_digest):
        raise BundleError(f"{where}: data_digest must be 'sha256:' and 64 hexadecimal digits; fetch the bundle again")
    if manifest.problem == "binary" and (manifest.threshold is None or not 0 <= manifest.threshold <= 1):
        raise BundleError(f"{where}: threshold is {manifest.threshold}, it must lie in 0 to 1; train again")
    if manifest.problem != "binary" and manifest.threshold is not None:
        raise BundleError(f"{where}: threshold is {manifest.threshold}, but a {manifest.problem} model has none; train again")
    return manifest


def _content(folder: Path, name: str) -> bytes:
    path = folder / name
    if folder.is_symlink() or path.is_symlink():
        raise BundleError(f"{path}: is a symbolic link, a bundle holds plain files only; fetch the bundle again")
    if not path.is_file():
        raise BundleError(f"{path}: no such file; run `make train` or fetch the bundle again")
    try:
        with path.open("rb") as stream:
            data = stream.read(LARGEST_FILE + 1)
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror}); fetch the bundle again") from None
    if len(data) > LARGEST_FILE:
        raise BundleError(f"{path}: is larger than {LARGEST_FILE // 1024**2} MiB; make the model smaller")
    return data


def _object(folder: Path, name: str, data: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise BundleError(f"{folder / name}: {error}; train again") from None


def _digest(manifest: bytes) -> str:
    return "sha256:" + hashlib.sha256(manifest).hexdigest()
