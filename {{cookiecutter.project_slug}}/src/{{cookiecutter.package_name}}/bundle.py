"""The bundle: what training hands over, and the only thing that crosses to serving.

A bundle is a folder with the files of :data:`FILES` and ``manifest.json``, which lists their SHA-256. The bundle's digest is the
SHA-256 of ``manifest.json``, so any change to the model, the threshold or the contract is a new digest.

``manifest.json``  what the bundle is: the SHA-256 of each other file, threshold, parameters, data and libraries
``model.onnx``     the model with its features, converted byte for byte the same from the same inputs
``contract.json``  the inputs and the classes: what the server checks requests with
``profile.json``   how inputs and answers are distributed: what drift is measured against
``golden.json``    a few training rows with the answers to them: what a server must give before it takes the model over

:class:`Scorer` scores rows with the model of a bundle: the same code in training, in review and in serving.
"""

import hashlib
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from . import ProblemError
from .contract import Contract, ContractError, Record, short

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # onnxruntime 1.31 reports to its makers; it reads this when it is loaded
import onnxruntime

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


TOLERANCE = 1e-5
NOT_FINITE = "the model has no finite answer for this row; its numbers are too extreme"


class Scorer:
    """The model of one bundle, ready to score. It is safe to use one scorer from several threads."""

    def __init__(self, bundle: Bundle, threads: int = 1) -> None:
        """Load the model into memory; raises :class:`BundleError` when it is not a model or does not fit the contract."""
        self.bundle = bundle
        self.digest = bundle.digest
        self._session = _session(bundle, threads)
        self._output = "probabilities" if bundle.contract.classes else "values"
        self._inputs = {entry.name for entry in self._session.get_inputs()}
        self._width = len(bundle.contract.classes) or 1
        _check_interface(self._session, bundle, self._output)

    def answers(self, numeric: np.ndarray, categorical: np.ndarray) -> np.ndarray:
        """What the model says of float32 ``[n, k]`` and text ``[n, m]``.

        The probability of each class, ``[n, classes]`` in the contract's order, or the values ``[n, 1]`` of a regression. Raises
        :class:`BundleError` when the model gives another shape.
        """
        feed = {"numeric": numeric, "categorical": categorical}
        found: np.ndarray = self._session.run([self._output], {name: feed[name] for name in self._inputs})[0]
        if found.shape != (len(numeric), self._width):
            shape = f"gives {self._output} {list(found.shape)} and not [n, {self._width}]"
            raise BundleError(f"{self.bundle.folder}/model.onnx: {shape}; train again")
        if self.bundle.contract.classes:
            found = np.minimum(np.maximum(found, 0.0), 1.0)  # forests add up to as much as 1.0000002
        return found

    def score(self, records: Sequence[Record]) -> list[dict[str, Any]]:
        """An answer for each record; the records must have passed the contract's check.

        Binary: ``{"prediction": class, "probability": p}`` with the probability of the positive class, which is predicted when p is at
        least the manifest's threshold. Multi-class: ``{"prediction": class, "probabilities": {class: p}}`` with the likeliest class (of
        equally likely ones the first). Regression: ``{"prediction": value}``.
        """
        return self.decide(self.answers(*self.bundle.contract.matrices(records)))

    def predicted(self, answers: np.ndarray) -> np.ndarray:
        """The places in the contract's classes of the classes that these answers of a classifier predict, ``[n]``, as in :meth:`score`."""
        contract = self.bundle.contract
        if contract.problem == "multi-class":
            likeliest: np.ndarray = answers.argmax(axis=1)
            return likeliest
        positive = contract.classes.index(contract.positive)
        threshold = self.bundle.manifest.threshold or 0.0  # every binary model has one
        # in 64 bits, as the threshold is kept: numpy would round it to the 32 of the answers
        return np.where(contract.scores(answers).astype(np.float64) >= threshold, positive, 1 - positive)

    def decide(self, answers: np.ndarray) -> list[dict[str, Any]]:
        """What :meth:`score` gives, for what :meth:`answers` gave."""
        contract = self.bundle.contract
        scores = contract.scores(answers).tolist()
        if contract.problem == "regression":
            return [{"prediction": value} for value in scores]
        if contract.problem == "binary":
            threshold, yes = self.bundle.manifest.threshold, contract.classes.index(contract.positive)
            told = contract.classes[yes], contract.classes[1 - yes]
            return [{"prediction": told[0] if p >= threshold else told[1], "probability": p} for p in scores]
        likeliest = [contract.classes[place] for place in self.predicted(answers).tolist()]
        return [
            {"prediction": value, "probabilities": dict(zip(contract.classes, row, strict=True))}
            for value, row in zip(likeliest, scores, strict=True)
        ]

    def check_golden(self, tolerance: float = TOLERANCE) -> None:
        """Score the bundle's golden rows again; raises :class:`BundleError` that names the first row whose answer differs.

        ``tolerance`` is one of probability; for a regression it is a share of the largest golden value.
        """
        records, expected, predictions = self._golden()
        found = self.answers(*self.bundle.contract.matrices(records))
        limit = tolerance if self.bundle.contract.classes else tolerance * np.abs(expected).max()
        told = [one["prediction"] for one in self.decide(found)] if predictions else predictions
        for row, (one, other) in enumerate(zip(found, expected, strict=True)):
            if not np.all(np.abs(one - other) <= limit) or told[row : row + 1] != predictions[row : row + 1]:
                raise BundleError(
                    f"{self.bundle.folder}: golden row {row} should give {_told(predictions, row)}{other.tolist()} but gives "
                    f"{_told(told, row)}{one.tolist()}; this machine cannot serve the model as it was judged"
                )

    def _golden(self) -> tuple[list[Record], np.ndarray, list[str]]:
        """Records, expected answers ``[n, k]`` and expected predictions, which a regression does not have beside its values."""
        golden, contract, where = self.bundle.golden, self.bundle.contract, f"{self.bundle.folder}/golden.json"
        try:
            records, predictions = list(golden["records"]), list(golden["predictions"]) if contract.classes else []
            expected = np.array(golden[self._output], dtype=np.float64).reshape(len(records), len(contract.classes) or 1)
            violations = contract.check(records)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            reason = f"does not hold records, {self._output} and predictions ({short(error)})"
            raise BundleError(f"{where}: {reason}; train again") from None
        if violations or not records or (contract.classes and len(predictions) != len(records)):
            reason = f"row {violations[0].row}, {violations[0].column}: {violations[0].rule}" if violations else "rows are missing"
            raise BundleError(f"{where}: does not hold to the contract ({reason}); train again")
        return records, expected, predictions


def _told(predictions: list[str], row: int) -> str:
    return f"{predictions[row]!r} " if predictions else ""


def _session(bundle: Bundle, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(bundle.model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises a dozen unrelated types here, none of them public
        raise BundleError(f"{bundle.folder}/model.onnx: cannot be loaded ({short(str(error), 200)}); train again") from None


def _check_interface(session: onnxruntime.InferenceSession, bundle: Bundle, output: str) -> None:
    widths = {"numeric": len(bundle.contract.numeric), "categorical": len(bundle.contract.categorical)}
    types = {"numeric": "tensor(float)", "categorical": "tensor(string)"}
    expected = [(name, types[name], width) for name, width in widths.items() if width]
    found = [(entry.name, entry.type, entry.shape[-1]) for entry in session.get_inputs()]
    if sorted(found) != sorted(expected):
        raise BundleError(f"{bundle.folder}/model.onnx: its inputs {found} do not fit the contract's {expected}; train again")
    if output not in {entry.name for entry in session.get_outputs()}:
        raise BundleError(f"{bundle.folder}/model.onnx: has no output {output!r}, which its contract asks for; train again")
