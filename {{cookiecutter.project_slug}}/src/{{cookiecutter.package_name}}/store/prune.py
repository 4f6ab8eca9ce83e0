"""``python -m <package>.store prune [--really]``: takes out of the store what no promotion and no commit names.

Kept: the bundle of every digest that any pointer file ever named, in every commit of every branch known here; every object that any
``dvc.lock`` or ``*.dvc`` file of those commits names, with the files of tracked folders; run-cache entries whose outputs are kept.
"""

import json
import re
from collections.abc import Callable, Collection
from typing import NamedTuple

from ..git import git, git_bytes
from . import BUNDLES, Store, StoreError, objects

_DIGEST = re.compile(r"\bsha256:([0-9a-f]{64})\b")
_OBJECT = re.compile(r"files/md5/([0-9a-f]{2})/([0-9a-f]{30}(?:\.dir)?)")
_RUN = re.compile(r"runs/[0-9a-f]{2}/[0-9a-f]{64}/[0-9a-f]{64}")
_BUNDLE = re.compile(rf"{BUNDLES}/([0-9a-f]{{64}})/[^/]+")


class Plan(NamedTuple):
    """What goes, and what that saves."""

    goes: set[str]
    kept: int
    freed: int


def plan(shelf: Store) -> Plan:
    """What prune would take out. Files of no known kind are kept.

    Raises:
        StoreError: this clone is shallow, so that it does not know every promotion.
    """
    _check_history()
    sizes = shelf.sizes()
    bundles, named = _named(sizes, shelf.read)
    goes = {path for path in sizes if not _is_kept(path, bundles, named, shelf.read)}
    return Plan(goes, len(sizes) - len(goes), sum(sizes[path] for path in goes))


def _is_kept(path: str, bundles: set[str], named: set[str], read: Callable[[str], bytes]) -> bool:
    if found := _BUNDLE.fullmatch(path):
        return found[1] in bundles
    if found := _OBJECT.fullmatch(path):
        return found[1] + found[2] in named
    if _RUN.fullmatch(path):
        outputs = objects.named_in(read(path).decode("utf-8", "replace"), "outs")
        return bool(outputs) and set(outputs) <= named
    return True


def _named(stored: Collection[str], read: Callable[[str], bytes]) -> tuple[set[str], set[str]]:
    """Names of bundles and MD5 of objects that must stay."""
    bundles = {digest for text in _versions("models/*.yaml") for digest in _DIGEST.findall(text)}
    named = {md5 for text in _versions("dvc.lock", "*.dvc", "**/*.dvc") for md5 in objects.named_in(text)}
    for md5 in [name for name in named if name.endswith(".dir")]:
        if objects.place(md5) in stored:
            named |= {entry["md5"] for entry in json.loads(read(objects.place(md5)))}
    return bundles, named


def _versions(*paths: str) -> list[str]:
    """The text of every version of these files, in all commits known here and in the index."""
    wanted = [f":(glob){path}" for path in paths]
    log = git("log", "--all", "--format=", "--raw", "-m", "--no-abbrev", "--no-renames", "--", *wanted).splitlines()
    index = git("ls-files", "-s", "--", *wanted).splitlines()
    blobs = {line.split()[3] for line in log if line} | {line.split()[1] for line in index}
    blobs.discard("0" * 40)
    return [git_bytes("cat-file", "blob", blob).decode("utf-8", "replace") for blob in sorted(blobs)]


def _check_history() -> None:
    if git("rev-parse", "--is-shallow-repository") == "true":
        raise StoreError("this clone is shallow and does not know every promotion; run `git fetch --unshallow origin` first")
