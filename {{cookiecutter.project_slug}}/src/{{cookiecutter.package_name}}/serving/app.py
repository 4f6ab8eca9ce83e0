"""The HTTP routes. Every answer is JSON, and every answer of a model names its digest."""

import logging
import math
from collections.abc import Iterable
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from ..contract import Column, Contract, Violation, short
from . import Batcher, Live, Model, Records

LARGEST_BODY = 1024 * 1024
MOST_ROWS = 1000
_MOST_VIOLATIONS = 100
_SHAPE = 'send one record {"column": value, …}, a list of records, or {"records": [...]}'


class RefusedError(Exception):
    """A request that is answered with ``status`` and ``content`` instead of predictions."""

    def __init__(self, status: int, error: str, violations: list[Violation] | None = None) -> None:
        super().__init__(error)
        self.status = status
        self.content: dict[str, object] = {"error": error}
        if violations is not None:
            self.content["violations"] = [
                {"row": one.row, "field": one.column or None, "value": one.value, "rule": one.rule} for one in violations[:_MOST_VIOLATIONS]
            ]


async def read_body(request: Request) -> bytes:
    """The body, of at most 1 MiB. A larger one is refused by its Content-Length, or as soon as that much has arrived."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise RefusedError(415, "compressed bodies are not read; send plain JSON")
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared[:20]) > LARGEST_BODY:
        raise _too_large()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise _too_large()
    return bytes(body)


def read_records(body: bytes, contract: Contract) -> Records:
    """The records in a JSON body, checked by the contract; raises :class:`RefusedError` for anything else."""
    records = _records(_decode(body))
    if not records:
        raise RefusedError(422, f"there is no record in the body; {_SHAPE}", [])
    if len(records) > MOST_ROWS:
        raise RefusedError(413, f"{len(records)} records are too many; send at most {MOST_ROWS} in one request")
    try:
        violations = _not_objects(records) or contract.check(records)
    except RecursionError:
        raise RefusedError(400, "the body is nested too deeply; a value is a number, a text or null") from None
    if violations:
        raise broken(violations)
    return records


def broken(violations: list[Violation]) -> RefusedError:
    """The refusal of records that break the contract; it carries the first hundred violations."""
    count = "1 value does" if len(violations) == 1 else f"{len(violations)} values do"
    return RefusedError(422, f"{count} not hold to the contract; GET /model shows it", violations)


def _not_objects(records: Records) -> list[Violation]:
    rule = "must be a JSON object with one value per column"
    return [Violation(row, "", short(record), rule) for row, record in enumerate(records) if not isinstance(record, dict)]


def _decode(body: bytes) -> object:
    try:
        return msgspec.json.decode(body.removeprefix(b"\xef\xbb\xbf"))
    except UnicodeDecodeError:
        raise RefusedError(400, "the body is not UTF-8; send JSON in UTF-8") from None
    except RecursionError:
        raise RefusedError(400, "the body is nested too deeply; a value is a number, a text or null") from None
    except msgspec.DecodeError as error:
        reason = "it is empty" if not body.strip() else str(error)
        raise RefusedError(400, f"the body is not JSON ({reason}); {_SHAPE}") from None


def _records(content: object) -> Records:
    if isinstance(content, dict):
        if not isinstance(content.get("records"), list):
            return [content]
        if len(content) > 1:
            raise RefusedError(400, f"beside 'records' the body holds other keys; {_SHAPE}")
        content = content["records"]
    if not isinstance(content, list):
        raise RefusedError(400, f"the body is a single value; {_SHAPE}")
    return content


def _too_large() -> RefusedError:
    return RefusedError(413, f"the body is larger than {LARGEST_BODY} bytes; send fewer records in one request")


log = logging.getLogger("serving")

_ROUTES = {
    "POST /predict": 'one record, a list of records, or {"records": [...]}',
    "GET /model": "name, version, digest, threshold, contract and an example record",
    "GET /health/live": "200 while the process runs",
    "GET /health/ready": "200 while a model is served; 'degraded' says why the newest one is not",
}


class Service:
    """The routes' handlers around one :class:`Live`."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._batcher = Batcher()

    async def predict(self, request: Request) -> Response:
        """Predictions for the records in the body, by the model that is live when the body has been read."""
        model = None
        try:
            body = await read_body(request)
            if (model := self._live.model) is None:
                raise RefusedError(503, f"there is no model yet: {self._live.problem}")
            records = read_records(body, model.scorer.bundle.contract)
            predictions = await self._batcher.score(model, records)
            _require_finite(predictions)
        except RefusedError as refused:
            return self._answer(refused.content, refused.status, model or self._live.model)
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception as error:
            log.error("a prediction failed: %s", type(error).__name__)  # its text could hold a row
            return self._answer({"error": "the model could not score this request"}, 500, model)
        return self._answer({**_identity(model), "predictions": predictions}, 200, model)

    async def index(self, _: Request) -> Response:
        """What is served here, and where to go on."""
        model = self._live.model
        return self._answer({**_identity(model), "routes": _ROUTES}, 200, model)

    async def model(self, _: Request) -> Response:
        """The model's identity, threshold and contract, with a record to try it out."""
        if (model := self._live.model) is None:
            return self._answer({"error": f"there is no model yet: {self._live.problem}"}, 503, None)
        bundle = model.scorer.bundle
        content = {"threshold": bundle.manifest.threshold, "contract": bundle.contract, "example": example(bundle.contract)}
        return self._answer({**_identity(model), **content}, 200, model)

    async def alive(self, _: Request) -> Response:
        """200 for as long as the process can answer."""
        return self._answer({"live": True}, 200, None)

    async def ready(self, _: Request) -> Response:
        """200 while there is a model, also when a newer one could not be taken over; 503 before and while stopping."""
        model, problem = self._live.model, self._live.problem
        if model is None or self._live.draining:
            reason = "the server is stopping" if self._live.draining else problem
            return self._answer({"ready": False, "reason": reason}, 503, model)
        return self._answer({"ready": True, "degraded": problem, **_identity(model)}, 200, model)

    async def refuse(self, request: Request, error: Exception) -> Response:
        """The JSON answer to an unknown path or method."""
        status = error.status_code if isinstance(error, HTTPException) else 500
        reason = "the server failed" if status == 500 else f"{request.method} {request.url.path[:200]} is not served; GET / lists what is"
        return self._answer({"error": reason}, status, self._live.model, getattr(error, "headers", None))

    def _answer(self, content: Any, status: int, model: Model | None, headers: dict[str, str] | None = None) -> Response:
        headers = dict(headers or {})
        if model is not None:
            headers["x-model-digest"] = model.digest
        if self._live.draining:
            headers["connection"] = "close"
        if status == 503:
            headers["retry-after"] = "5"
        return Response(msgspec.json.encode(content), status, headers, "application/json")


def application(live: Live) -> Starlette:
    """The ASGI application that answers with whatever ``live`` holds."""
    service = Service(live)
    routes = [
        Route("/", service.index, methods=["GET"]),
        Route("/predict", service.predict, methods=["POST"]),
        Route("/model", service.model, methods=["GET"]),
        Route("/health/live", service.alive, methods=["GET"]),
        Route("/health/ready", service.ready, methods=["GET"]),
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: service.refuse, Exception: service.refuse})


def example(contract: Contract) -> dict[str, object]:
    """A record that holds to the contract: the middle of each range and the first of each column's categories."""
    return {column.name: _example(column) for column in contract.columns}


def _example(column: Column) -> object:
    if column.type == "category":
        return column.categories[0] if column.categories else None
    low, high = column.min, column.max
    value = (low + high) / 2 if low is not None and high is not None else next((x for x in (low, high) if x is not None), 0.0)
    return math.floor(value) if column.type == "integer" else value


def _identity(model: Model | None) -> dict[str, object]:
    if model is None:
        return {"model": None, "version": None, "digest": None}
    return {"model": model.name, "version": model.version, "digest": model.digest}


def _require_finite(predictions: list[dict[str, Any]]) -> None:
    rule = "the model has no finite answer for this record; its numbers are too extreme"
    violations = [Violation(row, "", None, rule) for row, one in enumerate(predictions) if not all(map(math.isfinite, _numbers(one)))]
    if violations:
        raise broken(violations)


def _numbers(answer: dict[str, Any]) -> Iterable[float]:
    """The probability, the probabilities, or the value of one answer."""
    return answer["probabilities"].values() if "probabilities" in answer else (answer.get("probability", answer["prediction"]),)
