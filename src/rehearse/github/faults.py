"""Faults on purpose: failing requests, an unreachable git store, tampered artifacts, clients that die in the middle."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Transform = Callable[[bytes], bytes]


@dataclass
class Fault:
    """One planned failure. ``times`` counts down; None goes on until :meth:`stop`."""

    pattern: re.Pattern[str]
    status: int
    method: str = ".*"
    repository: str = ".*"
    times: int | None = None
    hits: int = 0

    def stop(self) -> None:
        """End the fault."""
        self.times = 0

    def hit(self) -> bool:
        """Use the fault once, if it is still on."""
        if self.times == 0:
            return False
        self.times = None if self.times is None else self.times - 1
        self.hits += 1
        return True


@dataclass
class Tampering:
    """Replaces the bytes of artifacts by name, and by run or workflow when ``run`` is given."""

    run: int | str | None
    name: re.Pattern[str]
    transform: Transform
    hits: int = 0

    def covers(self, run_id: int, workflow: str, name: str) -> bool:
        """Whether the artifact of that run is meant."""
        return self.run in (None, run_id, workflow) and bool(self.name.fullmatch(name))


@dataclass
class Interruption:
    """Calls ``action`` (which ends the client) at the ``nth`` request whose name the pattern matches as a whole.

    A request is named ``POST deployments`` (method, path below the repository) or ``push refs/heads/main``. ``before``: it is never
    handled; ``during``: only the first half of what it sent is; ``after``: it is handled whole, its answer is lost.
    """

    pattern: re.Pattern[str]
    moment: Literal["before", "during", "after"]
    action: Callable[[], None]
    nth: int = 1
    hits: int = 0

    def hit(self, name: str) -> bool:
        """Count a request; whether this is the one."""
        if not self.pattern.fullmatch(name):
            return False
        self.hits += 1
        return self.hits == self.nth


@dataclass
class Faults:
    """All faults of one hub."""

    rest: list[Fault] = field(default_factory=list)
    git: list[Fault] = field(default_factory=list)
    tampering: list[Tampering] = field(default_factory=list)
    interruptions: list[Interruption] = field(default_factory=list)

    def interruption(self, name: str) -> Interruption | None:
        """The interruption that strikes the request of this name, if any."""
        return next((one for one in self.interruptions if one.hit(name)), None)

    def request(self, method: str, path: str) -> Fault | None:
        """The fault that strikes this request, if any."""
        return next(
            (one for one in self.rest if re.fullmatch(one.method, method, re.IGNORECASE) and one.pattern.search(path) and one.hit()),
            None,
        )

    def git_refs(self, repository: str, refs: list[str]) -> Fault | None:
        """The fault that strikes a git request about these refs, if any."""
        return next(
            (one for one in self.git if re.fullmatch(one.repository, repository) and any(map(one.pattern.search, refs)) and one.hit()),
            None,
        )

    def tamper(self, run_id: int, workflow: str, name: str, content: bytes) -> bytes:
        """Content after every tampering that covers the artifact."""
        for one in self.tampering:
            if one.covers(run_id, workflow, name):
                content = one.transform(content)
                one.hits += 1
        return content
