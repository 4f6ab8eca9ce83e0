"""HTTP and HTTPS on loopback: one Starlette application for REST, git and artifacts."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..errors import Refused, RehearseError
from ..values import Value
from . import git_http
from .permissions import Caller
from .proxy import Proxy

if TYPE_CHECKING:
    from .core import Core

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
START_LIMIT = 10.0


@dataclass
class Reply:
    """A finished answer."""

    status: int
    body: bytes = b""
    media_type: str = "application/json; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, status: int, value: Value, **headers: str) -> Reply:
        """A JSON answer."""
        return cls(status, json.dumps(value).encode(), headers=headers)


@dataclass
class Call:
    """A request as handlers see it; ``after`` runs once the hub's lock is free."""

    method: str
    host: str
    path: str
    query_string: str
    headers: dict[str, str]
    body: bytes
    caller: Caller
    after: list[Callable[[], None]] = field(default_factory=list)

    @property
    def query(self) -> dict[str, str]:
        """Query parameters, the last of a name counts."""
        return dict(parse_qsl(self.query_string, keep_blank_values=True))

    def json(self) -> dict[str, Any]:
        """The body as an object. Raises ``Refused`` (400) when it is not one."""
        try:
            value = json.loads(self.body) if self.body else {}
        except ValueError as error:
            raise Refused(400, "Problems parsing JSON") from error
        if not isinstance(value, dict):
            raise Refused(422, "Invalid request: an object is needed")
        return value


class Server:
    """Runs the application and the proxy in one event loop of one thread."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self._servers: list[uvicorn.Server] = []
        self._proxy = Proxy(core)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="local-github", daemon=True)
        self._ready = threading.Event()
        self._error: BaseException | None = None

    def start(self) -> None:
        """Start serving. Raises ``RehearseError`` when a port cannot be had."""
        self._thread.start()
        if not self._ready.wait(START_LIMIT) or self._error:
            raise RehearseError(f"the local GitHub did not start: {self._error or 'no answer'}")

    def stop(self) -> None:
        """Stop serving and wait for the thread."""
        for server in self._servers:
            server.should_exit = server.force_exit = True
        self._thread.join(timeout=START_LIMIT)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # handed to the thread that waits in start()
            self._error = error
            self._ready.set()

    async def _serve(self) -> None:
        world, app = self.core.world, Starlette(routes=[Route("/{rest:path}", self._answer, methods=METHODS)])
        for port, secure in ((world.ports["http"], False), (world.ports["https"], True)):
            config = uvicorn.Config(
                app,
                host="127.0.0.1",
                port=port,
                log_config=None,
                access_log=False,
                lifespan="off",
                timeout_graceful_shutdown=1,
                ssl_certfile=str(world.certificates.chain) if secure else None,
                ssl_keyfile=str(world.certificates.key) if secure else None,
            )
            server = _QuietServer(config)
            self._servers.append(server)
        serving = [asyncio.create_task(server.serve()) for server in self._servers]
        proxy = await self._proxy.start()
        while not all(server.started for server in self._servers):
            if any(task.done() for task in serving):
                raise RehearseError("a port of the local GitHub is taken")
            await asyncio.sleep(0.01)
        self._ready.set()
        await asyncio.gather(*serving)
        proxy.close()
        self._proxy.drop()

    async def _answer(self, request: Request) -> Response:
        body = await request.body()
        reply = await run_in_threadpool(self._reply, request, body)
        return Response(reply.body, reply.status, {**reply.headers, "x-github-request-id": "rehearsal"}, reply.media_type)

    def _reply(self, request: Request, body: bytes) -> Reply:
        headers = {name.lower(): value for name, value in request.headers.items()}
        path = unquote(request.scope["raw_path"].decode().split("?")[0])
        caller = self.core.caller(git_http.basic_token(headers.get("authorization", "")))
        call = Call(
            request.method,
            headers.get("host", "").split(":")[0],
            path,
            request.url.query,
            headers,
            body,
            caller or Caller(),
        )
        name = _name(call)
        reply = Reply.of(401, {"message": "Bad credentials"}) if caller is None else self._handle(call, name)
        run = call.caller.run
        self.core.log_request(
            name=name,
            method=call.method,
            host=call.host,
            path=path,
            query=call.query_string,
            status=reply.status,
            login=call.caller.login,
            run=run.id if run else None,
            client=headers.get("user-agent", "")[:40],
            size=len(body),
        )
        return reply

    def _handle(self, call: Call, name: str) -> Reply:
        struck = self.core.faults.interruption(name)
        if struck is None:
            return self._answered(call)
        if struck.moment != "after":
            struck.action()
        if struck.moment == "during":
            call.body = call.body[: len(call.body) // 2]
        if struck.moment != "before":
            self._answered(call)
        if struck.moment == "after":
            struck.action()
        return Reply.of(503, {"message": "interrupted by the rehearsal"})

    def _answered(self, call: Call) -> Reply:
        from .rest import answer

        try:
            if git_http.PATH.fullmatch(call.path):
                return git_http.serve(self.core, call)
            call.path = re.sub(r"^/api/v3(?=/)", "", re.sub(r"^/api/graphql$", "/graphql", call.path))
            fault = self.core.faults.request(call.method, call.path)
            if fault:
                return Reply.of(fault.status, {"message": "Server Error (planned by the rehearsal)"})
            reply = answer(self.core, call)
            for action in call.after:
                action()
            return reply
        except Refused as refusal:
            if git_http.PATH.fullmatch(call.path):
                return Reply(refusal.status, f"{refusal.message}\n".encode(), "text/plain")
            return Reply.of(
                refusal.status,
                {
                    "message": refusal.message,
                    "documentation_url": "https://docs.github.com/rest",
                    "status": str(refusal.status),
                },
            )
        except RehearseError as error:
            self.core.problems.append(f"{call.method} {call.path}: {error}")
            return Reply.of(500, {"message": str(error)})
        except Exception as error:  # a defect must reach the one who waits, not only the client
            self.core.problems.append(f"{call.method} {call.path}: {error!r}")
            return Reply.of(500, {"message": "Server Error"})


def _name(call: Call) -> str:
    """``push REF ...`` or ``METHOD path below the repository``, by which interruptions know a request."""
    if call.path.endswith("/git-receive-pack") and (refs := git_http.pushed_refs(call)):
        return f"push {' '.join(refs)}"
    return f"{call.method} {re.sub(r'^(/api/v3)?/(repos/[^/]+/[^/]+/)?', '', call.path)}"


class _QuietServer(uvicorn.Server):
    def install_signal_handlers(self) -> None:
        """Signals belong to the program that rehearses."""
