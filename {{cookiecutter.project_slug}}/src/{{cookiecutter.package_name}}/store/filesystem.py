"""Opens the file system of a DVC remote: by DVC where it is installed, else by fsspec, which DVC itself is built on.

Either way credentials are the provider's own (environment, profile, OIDC of the job); DVC applies every setting of the remote, the light
way those of :data:`_LIGHT`.
"""

import importlib.util
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs

from .. import ProblemError
from . import StoreError
from .settings import Settings

# DVC's name of a setting -> where fsspec's file system takes it.
_LIGHT: dict[str, dict[str, tuple[str, ...]]] = {
    "s3": {
        "access_key_id": ("key",),
        "allow_anonymous_login": ("anon",),
        "endpointurl": ("client_kwargs", "endpoint_url"),
        "profile": ("profile",),
        "region": ("client_kwargs", "region_name"),
        "secret_access_key": ("secret",),
        "session_token": ("token",),
    },
    "gs": {"credentialpath": ("token",), "projectname": ("project",)},
    "azure": {"account_name": ("account_name",), "connection_string": ("connection_string",), "sas_token": ("sas_token",)},
}
_FSSPEC_SCHEME = {"azure": "az"}
_REMOTE = "correct the URL with `dvc remote modify`"
_FORK = "a pull request from a fork has none: it cannot be judged here; a maintainer can dispatch it"


def connect(settings: Settings) -> tuple[AbstractFileSystem, str]:
    """The file system of this project's remote and the path of the remote in it. Nothing is asked of the provider yet."""
    if settings.scheme == "file" or not settings.name or importlib.util.find_spec("dvc") is None:
        return connect_light(settings)
    from dvc.config import Config
    from dvc.fs import get_cloud_fs

    kind, options, path = get_cloud_fs(Config.from_cwd(), name=settings.name)
    return kind(**options).fs, path


def connect_light(settings: Settings) -> tuple[AbstractFileSystem, str]:
    """The same without DVC, and without a project: for the server, which follows somebody else's."""
    options: dict[str, Any] = {}
    for key, place in _LIGHT.get(settings.scheme, {}).items():
        if key in settings.options:
            _put(options, place, settings.options[key])
    scheme, mark, rest = settings.url.rpartition("://")
    system, path = url_to_fs(f"{_FSSPEC_SCHEME.get(scheme, scheme)}{mark}{rest}", skip_instance_cache=True, **options)
    return system, path.rstrip("/")


@contextmanager
def in_one_line(url: str, doing: str, name: str = "the store", correct: str = _REMOTE) -> Iterator[None]:
    """Turn whatever a provider's library raises inside into a StoreError: ``doing`` is ``read`` or ``written``.

    ``name`` is what lies at the URL, ``correct`` says how its reader can correct the URL.
    """
    try:
        yield
    except (ProblemError, AttributeError, NameError, TypeError):  # the last three are defects, not problems of the store
        raise
    except Exception as error:  # each provider has exceptions of its own, and they share no base
        raise StoreError(f"{name} {url} cannot be {doing}: {_reason(error)}; {_advice(error, correct)}") from None


def _put(options: dict[str, Any], place: tuple[str, ...], value: str) -> None:
    for name in place[:-1]:
        options = options.setdefault(name, {})
    options[place[-1]] = value.lower() == "true" if value.lower() in ("true", "false") else value


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return re.sub(r"://[^/@\s]+@", "://", text).rstrip(".")


def _advice(error: Exception, correct: str) -> str:
    kind = type(error).__name__
    if isinstance(error, ImportError) or kind == "RemoteMissingDepsError":
        return "lock its library with `make lock`, commit requirements/ and set up again"
    if isinstance(error, FileNotFoundError):
        return f"make the bucket or the folder, or {correct}"
    if isinstance(error, PermissionError) or "redential" in kind + str(error):
        return f"check the credentials, which may have expired ({_FORK})"
    return "run the same command again"
