"""The calls with MLServer's own types and codecs over plain HTTP; a file of requests with its command ``mlserver infer``."""

import json
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.types import (
    InferenceRequest,
    InferenceResponse,
    MetadataModelResponse,
    MetadataServerResponse,
    RequestInput,
    RequestOutput,
)
from tensors import NotOfferedError, Outputs, RefusedError, Request, Tensor, plain


class Client:
    """Writes requests and reads answers with MLServer's types, which refuse what is not of the protocol."""

    def __init__(self, url: str) -> None:
        self._url = url

    def live(self) -> bool:
        return self._holds("/v2/health/live")

    def ready(self) -> bool:
        return self._holds("/v2/health/ready")

    def server(self) -> dict[str, Any]:
        return MetadataServerResponse.model_validate_json(self._get("/v2")).model_dump()

    def model(self, name: str, version: str) -> dict[str, Any]:
        return MetadataModelResponse.model_validate_json(self._get(_path(name, version))).model_dump()

    def model_ready(self, name: str, version: str) -> bool:
        return self._holds(f"{_path(name, version)}/ready")

    def infer(self, request: Request) -> tuple[str, Outputs]:
        if request.compressed or request.binary_outputs:
            raise NotOfferedError
        sent = InferenceRequest(
            id=request.id or None,
            inputs=[_input(one) for one in request.tensors],
            outputs=[RequestOutput(name=name) for name in request.outputs] or None,
        )
        if request.binary_inputs or request.in_a_file:
            found = self._command(sent, request)
        else:
            body = sent.model_dump_json().encode()
            found = InferenceResponse.model_validate_json(self._get(f"{_path(request.model, request.version)}/infer", body))
        return found.id or "", {one.name: (one.datatype, one.shape, _values(one)) for one in found.outputs}

    def _command(self, sent: InferenceRequest, request: Request) -> InferenceResponse:
        with tempfile.TemporaryDirectory() as folder:
            given, written = Path(folder, "in"), Path(folder, "out")
            given.write_text(sent.model_dump_json() + "\n")
            program = str(Path(sys.executable).with_name("mlserver"))
            options = ["-u", self._url.removeprefix("http://"), "-m", request.model, "-i", str(given), "-o", str(written), "-w", "1"]
            options += ["-b"] if request.binary_inputs else []
            done = subprocess.run([program, "infer", *options], capture_output=True, text=True)
            if done.returncode:
                raise RuntimeError(f"mlserver infer: {done.stderr[-200:]}")
            told = json.loads(written.read_text())
        if "error" in told:
            raise RefusedError(0, told["error"]["msg"])  # it does not tell the status
        return InferenceResponse.model_validate(told)

    def _holds(self, path: str) -> bool:
        try:
            self._get(path)
        except RefusedError:
            return False
        return True

    def _get(self, path: str, body: bytes | None = None) -> bytes:
        request = urllib.request.Request(self._url + path, body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise RefusedError(error.code, error.read().decode()) from None


def _path(model: str, version: str) -> str:
    return f"/v2/models/{model}" + (f"/versions/{version}" if version else "")


def _input(tensor: Tensor) -> RequestInput:
    if tensor.datatype == "BYTES":
        made = StringCodec.encode_input(tensor.name, list(tensor.values), use_bytes=False)
    else:
        kinds = {"INT64": "int64", "INT32": "int32", "FP32": "float32", "FP64": "float64"}
        made = NumpyCodec.encode_input(tensor.name, np.array(tensor.values, kinds[tensor.datatype]).reshape(tensor.shape))
    made.shape = list(tensor.shape)
    return made


def _values(output: Any) -> list[Any]:
    codec = StringCodec if output.datatype == "BYTES" else NumpyCodec
    return plain(np.array(codec.decode_output(output)).ravel().tolist())
