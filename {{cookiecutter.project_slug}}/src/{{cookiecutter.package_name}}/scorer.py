"""Scores rows with the model of a bundle: the same code in training, in review, in batch scoring and in serving."""

import base64
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from .bundle import Bundle, BundleError
from .coding import Coding
from .contract import Record, short

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # onnxruntime 1.31 reports to its makers; it reads this when it is loaded
import onnxruntime

CODED = "coded"  # the metadata of model.onnx in which pipeline/coded.py keeps the same model for coded rows
TOLERANCE = 1e-5
NOT_FINITE = "the model has no finite answer for this row; its numbers are too extreme"


class Scorer:
    """The model of one bundle, ready to score. It is safe to use one scorer from several threads.

    A model that was also made for coded rows (:mod:`.coding`) is asked with those: it has no texts to copy and to look up. One that was
    not is asked with the texts that the codes stand for.
    """

    def __init__(self, bundle: Bundle, threads: int = 1, coded: bool = True) -> None:
        """Load the model into memory; raises :class:`BundleError` when it is not a model or does not fit the contract.

        ``coded=False`` asks the model with texts in any case, as other programs do.
        """
        self.bundle = bundle
        self.digest = bundle.digest
        self.coding = Coding(bundle.contract)
        self._output = "probabilities" if bundle.contract.classes else "values"
        self._width = len(bundle.contract.classes) or 1
        self._session = _session(bundle, bundle.model, threads)
        self._inputs = _inputs(self._session, bundle, self._output, _by_kind(bundle))
        twin = self._session.get_modelmeta().custom_metadata_map.get(CODED) if coded else None
        self.is_coded = twin is not None
        if twin is not None:
            self._session = _session(bundle, _decoded(bundle, twin), threads)
            self._inputs = _inputs(self._session, bundle, self._output, {CODED: ("tensor(float)", self.coding.width)})

    def answers(self, numeric: np.ndarray, categorical: np.ndarray) -> np.ndarray:
        """What the model says of float32 ``[n, k]`` and text ``[n, m]``.

        The probability of each class, ``[n, classes]`` in the contract's order, or the values ``[n, 1]`` of a regression. Raises
        :class:`BundleError` when the model gives another shape.
        """
        if self.is_coded:
            return self._run({CODED: self.coding.coded(numeric, categorical)}, len(numeric))
        return self._run({"numeric": numeric, "categorical": categorical}, len(numeric))

    def answers_to_coded(self, rows: np.ndarray) -> np.ndarray:
        """What :meth:`answers` gives, for rows coded by :attr:`coding`."""
        if self.is_coded:
            return self._run({CODED: rows}, len(rows))
        return self.answers(*self.coding.apart(rows))

    def _run(self, feed: dict[str, np.ndarray], rows: int) -> np.ndarray:
        found: np.ndarray = self._session.run([self._output], {name: feed[name] for name in self._inputs})[0]
        if found.shape != (rows, self._width):
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
            threshold, place = self.bundle.manifest.threshold, contract.classes.index(contract.positive)
            yes, no = contract.classes[place], contract.classes[1 - place]
            return [{"prediction": yes if p >= threshold else no, "probability": p} for p in scores]
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


def _session(bundle: Bundle, model: bytes, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises a dozen unrelated types here, none of them public
        raise BundleError(f"{bundle.folder}/model.onnx: cannot be loaded ({short(str(error), 200)}); train again") from None


def _decoded(bundle: Bundle, twin: str) -> bytes:
    try:
        return base64.b64decode(twin, validate=True)
    except ValueError:
        raise BundleError(f"{bundle.folder}/model.onnx: its metadata {CODED!r} is no model in base64; train again") from None


def _by_kind(bundle: Bundle) -> dict[str, tuple[str, int]]:
    widths = {"numeric": len(bundle.contract.numeric), "categorical": len(bundle.contract.categorical)}
    types = {"numeric": "tensor(float)", "categorical": "tensor(string)"}
    return {name: (types[name], width) for name, width in widths.items() if width}


def _inputs(session: onnxruntime.InferenceSession, bundle: Bundle, output: str, expected: dict[str, tuple[str, int]]) -> tuple[str, ...]:
    """The names of the inputs, which are as expected; raises :class:`BundleError` when the model has others or lacks the output."""
    found = {entry.name: (entry.type, entry.shape[-1]) for entry in session.get_inputs()}
    if found != expected:
        raise BundleError(f"{bundle.folder}/model.onnx: its inputs {found} do not fit the contract's {expected}; train again")
    if output not in {entry.name for entry in session.get_outputs()}:
        raise BundleError(f"{bundle.folder}/model.onnx: has no output {output!r}, which its contract asks for; train again")
    return tuple(found)
