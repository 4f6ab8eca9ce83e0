"""Fetches a bundle from where a pointer says that it is, outside git, without DVC: for the server."""

from pathlib import Path

from . import BUNDLES, StoreError, settings
from .filesystem import connect_light, in_one_line
from .remote import download

SCHEMES = ("s3", "gs", "azure", "ssh", "file")


def fetch(address: str, config: str, into: Path) -> None:
    """Download the files of the bundle at ``address`` (``<URL of the store>/bundles/<digest>``); they are not verified.

    ``config`` is the text of the followed repository's ``.dvc/config``: its settings (an endpoint, a region) apply when it names the
    same store.

    Raises:
        StoreError: the address is of no known kind, the provider cannot be reached or refuses, or there is no such bundle.
    """
    url, _, name = address.rpartition(f"/{BUNDLES}/")
    chosen = _chosen(url, config)
    if chosen.scheme not in SCHEMES or not url or not name:
        known = ", ".join(SCHEMES)
        raise StoreError(f"{address!r} is no place of a bundle: it must be <URL>/{BUNDLES}/<digest> with {known}; promote again")
    with in_one_line(url, "read"):
        system, root = connect_light(chosen)
        download(system, f"{root}/{BUNDLES}/{name}", address, into)


def _chosen(url: str, config: str) -> settings.Settings:
    try:
        named = settings.parse([config])
    except StoreError:
        return settings.Settings("", url)
    return named if named.url.rstrip("/") == url else settings.Settings("", url)
