"""Who a token stands for, and what it may do.

The names and levels are those of a workflow's ``permissions:`` key; what a
missing or partial key means follows GitHub's documentation of GITHUB_TOKEN.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..errors import PlayError
from ..values import Value

if TYPE_CHECKING:
    from ..actions.runs import Run

SCOPES = (
    "actions",
    "artifact-metadata",
    "attestations",
    "checks",
    "contents",
    "deployments",
    "discussions",
    "id-token",
    "issues",
    "models",
    "packages",
    "pages",
    "pull-requests",
    "repository-projects",
    "security-events",
    "statuses",
)
LEVELS = {"none": 0, "read": 1, "write": 2}
ADMINISTRATION = "administration"
INSIDERS = ("secrets", "variables")  # not even their names are for everybody who reads the repository
RESTRICTED_DEFAULT = {"contents": "read", "packages": "read"}
BOT = "github-actions[bot]"
Need = tuple[tuple[str, str], ...]


def read_permissions(value: Value, where: str) -> dict[str, str] | None:
    """Turn a ``permissions:`` value into scope to level; None when the key is absent.

    Raises ``PlayError`` for an unknown scope or level.
    """
    if value is None:
        return None
    if value in ("read-all", "write-all"):
        return dict.fromkeys(SCOPES, str(value).split("-")[0])
    if not isinstance(value, Mapping):
        raise PlayError(f"{where}: permissions must be a mapping, read-all or write-all, not {value!r}")
    for scope, level in value.items():
        if scope not in SCOPES or level not in LEVELS:
            raise PlayError(
                f"{where}: permission '{scope}: {level}' does not exist (scopes: {', '.join(SCOPES)}; levels: none, read, write)"
            )
    return {str(scope): str(level) for scope, level in value.items()}


def effective(workflow: dict[str, str] | None, job: dict[str, str] | None, *, fork: bool) -> dict[str, str]:
    """Permissions of one job: its own key wins over the workflow's, a fork gets no write."""
    chosen = job if job is not None else workflow
    granted = dict(RESTRICTED_DEFAULT if chosen is None else chosen)
    if fork:
        granted = {scope: "read" if level == "write" else level for scope, level in granted.items()}
    return granted


def union(several: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """The highest level of each scope over jobs that run at the same time."""
    total: dict[str, str] = {}
    for one in several:
        for scope, level in one.items():
            if LEVELS[level] > LEVELS[total.get(scope, "none")]:
                total[scope] = level
    return total


def grants(permissions: Mapping[str, str], need: Need) -> bool:
    """Whether any one of the needed (scope, level) pairs is held; no need is always met."""
    return not need or any(LEVELS[permissions.get(scope, "none")] >= LEVELS[level] for scope, level in need)


@dataclass(frozen=True)
class Person:
    """A human or machine account. Reads everything, writes where it is told; with ``admin`` it has the settings there in hand."""

    login: str
    write_to: frozenset[str]
    admin: bool = False


@dataclass
class Caller:
    """The one behind a request: a person, a run's token, or nobody."""

    person: Person | None = None
    run: Run | None = None
    token: str = field(default="", repr=False)

    @property
    def login(self) -> str:
        """Login shown as author of what the caller makes."""
        if self.run is not None:
            return BOT
        return self.person.login if self.person else ""

    @property
    def anonymous(self) -> bool:
        """True without a valid token."""
        return self.run is None and self.person is None

    def sees(self, full_name: str) -> bool:
        """Whether the (private) repository exists for the caller."""
        if self.run is not None:
            return self.run.repository == full_name
        return self.person is not None

    def may(self, full_name: str, need: Need) -> bool:
        """Whether the caller holds one of ``need`` on the repository."""
        if self.run is not None:
            return self.run.repository == full_name and grants(self.run.permissions_now(), need)
        return self.person is not None and (not need or any(_person_may(self.person, full_name, *pair) for pair in need))


def _person_may(person: Person, full_name: str, scope: str, level: str) -> bool:
    writes = full_name in person.write_to
    if scope == ADMINISTRATION:
        return person.admin and writes
    return writes or (level == "read" and scope not in INSIDERS)
