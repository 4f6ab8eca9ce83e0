"""The command line of the server, checked."""

import argparse
import hashlib
import os
import re
from pathlib import Path
from typing import NoReturn

from .. import ProblemError
from .batcher import PATIENCE
from .remote import without_credentials
from .watch.settings import add_options as add_watching

_MOST_WORKERS = 256


class SettingError(ProblemError):
    """An option of the command line has a value that cannot work."""


def options(arguments: list[str], description: str) -> argparse.Namespace:
    """The options; raises :class:`SettingError` that says what to correct."""
    found = _parser(description).parse_args(arguments)
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", found.environment):
        raise SettingError(f"--environment {found.environment!r} is not a name of lower-case letters, digits, - and _, as in production")
    if not re.fullmatch(r"(?!.*(\.\.|//|\.lock$))[A-Za-z0-9_][\w./+#-]*(?<![/.])", found.branch):
        raise SettingError(f"--branch {found.branch!r} is not the name of a branch, as in main")
    for name, low, high in (("poll", 0.1, 86_400), ("patience", 0.01, 60), ("body_seconds", 0.1, 600)):
        if not low <= getattr(found, name) <= high:
            raise SettingError(f"--{name.replace('_', '-')} {getattr(found, name):g} must lie between {low:g} and {high:g} seconds")
    if not 0 <= found.port <= 65_535:
        raise SettingError(f"--port {found.port} must lie between 0 and 65535")
    for name, most in (("queue", 10**6), ("workers", _MOST_WORKERS)):
        if (value := getattr(found, name)) is not None and not 1 <= value <= most:
            raise SettingError(f"--{name} {value} must lie between 1 and {most}")
    return found


def token() -> str | None:
    """The token that clients must show, from the environment; None where none is asked for."""
    if (found := os.environ.get("SERVING_TOKEN")) is None:
        return None
    if not re.fullmatch(r"[A-Za-z0-9._~+/=-]{8,}", found):
        raise SettingError("SERVING_TOKEN must be at least 8 letters, digits and signs of ._~+/=-; `openssl rand -hex 32` makes one")
    return found


def cache(options: argparse.Namespace, url: str, worker: int | None) -> Path:
    """The folder for what is fetched from ``url``: each remote, branch and environment has its own, and so has each worker."""
    key = hashlib.sha256("\n".join((without_credentials(url), options.branch, options.environment)).encode()).hexdigest()[:16]
    package = (__package__ or "model").partition(".")[0]
    try:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = (options.cache or home / package / "serving").resolve() / (key if worker is None else f"{key}-{worker}")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (OSError, RuntimeError) as error:
        raise SettingError(f"the cache folder cannot be made: {error}; name one that can be written with --cache") from None
    return folder


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line, as for every other problem; argparse would put the thirty of its usage before it."""
        raise SettingError(f"{message}; --help lists the options")


def _parser(description: str) -> argparse.ArgumentParser:
    parser = _Parser(prog=f"python -m {__package__}", description=description, allow_abbrev=False)
    add = parser.add_argument
    add("--follow", metavar="URL_OR_PATH", help="git repository whose pointer is followed (default: origin, or else this repository)")
    add("--branch", default="main", help="branch that holds the pointer (default: %(default)s)")
    add("--environment", default="production", help="follow models/<environment>.yaml (default: %(default)s)")
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--port", type=int, default=8000, help="port to listen on, 0 for any (default: %(default)s)")
    add("--poll", type=float, default=2.0, metavar="SECONDS", help="time between two looks at the pointer (default: %(default)s)")
    add("--cache", type=Path, metavar="DIR", help="where fetched bundles are kept (default: in the user's cache folder)")
    add("--model", type=Path, metavar="DIR", help="serve this bundle; with --follow only until there is a pointer")
    add("--workers", type=int, default=1, metavar="N", help="processes that share the port, one for each core (default: %(default)s)")
    add("--queue", type=int, metavar="ROWS", help="refuse requests above so many waiting rows (default: what takes the model 3 ms)")
    add("--patience", type=float, default=PATIENCE, metavar="SECONDS", help="refuse what has waited for so long (default: %(default)s)")
    add("--body-seconds", type=float, default=10.0, metavar="SECONDS", help="time for a body to arrive (default: %(default)s)")
    add("--until-input-ends", action="store_true", help="stop when standard input closes: for a server that belongs to another process")
    add_watching(parser)
    return parser
