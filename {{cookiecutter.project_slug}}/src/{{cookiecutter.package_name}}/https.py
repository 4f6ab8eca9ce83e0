"""HTTPS with connections that are kept for the next request: proxies and certificates of the environment, time limits, safe retries.

``https_proxy``, ``no_proxy``, ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` mean what they mean everywhere.
"""

import base64
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import IO
from urllib.parse import SplitResult, unquote, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

from . import ProblemError

SECONDS = 60.0  # without a sign of the other side, not for a whole request
PAUSES = (1.0, 3.0)  # before a second and a third try
LONGEST_PAUSE = 60.0  # a server that wants more is told of, not waited for
_KEPT = 3.0  # how long an idle connection is trusted: servers close theirs after 5 s and more, and a request must not meet that
_HOPS = 5
_OVERLOADED = (500, 502, 503, 504)
_LOCAL = ("127.0.0.1", "::1", "localhost")


class RequestError(ProblemError):
    """No answer to go on with came: no network, no certificate to trust, a time limit, a broken connection; or it cannot be saved."""


@dataclass(frozen=True)
class Answer:
    """What a server said; ``body`` is empty where it was saved in a file."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    reason: str

    @property
    def ok(self) -> bool:
        """Whether it did what was asked."""
        return 200 <= self.status < 300


@dataclass
class _Link:
    connection: HTTPConnection
    used: float


class Session:
    """Sends requests, one after the other. A redirect to another host takes no ``Authorization`` along."""

    def __init__(self) -> None:
        self._links: dict[tuple[str, str], _Link] = {}
        self._trust: ssl.SSLContext | None = None

    def request(
        self, method: str, address: str, headers: Mapping[str, str], body: bytes | Path | None = None, target: Path | None = None
    ) -> Answer:
        """Send a request and follow redirects: of a GET anywhere over https, of others (307, 308) at the same host only.

        ``body`` is bytes or a file to send, ``target`` a file that a good answer is saved in, whole or not at all. What certainly was
        not done is tried again, and so is a GET that found the server overloaded or the connection broken.

        Raises:
            RequestError: there was no answer, it cannot be saved, or the redirects have no end.
        """
        for _ in range(_HOPS):
            answer = self._tried(method, address, headers, body, target)
            if answer.status not in (301, 302, 303, 307, 308) or not (place := answer.headers.get("location")):
                return answer
            there = urljoin(address, place)
            if _origin(there) != _origin(address):
                headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
            if method != "GET" and (answer.status not in (307, 308) or _origin(there) != _origin(address)):
                return answer
            address = there
        raise RequestError(f"{_origin(address)[1]} redirects in a circle")

    def _tried(self, method: str, address: str, headers: Mapping[str, str], body: bytes | Path | None, target: Path | None) -> Answer:
        for pause in (*PAUSES, None):
            reached = False
            try:
                link = self._link(address)
                reached = True
                answer = _exchange(link, method, address, headers, body, target)
            except RequestError:
                self._drop(address)
                raise
            except (OSError, HTTPException) as error:
                self._drop(address)
                if pause is None or isinstance(error, ssl.SSLCertVerificationError) or (reached and method != "GET"):
                    raise RequestError(_reason(address, error)) from None
            else:
                wanted = _pause_wanted(method, answer, pause)
                if wanted is None:
                    return answer
                pause = wanted
            time.sleep(pause)
        raise AssertionError("the last try returns or raises")

    def _link(self, address: str) -> _Link:
        """The connection to an address's host: the kept one, or a new one."""
        origin = _origin(address)
        link = self._links.get(origin)
        if link and time.monotonic() - link.used > _KEPT:
            self._drop(address)
            link = None
        if link is None:
            link = self._links[origin] = _Link(self._connection(urlsplit(address)), 0.0)
        if link.connection.sock is None:  # new, or closed because the server said that it would
            link.connection.connect()
        return link

    def _drop(self, address: str) -> None:
        if link := self._links.pop(_origin(address), None):
            link.connection.close()

    def _connection(self, parts: SplitResult) -> HTTPConnection:
        host, secure = parts.hostname or "", parts.scheme == "https"
        if not host or not (secure or (parts.scheme == "http" and host in _LOCAL)):
            raise RequestError(f"{parts.scheme}://{parts.netloc} is no https:// address")
        if secure and self._trust is None:
            self._trust = ssl.create_default_context()
        proxy = getproxies().get("https") if secure and not proxy_bypass(host) else None
        if not proxy:
            return _to(host, parts.port, self._trust if secure else None)
        between = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        connection = _to(between.hostname or "", between.port or 80, self._trust if secure else None)
        connection.set_tunnel(host, parts.port, _proxy_login(between))
        return connection


def _to(host: str, port: int | None, trust: ssl.SSLContext | None) -> HTTPConnection:
    if trust:
        return HTTPSConnection(host, port, timeout=SECONDS, context=trust)
    return HTTPConnection(host, port, timeout=SECONDS)


def _proxy_login(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    login = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}


def _exchange(link: _Link, method: str, address: str, headers: Mapping[str, str], body: bytes | Path | None, target: Path | None) -> Answer:
    parts, length = urlsplit(address), {}
    with ExitStack() as stack:
        content: bytes | IO[bytes] | None = body if not isinstance(body, Path) else None
        if isinstance(body, Path):
            with _own(body):
                content, length = stack.enter_context(body.open("rb")), {"Content-Length": str(body.stat().st_size)}
        link.connection.request(method, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), content, {**headers, **length})
        response = link.connection.getresponse()
        saved = b""
        if target is not None and 200 <= response.status < 300:
            _save(response, target)
        else:
            saved = response.read()
    link.used = time.monotonic()
    return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, saved, response.reason)


def _save(response: HTTPResponse, target: Path) -> None:
    part = target.with_name(f"{target.name}.part")
    try:
        with _own(part):
            with part.open("wb") as file:
                file.writelines(_pieces(response))
            part.replace(target)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _own(path: Path) -> Iterator[None]:
    """Tell trouble with a file of ours from trouble with the network."""
    try:
        yield
    except OSError as error:
        raise RequestError(f"{path}: {error.strerror or error}") from None


def _pieces(response: HTTPResponse) -> Iterator[bytes]:
    """An answer that ends too early raises IncompleteRead only where it is read whole, so its length is looked at here."""
    missing = response.length
    while piece := _read(response):
        missing = missing and missing - len(piece)
        yield piece
    if missing:
        raise HTTPException(f"the answer ends {missing} bytes too early")


def _read(response: HTTPResponse) -> bytes:
    try:
        return response.read(1 << 20)
    except OSError as error:
        raise HTTPException(str(error)) from None


def _pause_wanted(method: str, answer: Answer, pause: float | None) -> float | None:
    """How long to wait before the same request is sent again; None: this answer is the last word."""
    if pause is None:
        return None
    after = answer.headers.get("retry-after", "")
    limited = answer.status == 429 or (answer.status == 403 and bool(after))  # refused before anything was done
    if not limited and not (method == "GET" and answer.status in _OVERLOADED):
        return None
    wanted = float(after) if after.isdigit() else pause
    return wanted if wanted <= LONGEST_PAUSE else None


def _origin(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return parts.scheme, parts.netloc.lower()


def _reason(address: str, error: Exception) -> str:
    """In one line: which host, why, what to do."""
    host, why = _origin(address)[1], " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"{host} cannot be trusted: {why}; if your network has its own authority, name its file in SSL_CERT_FILE"
    return f"{host} cannot be reached ({why}); check network and proxy, then run it again"
