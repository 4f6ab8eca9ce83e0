"""The calls as KServe's ``InferenceRESTClient`` makes them."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import httpx
import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest
from kserve.inference_client import RESTConfig
from kserve.protocol.infer_type import RequestedOutput
from kserve.utils.numpy_codec import to_np_dtype
from tensors import NotOfferedError, Outputs, RefusedError, Request, Tensor, plain


class Client:
    """Makes the calls with one ``InferenceRESTClient`` for the protocol v2."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._loop = asyncio.new_event_loop()
        self._client = InferenceRESTClient(RESTConfig(protocol="v2"))

    def live(self) -> bool:
        return self._told(self._client.is_server_live(self._url))

    def ready(self) -> bool:
        return self._told(self._client.is_server_ready(self._url))

    def server(self) -> dict[str, Any]:
        raise NotOfferedError

    def model(self, name: str, version: str) -> dict[str, Any]:
        raise NotOfferedError

    def model_ready(self, name: str, version: str) -> bool:
        if version:
            raise NotOfferedError
        return self._told(self._client.is_model_ready(self._url, name))

    def infer(self, request: Request) -> tuple[str, Outputs]:
        if request.version or request.compressed or request.in_a_file:
            raise NotOfferedError
        sent = InferRequest(
            request.model,
            [_input(one, request.binary_inputs) for one in request.tensors],
            request_id=request.id or None,
            request_outputs=[RequestedOutput(name, {"binary_data": request.binary_outputs}) for name in request.outputs] or None,
        )
        found = self._told(self._client.infer(self._url, sent, model_name=request.model))
        outputs = {one.name: (one.datatype, list(one.shape), plain(one.as_numpy().ravel().tolist())) for one in found.outputs}
        return found.id, outputs

    def _told(self, call: Coroutine[Any, Any, Any]) -> Any:
        try:
            return self._loop.run_until_complete(call)
        except httpx.HTTPStatusError as error:
            raise RefusedError(error.response.status_code, str(error)) from None


def _input(tensor: Tensor, binary: bool) -> InferInput:
    made = InferInput(tensor.name, list(tensor.shape), tensor.datatype)
    dtype = np.object_ if tensor.datatype == "BYTES" else to_np_dtype(tensor.datatype)
    made.set_data_from_numpy(np.array(tensor.values, dtype).reshape(tensor.shape), binary_data=binary)
    return made
