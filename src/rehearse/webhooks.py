"""A receiver of webhooks on loopback, over HTTPS with the world's certificate: what chat would have been told."""

from __future__ import annotations

import json
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from .world import World


@dataclass(frozen=True)
class Post:
    """One message: the path that it was sent to and its JSON."""

    path: str
    body: Any


@dataclass
class Webhooks:
    """Listens while it is used in ``with``. ``answer`` is the status of every answer; ``location`` makes it a redirect there."""

    world: World
    answer: int = 200
    location: str | None = None
    posts: list[Post] = field(default_factory=list)

    def __enter__(self) -> Webhooks:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.world.certificates.chain, self.world.certificates.key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, name="webhooks", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def address(self, path: str) -> str:
        """The URL of a path here. Whoever trusts the world's authority can post to it, past the world's proxy."""
        return f"https://127.0.0.1:{self._server.server_port}/{path.lstrip('/')}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        ours = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                ours.posts.append(Post(self.path, json.loads(body)))
                self.send_response(ours.answer)
                if ours.location:
                    self.send_header("location", ours.location)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """The posts are the log."""

        return Handler
