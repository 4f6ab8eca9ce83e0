"""Clients of the Open Inference Protocol, unchanged, find with us what they find with a real MLServer, but for what is named here."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ..serving import environments

HERE = Path(__file__).parent
pytestmark = pytest.mark.slow

CLIENTS = ("triton", "kserve", "mlserver")
VALUES = {"prediction": ["BYTES", [3], ["Yes"] * 3], "probability": ["FP32", [3], [0.6921, 0.7369, 0.9413]]}
BOTH, ONE = {"answer": VALUES}, {"answer": {"probability": VALUES["probability"]}}
COLUMN = {"answer": {name: [kind, [3, 1], values] for name, (kind, _, values) in VALUES.items()}}  # the command makes columns of rows
BROKEN = ("wrong datatype", "missing tensor", "unknown tensor", "tensor twice", "no tensor")


@dataclass(frozen=True)
class Difference:
    """What these clients find in these calls: with us, and with MLServer."""

    clients: tuple[str, ...]
    calls: tuple[str, ...]
    ours: dict[str, Any]
    theirs: dict[str, Any]


def refused(status: int) -> dict[str, Any]:
    return {"refused": status, "in words": True}


DIFFERENCES = {
    "each server tells its own name, version and extensions": Difference(
        ("triton", "mlserver"),
        ("server metadata",),
        {"answer": {"name": "toy", "version": "1", "extensions": ["binary_tensor_data"]}},
        {"answer": {"name": "mlserver", "version": "1.7.1", "extensions": []}},
    ),
    "MLServer's answers about health are empty, and KServe's client reads JSON in them": Difference(
        ("kserve",),
        ("server live", "server ready"),
        {"answer": True},
        {"the client fails": "JSONDecodeError: Expecting value: line 1 column 1 (char 0)"},
    ),
    "MLServer has no binary tensors over HTTP: tritonclient is refused": Difference(
        ("triton",), ("infer, binary inputs",), BOTH, refused(422)
    ),
    "the same, for one output": Difference(("triton",), ("infer, all binary",), ONE, refused(422)),
    "the same, for KServe's client, whose content type MLServer fails on": Difference(
        ("kserve",), ("infer, binary inputs",), BOTH, refused(500)
    ),
    "the same, for one output of KServe's client": Difference(("kserve",), ("infer, all binary",), ONE, refused(500)),
    "the same, for MLServer's own command": Difference(("mlserver",), ("infer, binary inputs",), COLUMN, refused(0)),
    "inputs that break the contract are 422 with violations here; the error of MLServer's runtimes is always 400": Difference(
        CLIENTS, BROKEN, refused(422), refused(400)
    ),
}


@pytest.fixture(params=CLIENTS)
def found(request: pytest.FixtureRequest, ours: str, theirs: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """The client, and the table of calls that it made with us and with MLServer."""
    python = environments(request.config)(HERE / f"{request.param}.txt") / "python"
    done = subprocess.run([python, HERE / "calls.py", request.param, ours, theirs], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return request.param, *json.loads(done.stdout)


def test_a_client_finds_what_it_finds_with_mlserver(
    found: tuple[str, dict[str, Any], dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    client, ours, theirs = found
    for call in ("model metadata", "model metadata of a version"):  # the digest is ours alone, and the protocol has a place for it
        if "answer" in ours[call]:
            assert ours[call]["answer"].pop("parameters")["digest"].startswith("sha256:")
            theirs[call]["answer"].pop("parameters", None)
    named = {call: one for one in DIFFERENCES.values() if client in one.clients for call in one.calls}
    wanted = {call: ((named[call].ours, named[call].theirs) if call in named else (theirs[call], theirs[call])) for call in theirs}
    assert {call: (ours[call], theirs[call]) for call in theirs} == wanted
    assert ours["infer"] == ours["infer after the errors"] == BOTH
    assert not [call for call, came in ours.items() if "the client fails" in came]
    offered = [call for call, came in ours.items() if "not offered" not in came]
    with capsys.disabled():
        print(f"\n{client}: {len(offered)} calls of {len(ours)}, {len(named)} of them differ as named")
