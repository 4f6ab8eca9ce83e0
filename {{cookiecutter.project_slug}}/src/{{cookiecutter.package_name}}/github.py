"""GitHub's REST API over HTTPS: the same calls in a job, with its token, and at home, with gh's log-in."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from . import ProblemError, github_access
from .github_access import AccessError
from .https import Answer, RequestError, Session

_VERSION = "2022-11-28"
_NEXT = re.compile(r'<([^>]+)>;\s*rel="next"')
_ADVICE = {
    401: "the token is wrong or has expired: set GH_TOKEN again, or run `gh auth login`",
    403: "the token may not do this: look at the job's `permissions`",
    429: "too many requests: run it again later",
}
_session = Session()


class GitHubError(ProblemError):
    """GitHub, or the way to it, refused a call.

    ``status`` is the HTTP status, or 0 where none was answered; ``said`` is what GitHub itself said.
    """

    def __init__(self, message: str, status: int = 0, said: str = "") -> None:
        super().__init__(message)
        self.status, self.said = status, said


def meta() -> Any:
    """What GitHub tells of itself, such as the keys of its SSH servers (REST API, "Get GitHub meta information")."""
    return json.loads(_call("GET", "meta").body)


def repository() -> str:
    """``owner/name``; outside a job that of git's remote ``origin``. Raises GitHubError where that is not on GitHub."""
    try:
        return github_access.repository()
    except AccessError as error:
        raise GitHubError(str(error)) from None


def get(path: str, **query: object) -> Any:
    """``GET /repos/<this repository>/<path>`` with the query parameters, of the repository itself without a path; the decoded JSON."""
    return json.loads(_call("GET", _address(path, query)).body)


def get_all(path: str, key: str | None = None, **query: object) -> list[Any]:
    """Every item of a paged list, over all pages; ``key`` names the list inside an object page."""
    items: list[Any] = []
    address: str | None = _address(path, {"per_page": 100, **query})
    while address:
        answer = _call("GET", address)
        page = json.loads(answer.body)
        items += page[key] if key else page
        more = _NEXT.search(answer.headers.get("link", ""))
        address = more[1] if more else None
    return items


def send(method: str, path: str, body: dict[str, Any]) -> Any:
    """POST, PATCH, PUT or DELETE with ``body`` as JSON; the decoded answer."""
    answer = _call(method, _address(path, {}), json.dumps(body).encode(), "application/json").body
    return json.loads(answer) if answer.strip() else None


def download(path: str, target: Path, accept: str = "*/*") -> None:
    """Save the body of a GET, following redirects; ``application/octet-stream`` gives a release's file instead of words about it."""
    _call("GET", _address(path, {}), accept=accept, target=target)


def upload(address: str, path: Path, kind: str) -> Any:
    """POST a file of a media type to a whole address, such as a release's; the decoded answer."""
    return json.loads(_call("POST", address, path, kind).body)


def _address(path: str, query: dict[str, object]) -> str:
    return f"repos/{repository()}/{path}".rstrip("/") + (f"?{urlencode(query)}" if query else "")


def _call(
    method: str,
    address: str,
    body: bytes | Path | None = None,
    kind: str | None = None,
    accept: str = "application/vnd.github+json",
    target: Path | None = None,
) -> Answer:
    """Send one request; ``address`` is whole, or a path below the API's base.

    Raises:
        GitHubError: it was refused, GitHub is out of reach, or nobody is logged in.
    """
    try:
        whole = github_access.whole(address)
        headers = {"Accept": accept, "User-Agent": "promotion", "X-GitHub-Api-Version": _VERSION}
        headers |= {"Authorization": f"Bearer {github_access.token()}"} | ({"Content-Type": kind} if kind else {})
        answer = _session.request(method, whole, headers, body, target)
    except (AccessError, RequestError) as error:
        raise GitHubError(f"GitHub could not be asked for {method} {address}: {error}") from None
    if not answer.ok:
        said, advice = _words(answer), _advice(answer)
        raise GitHubError(f"GitHub refused {method} {address}: {said}" + (f"; {advice}" if advice else ""), answer.status, said)
    return answer


def _words(answer: Answer) -> str:
    """Message and status of a refusal, and which errors of which field, in one line."""
    try:
        told = json.loads(answer.body)
        message = str(told["message"])
        errors = [_one(error) for error in told.get("errors", [])]
    except (ValueError, LookupError, TypeError, AttributeError):
        message, errors = answer.reason or "no message", []
    what = " ".join(f"{message}{': ' if errors else ''}{', '.join(errors)}".split())[:300]
    return f"{what} (HTTP {answer.status})"


def _one(error: str | dict[str, Any]) -> str:
    return error if isinstance(error, str) else error.get("message") or f"{error.get('field')} {error.get('code')}"


def _advice(answer: Answer) -> str | None:
    if answer.status >= 500:
        return "GitHub has trouble: run it again later"
    if answer.status in (403, 429) and (answer.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in answer.headers):
        return _ADVICE[429]
    return _ADVICE.get(answer.status)
