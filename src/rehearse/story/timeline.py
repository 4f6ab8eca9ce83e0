"""The record of a rehearsal: one entry per step."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass
class Step:
    """One step of the story. ``seconds`` is wall time; ``digest`` the one in production, or the candidate's, at its end.

    ``trained_stages`` counts the pipeline stages that made model files anew in this step, in any workflow.
    """

    step: str
    ok: bool
    seconds: float
    digest: str | None
    trained_stages: int
    detail: str


@dataclass
class Timeline:
    """All steps played so far, written to ``timeline.json`` after each."""

    path: Path
    steps: list[Step] = field(default_factory=list)

    def add(self, step: Step) -> None:
        """Add a step and write the file."""
        self.steps.append(step)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(self.json(), encoding="utf-8")

    def json(self) -> str:
        """The steps as a JSON list."""
        return json.dumps([asdict(step) for step in self.steps], indent=2) + "\n"

    @property
    def ok(self) -> bool:
        """Whether every step that was played went well."""
        return bool(self.steps) and all(step.ok for step in self.steps)
