"""The Open Inference Protocol, version 2, over HTTP: what tritonclient, KServe and load testers speak. With the binary tensor extension."""

import re
from typing import Any

import msgspec

from ..contract import Contract
from . import Live, Model
from .answer import Answer, in_json
from .batcher import Batcher
from .body import Bodies, Headers, Receive
from .reader import Table
from .refused import RefusedError, broken, deep, no_model
from .tensors import Inference, answer, check_outputs, inputs, outputs, rows

_LENGTH = b"inference-header-content-length"
_BINARY = b"application/octet-stream"
_PATH = re.compile(r"/v2/models/(?P<model>[^/]+)(?:/versions/(?P<version>[^/]+))?(?:/(?P<verb>ready|infer))?")
_DECODER = msgspec.json.Decoder(Inference)


class Protocol:
    """Answers every path below ``/v2``."""

    def __init__(self, live: Live, batcher: Batcher, bodies: Bodies) -> None:
        self._live, self._batcher, self._bodies = live, batcher, bodies

    async def answer(self, method: str, path: str, headers: Headers, receive: Receive) -> Answer:
        """The answer to one request; raises :class:`RefusedError`."""
        found = _PATH.fullmatch(path)
        wanted = "POST" if found and found["verb"] == "infer" else "GET"
        if method != wanted:
            raise RefusedError(405, f"{method} does not fit {path[:200]}; send {wanted}", kind="not_found", allow=wanted)
        if found is None:
            return self._server(path.rstrip("/"))
        if wanted == "POST":
            self._batcher.refuse_if_full()
            body = await self._bodies.read(headers, receive)
            return await self._infer(self._model(found["model"], found["version"]), headers, body)
        model = self._model(found["model"], found["version"])
        if found["verb"] == "ready":
            return in_json(200, {"name": model.name, "ready": True}, model)
        return in_json(200, metadata(model), model)

    def _server(self, path: str) -> Answer:
        model = self._live.model
        if path == "/v2":
            name = model.name if model else "serving"
            return in_json(200, {"name": name, "version": "1", "extensions": ["binary_tensor_data"]}, model)
        if path == "/v2/health/live":
            return in_json(200, {"live": True})
        if path == "/v2/health/ready":
            ready = model is not None and not self._live.draining
            return in_json(200 if ready else 503, {"ready": ready}, model)
        raise RefusedError(404, f"{path[:200]} is not a path of the inference protocol", kind="not_found")

    def _model(self, name: str, version: str | None) -> Model:
        if (model := self._live.model) is None:
            raise no_model(self._live.problem)
        if name != model.name:
            raise RefusedError(404, f"there is no model {name[:60]!r} here, there is {model.name!r}", kind="not_found")
        if version not in (None, version_of(model), model.digest):
            raise RefusedError(404, f"version {version[:80]!r} is not served, {version_of(model)!r} is", kind="not_found")
        return model

    async def _infer(self, model: Model, headers: Headers, body: bytes) -> Answer:
        contract = model.reader.contract
        try:
            text, binary = split(headers, body)
            self._batcher.refuse_if_full(model.reader.about(text))
            request, table = parsed(text, binary, contract)
            if isinstance(found := model.reader.table(table), list):
                raise broken(found)
            scored = await self._batcher.score(model, found)
        except RefusedError as refused:
            refused.digest = model.digest
            raise
        told, data = answer(scored.predictions, request, contract)
        content: dict[str, Any] = {"model_name": model.name, "model_version": version_of(model), "outputs": told}
        content |= {"parameters": {"digest": model.digest}} | ({} if request.id is None else {"id": request.id})
        if not data:
            return in_json(200, content, model, (scored.header,))
        head = msgspec.json.encode(content)
        return Answer(200, head + data, (scored.header, model.header, (_LENGTH, b"%d" % len(head))), _BINARY)


def parsed(text: bytes, binary: bytes, contract: Contract) -> tuple[Inference, Table]:
    """The request for inference in the two parts of a body, and its rows, typed and not yet checked; raises :class:`RefusedError`."""
    request = _decoded(text)
    check_outputs(request, contract)
    return request, rows(request, binary, contract)


def metadata(model: Model) -> dict[str, Any]:
    """Name, versions, inputs and outputs of a model."""
    contract = model.reader.contract
    return {
        "name": model.name,
        "versions": [version_of(model)],
        "platform": "onnxruntime_onnx",
        "inputs": inputs(contract),
        "outputs": outputs(contract),
        "parameters": {"digest": model.digest},
    }


def version_of(model: Model) -> str:
    """The version as a path names it: that of the promotion, or the beginning of the digest where there was none."""
    return str(model.version) if model.version is not None else model.digest.removeprefix("sha256:")[:12]


def split(headers: Headers, body: bytes) -> tuple[bytes, bytes]:
    """The JSON of a body, and the binary tensors behind it; raises :class:`RefusedError`."""
    if (length := headers.get(_LENGTH)) is None:
        return body, b""
    if not length.isdigit() or int(length[:12]) > len(body):
        raise RefusedError(400, "Inference-Header-Content-Length is not the length of the JSON in the body")
    return body[: int(length[:12])], body[int(length[:12]) :]


def _decoded(text: bytes) -> Inference:
    try:
        return _DECODER.decode(text)
    except UnicodeDecodeError:
        raise RefusedError(400, "the body is not UTF-8; send JSON in UTF-8") from None
    except RecursionError:
        raise deep() from None
    except msgspec.DecodeError as error:  # its text names types and keys, never values
        raise RefusedError(400, f"the body is no request for inference ({error}); GET /v2/models/<name> shows the inputs") from None
