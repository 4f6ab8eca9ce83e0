"""The page at ``/`` for people: what is served, a form to try it out, how far the inputs have drifted. It loads nothing from elsewhere.

Programs that ask for ``/`` get what they got before: the page is for those who accept HTML.
"""

from collections.abc import Awaitable, Callable
from importlib.resources import files

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from .. import Live
from ..refused import no_model
from .about import about

OPEN = frozenset(("/page/page.css", "/page/page.js", "/page/card.js"))  # without a token: they are the same for every model
_HEADERS = {
    "cache-control": "no-cache",
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_KINDS = {"html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}


def routes(live: Live) -> list[Route]:
    """The page, its style and script, and what it shows of the model; they go before the route for programs at ``/``."""

    async def told(_: Request) -> Response:
        if (model := live.model) is None:
            raise no_model(live.problem)
        return Response(msgspec.json.encode(about(live, model)), 200, _HEADERS | {"x-model-digest": model.digest}, "application/json")

    return [
        _ForBrowsers("/", _file("page.html")),
        Route("/page/page.css", _file("page.css")),
        Route("/page/page.js", _file("page.js")),
        Route("/page/card.js", _file("card.js")),
        Route("/page/about", told),
    ]


def is_open(path: str, headers: dict[bytes, bytes]) -> bool:
    """Whether a path is answered without a token: the empty page, which asks for the token itself, with its style and script."""
    return path in OPEN or (path == "/" and _wants_page(headers.get(b"accept", b"")))


class _ForBrowsers(Route):
    """A route for those who accept HTML."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] == "http" and _wants_page(dict(scope["headers"]).get(b"accept", b"")):
            return super().matches(scope)
        return Match.NONE, {}


def _wants_page(accept: bytes) -> bool:
    return b"text/html" in accept.lower()


def _file(name: str) -> Callable[[Request], Awaitable[Response]]:
    content = (files(__package__) / name).read_bytes()
    headers = _HEADERS | {"vary": "accept"}

    async def answer(_: Request) -> Response:
        return Response(content, 200, headers, _KINDS[name.rpartition(".")[2]])

    return answer
