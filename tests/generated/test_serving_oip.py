"""The Open Inference Protocol, as tritonclient and KServe speak it."""

import json
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from serving_kit import Running, expected, make_bundle, server

ROWS = [{"age": 40, "fee": 20.5, "plan": "basic"}, {"age": 3, "fee": None, "plan": "plus"}]
CHANCES = [expected(row, 0.0) for row in ROWS]
JSON = {
    "id": "a-1",
    "inputs": [
        {"name": "plan", "datatype": "BYTES", "shape": [2, 1], "data": ["basic", "plus"]},
        {"name": "age", "datatype": "INT64", "shape": [2], "data": [40, 3]},
        {"name": "fee", "datatype": "FP64", "shape": [2, 1], "data": [[20.5], [None]]},
    ],
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("oip")
    make_bundle(folder / "bundle")
    with server(folder, "--model", folder / "bundle") as found:
        yield found


def changed(place: int, **fields: Any) -> dict[str, Any]:
    """The request with one input changed."""
    return {**JSON, "inputs": [{**one, **fields} if place == number else one for number, one in enumerate(JSON["inputs"])]}


def packed(*texts: str) -> bytes:
    return b"".join(struct.pack("<I", len(text.encode())) + text.encode() for text in texts)


def binary(**outputs: Any) -> tuple[bytes, bytes]:
    """The same request with binary tensors: its JSON and its data."""
    data = [packed("basic", "plus"), np.array([40, 3], "<i4").tobytes(), np.array([20.5, np.nan], "<f4").tobytes()]
    kinds = ["BYTES", "INT32", "FP32"]
    inputs = [
        {"name": one["name"], "datatype": kind, "shape": [2, 1], "parameters": {"binary_data_size": len(content)}}
        for one, kind, content in zip(JSON["inputs"], kinds, data, strict=True)
    ]
    return json.dumps({"inputs": inputs, **outputs}).encode(), b"".join(data)


def ask(running: Running, head: bytes, data: bytes, **headers: str) -> tuple[int, bytes, Any]:
    connection = running.connect()
    names = {"Inference-Header-Content-Length": str(len(head)), **headers}
    connection.request("POST", "/v2/models/toy/infer", head + data, names)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content, answer.headers


def test_server_and_model_describe_themselves(running: Running) -> None:
    assert running.ask("GET", "/v2")[1] == {"name": "toy", "version": "1", "extensions": ["binary_tensor_data"]}
    assert running.ask("GET", "/v2/health/live")[:2] == (200, {"live": True})
    assert running.ask("GET", "/v2/health/ready")[:2] == (200, {"ready": True})
    status, told, _ = running.ask("GET", "/v2/models/toy")
    (version,) = told["versions"]
    assert (status, told["name"], told["platform"]) == (200, "toy", "onnxruntime_onnx")
    assert told["inputs"] == [
        {"name": "age", "datatype": "INT64", "shape": [-1, 1]},
        {"name": "fee", "datatype": "FP32", "shape": [-1, 1]},
        {"name": "plan", "datatype": "BYTES", "shape": [-1, 1]},
    ]
    assert [(one["name"], one["datatype"]) for one in told["outputs"]] == [("prediction", "BYTES"), ("probability", "FP32")]
    for path in (f"/v2/models/toy/versions/{version}", "/v2/models/toy/ready", f"/v2/models/toy/versions/{version}/ready"):
        assert running.ask("GET", path)[0] == 200
    assert running.ask("POST", f"/v2/models/toy/versions/{told['parameters']['digest']}/infer", JSON)[0] == 200
    for path in ("/v2/models/other", "/v2/models/toy/versions/2", "/v2/models/toy/versions/2/ready", "/v2/models/toy/config", "/v2/x"):
        status, told, _ = running.ask("GET", path)
        assert (status, list(told)) == (404, ["error"])
    assert running.ask("POST", "/v2/models/other/infer", JSON)[0] == 404
    status, _, answer = running.ask("GET", "/v2/models/toy/infer")
    assert (status, answer.headers["allow"]) == (405, "POST")


def test_tensors_are_answered_as_tensors(running: Running) -> None:
    status, told, answer = running.ask("POST", "/v2/models/toy/infer", JSON)
    assert (status, told["id"], told["model_name"]) == (200, "a-1", "toy")
    assert told["parameters"]["digest"] == answer.headers["x-model-digest"]
    label, chance = told["outputs"]
    assert label == {"name": "prediction", "datatype": "BYTES", "shape": [2], "data": ["Yes", "Yes"]}
    assert (chance["name"], chance["shape"], chance["data"]) == ("probability", [2], pytest.approx(CHANCES, abs=1e-6))
    wanted = {**JSON, "outputs": [{"name": "probability"}]}
    assert [one["name"] for one in running.ask("POST", "/v2/models/toy/infer", wanted)[1]["outputs"]] == ["probability"]


def test_binary_tensors_are_read_and_written(running: Running) -> None:
    status, content, _ = ask(running, *binary())
    assert (status, json.loads(content)["outputs"][1]["data"]) == (200, pytest.approx(CHANCES, abs=1e-6))
    status, content, headers = ask(running, *binary(parameters={"binary_data_output": True}))
    length = int(headers["inference-header-content-length"])
    told, data = json.loads(content[:length]), content[length:]
    assert (status, headers["content-type"]) == (200, "application/octet-stream")
    sizes = [one["parameters"]["binary_data_size"] for one in told["outputs"]]
    assert data[: sizes[0]] == packed("Yes", "Yes")
    assert np.frombuffer(data[sizes[0] :], "<f4").tolist() == pytest.approx(CHANCES, abs=1e-6)
    assert sum(sizes) == len(data)
    mixed = [{"name": "probability", "parameters": {"binary_data": True}}, {"name": "prediction", "parameters": {"binary_data": False}}]
    status, content, headers = ask(running, *binary(outputs=mixed))
    length = int(headers["inference-header-content-length"])
    assert [("data" in one, one["name"]) for one in json.loads(content[:length])["outputs"]] == [
        (True, "prediction"),
        (False, "probability"),
    ]
    assert len(content) - length == 8


@pytest.mark.parametrize("kind", ["FP16", "FP32", "FP64", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"])
def test_every_type_of_number_is_taken_for_an_integer(running: Running, kind: str) -> None:
    assert running.ask("POST", "/v2/models/toy/infer", changed(1, datatype=kind))[0] == 200


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"", 400, "no request for inference"),
        (b"[]", 400, "no request for inference"),
        (b"\xff", 400, "no request for inference"),
        (b'{"id": "\xff", "inputs": []}', 400, "UTF-8"),
        (b"[" * 100_000, 400, ""),
        (b'{"inputs": ' + b"[" * 100_000, 400, ""),
        ({"inputs": []}, 422, "required"),
        ({"inputs": JSON["inputs"][:2]}, 422, "required"),
        ({"inputs": [*JSON["inputs"], {**JSON["inputs"][0], "name": "more"}]}, 422, "not known"),
        ({"inputs": [*JSON["inputs"], JSON["inputs"][0]]}, 422, "twice"),
        (changed(0, data=["basic", "gold"]), 422, "one of"),
        (changed(0, data=["basic", 1]), 400, "no BYTES"),
        (changed(0, data="basic"), 400, "no data"),
        (changed(0, datatype="BOOL"), 400, "datatype"),
        (changed(0, datatype="INT64", data=[1, 2]), 422, "must be text"),
        (changed(1, data=[40, 300]), 422, "at most 120"),
        (changed(1, data=[40, 2.5]), 422, "whole number"),
        (changed(1, data=[40, True]), 400, "no INT64"),
        (changed(1, data=[40, None]), 422, "missing"),
        (changed(1, data=[40, [[1]]]), 400, "no INT64"),
        (changed(1, data=[40]), 400, "its shape says 2"),
        (changed(1, shape=[1], data=[40]), 400, "differ"),
        (changed(1, shape=[2, 2]), 400, "[n] or [n, 1]"),
        (changed(1, shape=[]), 400, "[n] or [n, 1]"),
        (changed(1, shape=[-2]), 400, "[n] or [n, 1]"),
        (changed(1, shape=[10**30]), 400, ""),
        (changed(1, parameters={"binary_data_size": 8}), 400, "binary_data_size"),
        (changed(1, parameters={"binary_data_size": -1}), 400, "binary_data_size"),
        (changed(2, data=[1e39, 1]), 422, "finite"),
        ({**JSON, "outputs": [{"name": "label"}]}, 400, "no output 'label'"),
        ({"inputs": [{**one, "shape": [0], "data": []} for one in JSON["inputs"]]}, 422, "no row"),
        ({"inputs": [{**one, "shape": [1001], "data": [None] * 1001} for one in JSON["inputs"]]}, 413, "too many"),
    ],
    ids=lambda value: repr(value)[:60] if isinstance(value, bytes | dict) else None,
)
def test_a_wrong_request_is_refused_in_words(running: Running, body: Any, status: int, says: str) -> None:
    found, content, _ = running.ask("POST", "/v2/models/toy/infer", body)
    assert (found, says in json.dumps(content)) == (status, True), content


def test_binary_data_that_does_not_fit_is_refused(running: Running) -> None:
    head, data = binary()
    for wrong in (data + b"x", data[:-1], b"", b"\xff" * len(data)):
        assert ask(running, head, wrong)[0] in (400, 422)
    for length in ("x", "-1", str(len(head + data) + 1), "9" * 30):
        assert ask(running, head, data, **{"Inference-Header-Content-Length": length})[0] == 400
    assert ask(running, head, data)[0] == 200
