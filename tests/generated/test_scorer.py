"""The model of a bundle: what loading it refuses, and what it does to a machine beside scoring."""

import base64
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from churn import features
from churn.bundle import BundleError
from churn.params import Features
from churn.pipeline.convert import convert
from churn.scorer import CODED, Scorer
from coded_kit import bundle_of, contract_of, fitted
from onnx import helper


def test_onnxruntime_reports_to_nobody() -> None:
    """It reads the switch when it is loaded; a choice that a person made stays."""
    code = "import os, churn.scorer; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    for given, kept in (({}, "1"), ({"ORT_DISABLE_TELEMETRY": "0"}, "0")):
        done = subprocess.run([sys.executable, "-c", code], env=given, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == kept


def test_a_twin_that_is_not_one_of_the_model_is_refused(tmp_path: Path) -> None:
    contract, other = contract_of("age", "plan"), contract_of("age", "plan", "colour")
    pipelines = [fitted(one, features.build(Features(one.numeric, one.categorical), scale=True, impute=True)) for one in (contract, other)]
    model, wider = (onnx.load_from_string(convert(pipeline, one)) for pipeline, one in zip(pipelines, (contract, other), strict=True))
    foreign = next(one.value for one in wider.metadata_props if one.key == CODED)
    cases = {
        "no base64!": "no model in base64",
        base64.b64encode(b"text").decode(): "cannot be loaded",
        foreign: "do not fit the contract's",
    }
    for number, (twin, says) in enumerate(cases.items()):
        helper.set_model_props(model, {CODED: twin})
        with pytest.raises(BundleError, match=says):
            Scorer(bundle_of(tmp_path / str(number), model.SerializeToString(), contract))
