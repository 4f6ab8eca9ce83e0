"""Scores rows with the model of a bundle. The same code scores in training, in review and in serving."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime

from .bundle import Bundle, BundleError
from .contract import Record, short

TOLERANCE = 1e-5


class Scorer:
    """The model of one bundle, ready to score. It is safe to use one scorer from several threads."""

    def __init__(self, bundle: Bundle, threads: int = 1) -> None:
        """Load the model into memory; raises :class:`BundleError` when it is not a model or does not fit the contract."""
        self.bundle = bundle
        self.digest = bundle.digest
        self._session = _session(bundle, threads)
        self._inputs = {entry.name for entry in self._session.get_inputs()}
        _check_interface(self._session, bundle)

    def probabilities(self, numeric: np.ndarray, categorical: np.ndarray) -> np.ndarray:
        """The probability of each class, ``[n, classes]`` in the contract's order, for float32 ``[n, k]`` and text ``[n, m]``."""
        feed = {"numeric": numeric, "categorical": categorical}
        found = self._session.run(["probabilities"], {name: feed[name] for name in self._inputs})[0]
        return np.clip(found, 0.0, 1.0)  # forests add up 32-bit shares, to as much as 1.0000002

    def score(self, records: Sequence[Record]) -> list[dict[str, Any]]:
        """For each record its predicted class and the probability of the positive class.

        A record is predicted positive when that probability is at least the manifest's threshold. The records must have passed
        the contract's check.
        """
        contract = self.bundle.contract
        column = contract.classes.index(contract.positive)
        negative = contract.classes[1 - column]
        threshold = self.bundle.manifest.threshold
        positives = self.probabilities(*contract.matrices(records))[:, column].tolist()
        return [{"prediction": contract.positive if p >= threshold else negative, "probability": p} for p in positives]

    def check_golden(self, tolerance: float = TOLERANCE) -> None:
        """Score the bundle's golden rows again; raises :class:`BundleError` that names the first row whose answer differs."""
        records, expected, predictions = self._golden()
        found = self.probabilities(*self.bundle.contract.matrices(records))
        scored = self.score(records)
        for row, (one, other) in enumerate(zip(found, expected, strict=True)):
            if not np.all(np.abs(one - other) <= tolerance) or scored[row]["prediction"] != predictions[row]:
                raise BundleError(
                    f"{self.bundle.folder}: golden row {row} should give {predictions[row]!r} {other.tolist()} but gives "
                    f"{scored[row]['prediction']!r} {one.tolist()}; this machine cannot serve the model as it was judged"
                )

    def _golden(self) -> tuple[list[Record], np.ndarray, list[str]]:
        golden, where = self.bundle.golden, f"{self.bundle.folder}/golden.json"
        try:
            records, predictions = list(golden["records"]), list(golden["predictions"])
            expected = np.array(golden["probabilities"], dtype=np.float64).reshape(len(records), len(self.bundle.contract.classes))
            violations = self.bundle.contract.check(records)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BundleError(f"{where}: does not hold records, probabilities and predictions ({short(error)}); train again") from None
        if violations or not records or len(predictions) != len(records):
            reason = f"row {violations[0].row}, {violations[0].column}: {violations[0].rule}" if violations else "rows are missing"
            raise BundleError(f"{where}: does not hold to the contract ({reason}); train again")
        return records, expected, predictions


def _session(bundle: Bundle, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(bundle.model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises a dozen unrelated types here, none of them public
        raise BundleError(f"{bundle.folder}/model.onnx: cannot be loaded ({short(str(error), 200)}); train again") from None


def _check_interface(session: onnxruntime.InferenceSession, bundle: Bundle) -> None:
    widths = {"numeric": len(bundle.contract.numeric), "categorical": len(bundle.contract.categorical)}
    types = {"numeric": "tensor(float)", "categorical": "tensor(string)"}
    expected = [(name, types[name], width) for name, width in widths.items() if width]
    found = [(entry.name, entry.type, entry.shape[-1]) for entry in session.get_inputs()]
    if sorted(found) != sorted(expected) or "probabilities" not in {entry.name for entry in session.get_outputs()}:
        raise BundleError(f"{bundle.folder}/model.onnx: its inputs {found} do not fit the contract's {expected}; train again")
