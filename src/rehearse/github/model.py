"""What a repository holds besides its git objects."""

from __future__ import annotations

import hashlib
import itertools
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .settings import ActionsSettings, DeployKey

if TYPE_CHECKING:
    from ..actions.runs import Run


def now() -> str:
    """The present moment the way GitHub writes it (UTC, whole seconds)."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Comment:
    """A comment on an issue, a pull request (``number``) or a commit (``sha``)."""

    id: int
    body: str
    author: str
    number: int | None = None
    sha: str | None = None
    edits: int = 0
    created_at: str = field(default_factory=now)
    updated_at: str = field(default_factory=now)


@dataclass
class Status:
    """One commit status; the newest of a context counts."""

    id: int
    sha: str
    context: str
    state: str
    description: str
    target_url: str | None
    author: str
    created_at: str = field(default_factory=now)


@dataclass
class CheckRun:
    """One check run, made by a finished job or through the REST interface."""

    id: int
    name: str
    head_sha: str
    status: str
    conclusion: str | None
    output: dict[str, Any] = field(default_factory=dict)
    started_at: str = field(default_factory=now)


@dataclass
class IssueEvent:
    """What happened to an issue or pull request: ``labeled`` or ``unlabeled``, by whom."""

    id: int
    event: str
    actor: str
    label: str
    created_at: str = field(default_factory=now)


@dataclass
class Issue:
    """An issue; a pull request has its own class and shares the numbers. ``events`` come oldest first."""

    number: int
    title: str
    body: str
    author: str
    state: str = "open"
    labels: list[str] = field(default_factory=list)
    events: list[IssueEvent] = field(default_factory=list)
    created_at: str = field(default_factory=now)


@dataclass
class Pull(Issue):
    """A pull request. ``head_repository`` differs from the base's for a fork."""

    head_repository: str = ""
    head_ref: str = ""
    head_sha: str = ""
    base_ref: str = ""
    base_sha: str = ""
    merged: bool = False
    merged_by: str | None = None
    merge_commit_sha: str | None = None
    draft: bool = False
    auto_merge: str | None = None
    merged_at: str | None = None


@dataclass
class Deployment:
    """A deployment and its statuses, newest last."""

    id: int
    ref: str
    sha: str
    environment: str
    description: str
    payload: Any
    creator: str
    task: str = "deploy"
    statuses: list[dict[str, Any]] = field(default_factory=list)
    created_at: str = field(default_factory=now)

    @property
    def state(self) -> str:
        """State of the newest status, ``pending`` before the first."""
        return str(self.statuses[-1]["state"]) if self.statuses else "pending"


@dataclass
class Asset:
    """A file of a release. ``state`` is ``starter`` after an upload that broke off: the name is taken, the file is not there."""

    id: int
    name: str
    path: Path
    kind: str
    state: str = "uploaded"
    created_at: str = field(default_factory=now)

    @property
    def content(self) -> bytes:
        """What was uploaded; nothing unless the upload was whole."""
        return self.path.read_bytes() if self.state == "uploaded" else b""


@dataclass
class Release:
    """A release; ``assets`` maps a file name to the file. Drafts may share a tag's name, published releases may not."""

    id: int
    tag_name: str
    name: str
    body: str
    target: str
    author: str
    draft: bool = False
    prerelease: bool = False
    assets: dict[str, Asset] = field(default_factory=dict)
    created_at: str = field(default_factory=now)
    published_at: str | None = None


@dataclass
class Artifact:
    """An uploaded artifact: one zip file of one run."""

    id: int
    run_id: int
    name: str
    path: Path
    digest: str
    created_at: str = field(default_factory=now)

    def replace(self, content: bytes) -> None:
        """Store other bytes under the same id."""
        self.path.write_bytes(content)
        self.digest = hashlib.sha256(content).hexdigest()


@dataclass
class Environment:
    """A deployment environment; ``branches`` are patterns, None lets all in. ``rules`` are its other rules, as REST tells them."""

    name: str
    branches: list[str] | None = None
    secrets: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    rules: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Protection:
    """Rules of a protected branch. ``bypass`` lists logins the rules leave alone; with ``queue`` only the merge queue changes it."""

    required_statuses: list[str] = field(default_factory=list)
    require_pull: bool = False
    bypass: frozenset[str] = frozenset()
    queue: bool = False


@dataclass
class RepositoryState:
    """Everything known of one repository; guarded by the hub's lock."""

    id: int
    full_name: str
    default_branch: str
    git_dir: Path
    parent: str | None = None
    private: bool = True
    issues: dict[int, Issue] = field(default_factory=dict)
    comments: dict[int, Comment] = field(default_factory=dict)
    statuses: list[Status] = field(default_factory=list)
    checks: list[CheckRun] = field(default_factory=list)
    deployments: list[Deployment] = field(default_factory=list)
    releases: list[Release] = field(default_factory=list)
    attestations: dict[str, int] = field(default_factory=dict)  # how many there are, by the digest of their subject
    runs: list[Run] = field(default_factory=list)
    artifacts: list[Artifact] = field(default_factory=list)
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    environments: dict[str, Environment] = field(default_factory=dict)
    protections: dict[str, Protection] = field(default_factory=dict)
    rulesets: dict[int, dict[str, Any]] = field(default_factory=dict)
    keys: list[DeployKey] = field(default_factory=list)
    actions: ActionsSettings = field(default_factory=ActionsSettings)
    organisation: bool = False  # whether the owner is one
    plan: str = "team"  # of the owner: free, team or enterprise
    left_out: dict[str, str] = field(default_factory=dict)
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    push_lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def owner(self) -> str:
        """The part of the full name before the slash."""
        return self.full_name.split("/", 1)[0]

    @property
    def name(self) -> str:
        """The part of the full name after the slash."""
        return self.full_name.split("/", 1)[1]

    @property
    def pulls(self) -> list[Pull]:
        """Pull requests by number."""
        return [one for one in self.issues.values() if isinstance(one, Pull)]

    def pull(self, number: int) -> Pull | None:
        """The pull request with this number, None when there is none."""
        found = self.issues.get(number)
        return found if isinstance(found, Pull) else None
