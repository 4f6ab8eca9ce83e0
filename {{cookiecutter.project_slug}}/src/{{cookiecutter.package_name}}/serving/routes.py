"""The routes beside predictions: what is served, how the server is, its figures. Every answer but those of /metrics is JSON."""

import math

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ..contract import Column, Contract
from . import Live, identity, openapi
from .answer import Answer, in_json
from .refused import RefusedError, no_model

_ROUTES = {
    "POST /predict": 'one record, a list of records, or {"records": [...]}; or a table as text/csv',
    "GET /model": "name, version, digest, threshold, contract and an example record",
    "GET /health/live": "200 while the process runs",
    "GET /health/ready": "200 while a model is served; 'degraded' says why the newest one is not",
    "GET /metrics": "figures for Prometheus",
    "GET /openapi.json": "all of this, for programs",
    "GET /v2": "the Open Inference Protocol; POST /v2/models/<name>/infer",
}


class Routes:
    """The handlers, around one :class:`Live`."""

    def __init__(self, live: Live, secured: bool) -> None:
        self._live, self._secured = live, secured

    def application(self, more: list[BaseRoute]) -> Starlette:
        """These routes as an application; those of ``more`` go before them."""
        table = {
            "/": self.index,
            "/model": self.model,
            "/health/live": self.alive,
            "/health/ready": self.ready,
            "/openapi.json": self.openapi,
        }
        routes = [*more, *(Route(path, handler, methods=["GET"]) for path, handler in table.items())]
        handlers = {HTTPException: self.refuse, RefusedError: self.no_model, Exception: self.refuse}
        return Starlette(routes=routes, exception_handlers=handlers)

    async def index(self, _: Request) -> Response:
        """What is served here, and where to go on."""
        return self._answer(200, {**identity(self._live.model), "routes": _ROUTES})

    async def model(self, _: Request) -> Response:
        """The model's identity, threshold and contract, with a record to try it out."""
        if (model := self._live.model) is None:
            raise no_model(self._live.problem)
        bundle = model.scorer.bundle
        content = {"threshold": bundle.manifest.threshold, "contract": bundle.contract, "example": example(bundle.contract)}
        return _response(in_json(200, {**identity(model), **content}, model))

    async def openapi(self, _: Request) -> Response:
        """What is served, for programs."""
        if (model := self._live.model) is None:
            raise no_model(self._live.problem)
        return _response(in_json(200, openapi.document(model, self._secured), model))

    async def alive(self, _: Request) -> Response:
        """200 for as long as the process can answer."""
        return _response(in_json(200, {"live": True}))

    async def ready(self, _: Request) -> Response:
        """200 while there is a model, also when a newer one could not be taken over; 503 before and while stopping."""
        model, problem = self._live.model, self._live.problem
        if model is None or self._live.draining:
            reason = "the server is stopping" if self._live.draining else problem
            return self._answer(503, {"ready": False, "reason": reason})
        return _response(in_json(200, {"ready": True, "degraded": problem, **identity(model)}, model))

    async def no_model(self, _: Request, refused: Exception) -> Response:
        """The JSON answer where a model is needed and there is none."""
        return self._answer(503, {"error": str(refused)})

    async def refuse(self, request: Request, error: Exception) -> Response:
        """The JSON answer to an unknown path or method."""
        status = error.status_code if isinstance(error, HTTPException) else 500
        reason = "the server failed" if status == 500 else f"{request.method} {request.url.path[:200]} is not served; GET / lists what is"
        answer = self._answer(status, {"error": reason})
        answer.headers.update(getattr(error, "headers", None) or {})
        return answer

    def _answer(self, status: int, content: object) -> Response:
        model = self._live.model
        headers = ((b"retry-after", b"5"),) if status == 503 else ()
        return _response(in_json(status, content, model, headers))


def example(contract: Contract) -> dict[str, object]:
    """A record that holds to the contract: the middle of each range and the first of each column's categories."""
    return {column.name: _example(column) for column in contract.columns}


def _example(column: Column) -> object:
    if column.type == "category":
        return column.categories[0] if column.categories else None
    low, high = column.min, column.max
    value = (low + high) / 2 if low is not None and high is not None else next((x for x in (low, high) if x is not None), 0.0)
    return math.floor(value) if column.type == "integer" else value


def _response(answer: Answer) -> Response:
    headers = {name.decode(): value.decode() for name, value in answer.headers}
    return Response(answer.body, answer.status, headers, answer.kind.decode())
