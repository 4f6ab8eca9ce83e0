"""The calls as ``tritonclient[http]`` makes them."""

from collections.abc import Callable
from typing import Any

import numpy as np
from tensors import NotOfferedError, Outputs, RefusedError, Request, Tensor, plain
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException, triton_to_np_dtype


class Client:
    """Makes the calls with one ``InferenceServerClient``."""

    def __init__(self, url: str) -> None:
        self._client = InferenceServerClient(url.removeprefix("http://"))

    def live(self) -> bool:
        return _told(self._client.is_server_live)

    def ready(self) -> bool:
        return _told(self._client.is_server_ready)

    def server(self) -> dict[str, Any]:
        return _told(self._client.get_server_metadata)

    def model(self, name: str, version: str) -> dict[str, Any]:
        return _told(self._client.get_model_metadata, name, version)

    def model_ready(self, name: str, version: str) -> bool:
        return _told(self._client.is_model_ready, name, version)

    def infer(self, request: Request) -> tuple[str, Outputs]:
        if request.in_a_file:
            raise NotOfferedError
        outputs = [InferRequestedOutput(name, binary_data=request.binary_outputs) for name in request.outputs]
        found = _told(
            self._client.infer,
            request.model,
            [_input(one, request.binary_inputs) for one in request.tensors],
            model_version=request.version,
            outputs=outputs or None,
            request_id=request.id,
            request_compression_algorithm="gzip" if request.compressed else None,
            response_compression_algorithm="gzip" if request.compressed else None,
        )
        told = found.get_response()
        values = {one["name"]: plain(found.as_numpy(one["name"]).ravel().tolist()) for one in told["outputs"]}
        return told.get("id", ""), {one["name"]: (one["datatype"], one["shape"], values[one["name"]]) for one in told["outputs"]}


def _input(tensor: Tensor, binary: bool) -> InferInput:
    made = InferInput(tensor.name, list(tensor.shape), tensor.datatype)
    dtype = np.object_ if tensor.datatype == "BYTES" else triton_to_np_dtype(tensor.datatype)
    made.set_data_from_numpy(np.array(tensor.values, dtype).reshape(tensor.shape), binary_data=binary)
    return made


def _told(call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    try:
        return call(*arguments, **named)
    except InferenceServerException as error:
        raise RefusedError(int(error.status() or 0), error.message()) from None
