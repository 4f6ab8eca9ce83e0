"""GitHub's REST API through ``gh api``: the same call, the same log-in, at home and in a job."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from . import ProblemError


class GitHubError(ProblemError):
    """GitHub, or the way to it, refused a call. ``status`` is the HTTP status, or 0 where none was answered."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


def meta() -> Any:
    """What GitHub tells of itself, such as the keys of its SSH servers (REST API, "Get GitHub meta information")."""
    return json.loads(_gh("meta"))


def repository() -> str:
    """``owner/name``; outside a job the placeholder that ``gh`` fills from the git remote."""
    return os.environ.get("GITHUB_REPOSITORY") or "{owner}/{repo}"


def get(path: str, **query: object) -> Any:
    """``GET /repos/<this repository>/<path>`` with the query parameters; the decoded JSON."""
    return json.loads(_gh(_address(path, query)))


def get_all(path: str, key: str | None = None, **query: object) -> list[Any]:
    """Every item of a paged list, over all pages; ``key`` names the list inside an object page."""
    pages = json.loads(_gh(_address(path, {"per_page": 100, **query}), "--paginate", "--slurp"))
    return [item for page in pages for item in (page[key] if key else page)]


def send(method: str, path: str, body: dict[str, Any]) -> Any:
    """POST, PATCH or PUT ``body`` as JSON; the decoded answer."""
    answer = _gh(_address(path, {}), "--method", method, "--input", "-", stdin=json.dumps(body).encode())
    return json.loads(answer) if answer.strip() else None


def download(path: str, target: Path, accept: str = "*/*") -> None:
    """Save the body of a GET, following redirects; ``application/octet-stream`` gives a release's file instead of words about it."""
    target.write_bytes(_gh(_address(path, {}), "--header", f"Accept: {accept}"))


def upload(address: str, path: Path, kind: str) -> Any:
    """POST a file of a media type to a whole address, such as a release's; the decoded answer.

    It goes by its path, not through a pipe: GitHub wants to know its size first.
    """
    return json.loads(_gh(address, "--method", "POST", "--header", f"Content-Type: {kind}", "--input", str(path)))


def _address(path: str, query: dict[str, object]) -> str:
    return f"repos/{repository()}/{path}" + (f"?{urlencode(query)}" if query else "")


def _gh(address: str, *options: str, stdin: bytes | None = None) -> bytes:
    try:
        done = subprocess.run(["gh", "api", address, *options], input=stdin, capture_output=True)
    except FileNotFoundError:
        raise GitHubError("gh (the GitHub command line) is not on PATH; install it and run `gh auth login`") from None
    if done.returncode:
        text = done.stderr.decode("utf-8", "replace").strip().splitlines() or [f"exit {done.returncode}"]
        raise GitHubError(f"GitHub refused {address}: {text[0].removeprefix('gh: ')}", _status(text[0]))
    return done.stdout


def _status(line: str) -> int:
    _, found, tail = line.rpartition("(HTTP ")
    return int(tail[:3]) if found and tail[:3].isdigit() else 0
