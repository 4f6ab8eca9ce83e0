"""The ASGI application: finds who answers, asks for the token, counts, and turns whatever goes wrong into an answer.

Predictions do not go through Starlette's router: at their rate it would cost as much as the model.
"""

import hmac
import logging
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from . import Live
from .answer import JSON, Answer, Send, refusal, start
from .batcher import PATIENCE, Batcher
from .body import Bodies, GoneError, Headers, Receive
from .bulk import LARGEST_TABLE, Bulk
from .oip import Protocol
from .refused import RefusedError, no_model
from .tables import FORMATS
from .tally import TYPE, Tally

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.routing import BaseRoute

log = logging.getLogger("serving")

_OPEN = ("/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready")
_KNOWN = frozenset(("/", "/predict", "/model", "/openapi.json", *_OPEN))

_PART = 4096  # bytes: so much is decoded without a look at it first, and of more so much is looked at

Gather = Callable[[bytes], Awaitable[bytes]]


class Application:
    """Answers with whatever ``live`` holds."""

    def __init__(
        self,
        live: Live,
        *,
        limit: int | None = None,
        patience: float = PATIENCE,
        body_patience: float = 10.0,
        token: str | None = None,
        more: Sequence["BaseRoute"] = (),
    ) -> None:
        """``limit`` bounds the rows that wait (None: as the model can take), ``patience`` (seconds) their waiting.

        ``body_patience`` bounds the waiting for a body. A ``token`` is asked for everywhere but at /health and for the empty page. ``more``
        are routes beside those of here. Where ``gather`` is set, it adds the figures of other workers to this one's.
        """
        self._live = live
        self.gather: Gather | None = None
        self._secret = None if token is None else b"Bearer " + token.encode()
        self._batcher = Batcher(live, limit, patience)
        self._bodies, self._bulk = Bodies(body_patience), Bulk(self._batcher)
        self._protocol = Protocol(live, self._batcher, self._bodies)
        self.tally = Tally(live, self._batcher)
        self._more = more
        self._row_bytes = math.inf  # as long as nobody knows how long a record is, each body is one

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer one request; the interface of ASGI."""
        if scope["type"] != "http":
            return
        began, path = time.perf_counter(), scope["path"]
        headers: Headers = dict(scope["headers"])
        try:
            if self._secret is not None:
                self._admit(self._secret, path, headers)
            if path == "/predict":
                answer = await self._predict(scope["method"], headers, receive)
            elif path == "/v2" or path.startswith("/v2/"):
                answer = await self._protocol.answer(scope["method"], path, headers, receive)
            elif path == "/metrics" and scope["method"] == "GET":
                answer = await self._metrics()
            else:
                return await self._others(scope, receive, send, began)
        except RefusedError as refused:
            self.tally.error(refused.kind)
            answer = refusal(refused, refused.digest or (self._live.model.digest if self._live.model else None))
        except GoneError:
            return self.tally.error("gone")
        except Exception as error:
            log.error("a prediction failed: %s", type(error).__name__)  # its text could hold a row
            self.tally.error("failed")
            answer = refusal(RefusedError(500, "the model could not score this request"), None)
        await send(start(answer, self._live))
        await send({"type": "http.response.body", "body": answer.body})
        self.tally.count(path if path == "/predict" else _route(path), answer.status, time.perf_counter() - began)

    @cached_property
    def _rest(self) -> "Starlette":
        """All that is no prediction; the first prediction need not wait for Starlette, a twelfth of the start."""
        from . import page
        from .routes import Routes

        return Routes(self._live, self._secret is not None).application([*page.routes(self._live), *self._more])

    async def _predict(self, method: str, headers: Headers, receive: Receive) -> Answer:
        if method != "POST":
            raise RefusedError(405, f"{method} does not fit /predict; POST a record, a list of records, or a table", kind="not_found")
        kind = headers.get(b"content-type", JSON)
        table = None if kind == JSON else FORMATS.get(kind.partition(b";")[0].strip().lower())
        if table is None:
            if self._batcher.waiting:
                self._batcher.refuse_if_full(self._expected(headers))
            body = await self._bodies.read(headers, receive)
        else:
            self._bulk.refuse_if_busy()
            body = await self._bodies.read(headers, receive, LARGEST_TABLE)
        if (model := self._live.model) is None:
            raise no_model(self._live.problem)
        try:
            if table is not None:
                return Answer(200, model.head + await self._bulk.score(model, table, body) + b"}", (model.header,))
            if len(body) > _PART:
                self._batcher.refuse_if_full(body.count(b"{", 0, _PART) * len(body) // _PART)  # one for each record
            rows = model.reader.json(body)
            self._row_bytes = len(body) / rows.count
            scored = await self._batcher.score(model, rows)
        except RefusedError as refused:
            refused.digest = model.digest
            raise
        told = model.head + msgspec.json.encode(scored.predictions) + b"}"
        return Answer(200, told, (scored.header, model.header))

    def _expected(self, headers: Headers) -> int:
        """About how many rows a body will hold, by its length: most of what a refusal costs would be the reading of it."""
        length = headers.get(b"content-length", b"")
        return max(1, int(int(length[:12]) / self._row_bytes)) if length.isdigit() else 1

    async def _metrics(self) -> Answer:
        text = self.tally.text()
        return Answer(200, text if self.gather is None else await self.gather(text), kind=TYPE.encode())

    async def _others(self, scope: Any, receive: Receive, send: Send, began: float) -> None:
        async def watched(message: Any) -> None:
            if message["type"] == "http.response.start":
                self.tally.count(_route(scope["path"]), message["status"], time.perf_counter() - began)
                if message["status"] in (404, 405):
                    self.tally.error("not_found")
                if self._live.draining:
                    message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
            await send(message)

        try:
            await self._rest(scope, receive, watched)
        except Exception as error:  # Starlette has answered with 500 already
            log.error("an answer failed: %s", type(error).__name__)
            self.tally.error("failed")

    def _admit(self, secret: bytes, path: str, headers: Headers) -> None:
        from . import page

        if path in _OPEN or page.is_open(path, headers):
            return
        if not hmac.compare_digest(headers.get(b"authorization", b""), secret):
            raise RefusedError(401, "this server asks for a token: send the header `Authorization: Bearer <token>`", kind="unauthorized")


def _route(path: str) -> str:
    """The route of a path, as it is counted: the number of different ones is fixed."""
    if path in _KNOWN:
        return path
    if path.startswith("/v2"):
        return "/v2/infer" if path.endswith("/infer") else "/v2"
    return "/metrics" if path == "/metrics" else "other"
