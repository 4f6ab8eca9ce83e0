"""Finds out which upgrade breaks something that works without any and fails with all, as ``git bisect`` does with commits."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9][\w.-]*)==(?P<version>[^\s;\\]+)", re.MULTILINE)
Pins = Mapping[str, str]


@dataclass(frozen=True)
class Try:
    """What came of one set of upgrades: the versions that were installed, and the first thing that went wrong, empty where nothing did."""

    pins: Pins
    problem: str


@dataclass(frozen=True)
class Finding:
    """What is known at the end.

    ``upgraded`` are the old and new versions of everything that could be newer. ``problem`` is empty where all of it works. ``culprits``
    are the old and new versions of what broke it: several where they only move together, none where it fails without any upgrade.
    """

    upgraded: Mapping[str, tuple[str, str]]
    problem: str = ""
    culprits: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    tries: int = 1


def pins(lock: str) -> dict[str, str]:
    """Names and versions in a lock file; of a name that is pinned for several platforms, all versions."""
    found: dict[str, list[str]] = {}
    for match in _PIN.finditer(lock):
        found.setdefault(match["name"].lower(), []).append(match["version"])
    return {name: " ".join(versions) for name, versions in found.items()}


def moved(old: Pins, new: Pins) -> dict[str, tuple[str, str]]:
    """Old and new versions where they differ; ``-`` where there is none."""
    names = sorted(set(old) | set(new))
    return {name: (old.get(name, "-"), new.get(name, "-")) for name in names if old.get(name) != new.get(name)}


def search(old: Pins, everything: Pins, attempt: Callable[[Sequence[str]], Try]) -> Finding:
    """``attempt`` upgrades the named packages, and what must move with them, and tries the result out; each call is a whole rehearsal."""
    names = [name for name in moved(old, everything) if name in everything]
    upgraded = moved(old, everything)
    last = attempt(names)
    if not last.problem or not names:
        return Finding(upgraded, last.problem)
    first = attempt([])
    if first.problem:
        return Finding(upgraded, first.problem, tries=2)
    good, bad, tries = 0, len(names), 2
    known = {good: first, bad: last}
    while bad - good > 1:
        middle = (good + bad) // 2
        known[middle] = attempt(names[:middle])
        tries += 1
        good, bad = (good, middle) if known[middle].problem else (middle, bad)
    return Finding(upgraded, known[bad].problem, moved(known[good].pins, known[bad].pins), tries)
