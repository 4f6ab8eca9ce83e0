"""What a pull request changes beside data: parameters, features, libraries; and whose approval its files need."""

import re
from fnmatch import fnmatch
from typing import Any

import msgspec

from ..params import Params
from ..plan import OVERLAYS, POINTER, PROMOTED
from . import Change

LOCK = "requirements/train.txt"
OWNERS = ".github/CODEOWNERS"
_MACHINERY = re.compile(r"\.github/.*|Makefile")
_JUDGES = re.compile(r"/(?:intervals|registry|review)/")  # code that judges or promotes


def parameters(ours: Params, theirs: Params) -> list[Change]:
    """The parameters that differ, by dotted name, in the order of ``params.yaml``; features and gates among them."""
    old, new = _flat(msgspec.to_builtins(ours)), _flat(msgspec.to_builtins(theirs))
    names = [name for name in dict.fromkeys([*old, *new]) if not name.startswith("features.")]
    return [Change(name, _text(old.get(name)), _text(new.get(name))) for name in names if old.get(name) != new.get(name)]


def features(ours: Params, theirs: Params) -> list[Change]:
    """Features that came, went, or changed between numeric and categorical."""
    old, new = _kinds(ours), _kinds(theirs)
    return [Change(name, old.get(name), new.get(name)) for name in dict.fromkeys([*old, *new]) if old.get(name) != new.get(name)]


def dependencies(ours: bytes | None, theirs: bytes | None) -> list[Change]:
    """Locked libraries whose version differs between two lock files."""
    old, new = _versions(ours), _versions(theirs)
    return [Change(name, old.get(name), new.get(name)) for name in sorted({*old, *new}) if old.get(name) != new.get(name)]


def owners(codeowners: bytes | None, files: list[str]) -> list[str]:
    """Who owns the changed files by CODEOWNERS, where the last pattern that fits decides; each owner once.

    Of GitHub's patterns, those that name a file or folder, with ``*`` inside, are understood.
    """
    rules = [line.split("#")[0].split() for line in (codeowners or b"").decode("utf-8", "replace").splitlines()]
    found: list[str] = []
    for name in files:
        fitting = [rule[1:] for rule in rules if rule and _fits(rule[0], name)]
        found += fitting[-1] if fitting else []
    return list(dict.fromkeys(found))


def rewritten(files: list[str]) -> str | None:
    """What is wrong where a pull request changes what runs the training itself: what that uploads proves nothing."""
    found = [name for name in files if _MACHINERY.fullmatch(name)]
    if not found:
        return None
    return (
        f"the pull request changes {', '.join(found[:5])}, so the candidate can be anything; "
        "move this change to a pull request of its own, without inputs of the pipeline"
    )


def notes(files: list[str]) -> list[str]:
    """Sentences about changed files that need the code owners' eyes or should not be in a pull request."""
    found = []
    rules = [name for name in files if name.startswith((".github/", "models/", OVERLAYS)) or _JUDGES.search(name)]
    rules = [name for name in rules if name not in PROMOTED]
    if rules:
        told = "judged by main's version; the change takes effect after the merge and needs the code owners"
        found.append(f"changes {listed(rules)}: {told}")
    carried = [name for name in files if name in PROMOTED]
    if carried and POINTER.as_posix() not in files:  # a revert of a promotion or rollback rightly takes them along
        found.append(f"carries {listed(carried)}, which only promotion commits; drop them with `make drop-promoted`")
    return found


def listed(names: list[str]) -> str:
    """Up to five names in code spans and the number of the rest."""
    shown = ", ".join(f"`{name}`" for name in names[:5])
    return shown + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _fits(pattern: str, name: str) -> bool:
    bare = pattern.lstrip("/")
    if pattern.endswith("/"):
        return fnmatch(name, f"{bare}*") if pattern.startswith("/") else fnmatch(f"/{name}", f"*/{bare}*")
    if pattern.startswith("/") or "/" in bare:
        return fnmatch(name, bare) or name.startswith(f"{bare}/")
    return fnmatch(name.rpartition("/")[2], bare)


def _kinds(chosen: Params) -> dict[str, str]:
    return dict.fromkeys(chosen.features.numeric, "numeric") | dict.fromkeys(chosen.features.categorical, "categorical")


def _versions(lock: bytes | None) -> dict[str, str]:
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", (lock or b"").decode("utf-8", "replace"), re.MULTILINE))


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    if isinstance(value, dict) and value:
        return {key: item for part, inner in value.items() for key, item in _flat(inner, f"{name}.{part}" if name else str(part)).items()}
    return {name: value}


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, (list, tuple)):
        return ", ".join(_text(item) or "none" for item in value) or "none"
    if isinstance(value, dict):
        inside = ", ".join(f"{key}: {item}" for key, item in value.items() if item is not None and (key, item) != ("on", "fail"))
        return f"{{{inside}}}"
    return str(value)
