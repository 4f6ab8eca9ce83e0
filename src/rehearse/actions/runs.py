"""A workflow run and what is known of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..github.model import now
from ..github.permissions import union
from .concurrency import Group

if TYPE_CHECKING:
    from .act import Act
    from .workflow import Workflow

WORST = ("failure", "cancelled", "success", "skipped")


@dataclass
class Run:
    """One run of one workflow.

    ``workflow`` is the file's name, ``name`` the workflow's own. ``status`` is queued,
    in_progress or completed; ``conclusion`` then success, failure, cancelled, skipped or
    startup_failure, with the reason in ``message``. ``jobs`` maps a job's id to its
    conclusion, ``summaries`` lists what steps wrote to the job summary, ``log`` is a text
    file with secrets masked, ``seconds`` is the wall time from start to end.
    """

    id: int
    number: int
    repository: str
    workflow: str
    name: str
    event: str
    sha: str
    ref: str
    head_sha: str
    head_branch: str
    actor: str
    log: Path
    head_repository: str = ""
    pull: int | None = None
    fork: bool = False
    status: str = "queued"
    conclusion: str | None = None
    message: str = ""
    jobs: dict[str, str] = field(default_factory=dict)
    steps: list[tuple[str, str, str]] = field(default_factory=list)
    summaries: list[str] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    payload: dict[str, Any] = field(default_factory=dict, repr=False)
    tree_sha: str = ""
    definition: Workflow | None = field(default=None, repr=False)
    actions: Mapping[str, str] = field(default_factory=dict, repr=False)
    running_jobs: dict[str, str] = field(default_factory=dict, repr=False)
    act: Act | None = field(default=None, repr=False)
    created_at: str = field(default_factory=now)
    started: float | None = None
    ended: float | None = None
    updated_at: str = field(default_factory=now)

    @property
    def seconds(self) -> float:
        """Wall time of the run so far; 0 before it starts."""
        if self.started is None:
            return 0.0
        return round((self.ended or time.monotonic()) - self.started, 3)

    @property
    def path(self) -> str:
        """Path of the workflow file in its repository."""
        return self.definition.path if self.definition else f".github/workflows/{self.workflow}"

    def text(self) -> str:
        """The whole log; empty before the run starts."""
        return self.log.read_text(encoding="utf-8") if self.log.exists() else ""

    def permissions_now(self) -> dict[str, str]:
        """What the run's token may do at this moment: the union over the jobs at work."""
        if self.definition is None or self.status != "in_progress":
            return {}
        jobs = set(self.running_jobs.values())
        return union(self.definition.job_permissions(job, fork=self.fork) for job in jobs if job in self.definition.jobs)

    def job_of(self, record: Mapping[str, Any]) -> str | None:
        """Id of the workflow's own job that an act record belongs to."""
        if self.definition is None or "jobID" not in record:
            return None
        label, known = str(record.get("job", "")).strip(), self.definition.jobs
        if label.startswith(f"{self.definition.name}/") and record["jobID"] in known:
            return str(record["jobID"])
        for job, body in known.items():
            if label.split("/", 1)[0].strip() in (job, str(body.get("name", job))) or label.startswith(
                f"{self.definition.name}/{body.get('name', job)}/"
            ):
                return job
        return str(record["jobID"]) if record["jobID"] in known else None

    def note_job(self, job: str, result: str) -> None:
        """Record a finished job; of a matrix the worst result stays."""
        both = [result, self.jobs.get(job, result)]
        self.jobs[job] = min(both, key=lambda one: WORST.index(one) if one in WORST else 0)
