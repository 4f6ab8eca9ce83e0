"""Which GitHub, which repository, and as whom: what a job has in its environment, and at home git's remote and gh's log-in."""

import os
import re
import subprocess
from functools import cache
from urllib.parse import urlsplit

from . import ProblemError
from .git import GitError, git

_HUB = "github.com"
_REMOTE = re.compile(r"(?:\w+://)?(?:[^@/]+@)?(?P<host>[^/:]+)(?::\d+)?[/:](?P<name>[^/]+/[^/]+?)(?:\.git)?/?")


class AccessError(ProblemError):
    """It is not known where to ask, or as whom."""


def api() -> str:
    """The base of the REST API: ``GITHUB_API_URL`` in a job, else that of the remote's host."""
    if given := os.environ.get("GITHUB_API_URL"):
        return given.rstrip("/")
    host = _host()
    return f"https://api.{host}" if _is_hub(host) else f"https://{host}/api/v3"


def whole(address: str) -> str:
    """The whole address of a path below the base, or a whole one as it is: the API's own host or that of its uploads, no other."""
    base = api()
    if "://" not in address:
        return f"{base}/{address}"
    ours, theirs = urlsplit(base), urlsplit(address)
    if (theirs.scheme, theirs.netloc) not in [(ours.scheme, host) for host in (ours.netloc, re.sub(r"^api\.", "uploads.", ours.netloc))]:
        raise AccessError(f"{theirs.netloc} is not this GitHub ({ours.netloc}): the token is not sent there")
    return address


def repository() -> str:
    """``owner/name``: ``GITHUB_REPOSITORY`` or ``GH_REPO``, else of the remote ``origin``, to which everything here is pushed."""
    if given := os.environ.get("GITHUB_REPOSITORY") or os.environ.get("GH_REPO"):
        return "/".join(given.split("/")[-2:])
    return _origin()[1]


def for_gh() -> str:
    """The repository as ``gh --repo`` wants it, with its host."""
    return f"{_host()}/{repository()}"


def token() -> str:
    """What to be known by: ``GH_TOKEN`` or ``GITHUB_TOKEN``, else gh's log-in.

    As gh does it, those of github.com go to no other host that only a remote names: there ``GH_ENTERPRISE_TOKEN`` counts.
    """
    told = os.environ.get("GITHUB_API_URL") or os.environ.get("GITHUB_SERVER_URL")
    host = _host()
    names = ["GH_TOKEN", "GITHUB_TOKEN"] if told or _is_hub(host) else ["GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"]
    return next((value for name in names if (value := os.environ.get(name, "").strip())), None) or _logged_in(host)


@cache
def _logged_in(host: str) -> str:
    try:
        done = subprocess.run(["gh", "auth", "token", "--hostname", host], capture_output=True, encoding="utf-8")
    except FileNotFoundError:
        advice = "set GH_TOKEN, or install gh (the GitHub command line) and run `gh auth login`"
        raise AccessError(f"nobody is logged in to {host}: {advice}") from None
    if done.returncode or not done.stdout.strip():
        raise AccessError(f"nobody is logged in to {host}: run `gh auth login --hostname {host}`, or set GH_TOKEN")
    return done.stdout.strip()


def _host() -> str:
    if server := os.environ.get("GITHUB_SERVER_URL"):
        return server.partition("://")[2].strip("/").lower()
    if host := os.environ.get("GH_HOST"):
        return host.lower()
    return _HUB if os.environ.get("GITHUB_REPOSITORY") or os.environ.get("GH_REPO") else _origin()[0]


def _is_hub(host: str) -> bool:
    return host == _HUB or host.endswith(".ghe.com")


def _origin() -> tuple[str, str]:
    """Host and ``owner/name`` of git's remote ``origin``."""
    try:
        address = git("remote", "get-url", "origin")
    except GitError:
        raise AccessError("git has no remote `origin`, which says what repository on GitHub this is; set GITHUB_REPOSITORY") from None
    found = _REMOTE.fullmatch(address)
    if not found or address.startswith(("/", ".", "file:")):
        raise AccessError(f"git's remote `origin` ({address}) is not on GitHub; set GITHUB_REPOSITORY to owner/name")
    host = found["host"].lower()
    return (_HUB if host == f"ssh.{_HUB}" else host), found["name"]
