"""What every step of a story needs: its record, and checks of what runs, reviews and promotions left."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import RehearseError
from .checks import candidate_digest, check
from .stage import Played, Stage
from .timeline import Step, Timeline
from .traffic import Traffic


@dataclass(frozen=True)
class Outcome:
    """What a step ends with."""

    digest: str | None
    trained_stages: int
    detail: str


class Teller:
    """Tells a story on a stage. ``listen`` hears ``(event, data)`` for every step that begins and ends; ``digests`` are by version."""

    def __init__(self, stage: Stage, out: Path, listen: Callable[[str, dict[str, Any]], None]) -> None:
        self.stage = stage
        self.out = out
        self.listen = listen
        self.timeline = Timeline(out / "timeline.json")
        self.digests: dict[int, str] = {}

    def step(self, name: str, act: Callable[[], Outcome]) -> bool:
        """Play one step and record it."""
        self.listen("step started", {"step": name})
        began = time.monotonic()
        try:
            outcome, ok = act(), True
        except RehearseError as error:
            outcome, ok = Outcome(None, 0, str(error)), False
        done = Step(name, ok, round(time.monotonic() - began, 1), outcome.digest, outcome.trained_stages, outcome.detail)
        self.timeline.add(done)
        self.listen("step finished", {"step": done})
        return ok

    def keep_comments(self) -> None:
        """Keep the comments so far as files, to look at."""
        folder = self.out / "comments"
        folder.mkdir(parents=True, exist_ok=True)
        for number in self.stage.repository.pulls:
            for place, comment in enumerate(self.stage.repository.comments(number), start=1):
                name = f"pull-request-{number}.md" if place == 1 else f"pull-request-{number}-{place}.md"
                (folder / name).write_text(comment.body, encoding="utf-8")

    def judged(self, sha: str, comment: str) -> str:
        """The digest that both the green status of a commit and its comment name."""
        digest = candidate_digest(comment)
        status = self.stage.status(sha)
        check(status and status.state == "success", f"the status of {sha[:9]} is {status and status.state}, not success")
        check(status.description == f"promote {digest}", f"status and comment differ: {status.description} and {digest}")
        return digest

    def promoted(self, version: int) -> str:
        """The digest of a version that must be in production now, and whole in the store."""
        pointer = self.stage.pointer()
        check(pointer, "main has no models/production.yaml")
        check(pointer["version"] == version, f"production is version {pointer['version']}, not {version}")  # type: ignore[index]
        digest = str(pointer["digest"])  # type: ignore[index]
        stored = self.stage.stored_digest(digest)
        check(stored == digest, f"the stored bundle is {stored}, the pointer says {digest}")
        self.digests[version] = digest
        return digest

    def points_to(self, version: int) -> None:
        """Production must be an earlier version again."""
        pointer = self.stage.pointer() or {}
        found = (pointer.get("version"), pointer.get("digest"))
        check(found == (version, self.digests[version]), f"production is {found}, not version {version}")

    def all_succeeded(self, played: Played) -> None:
        """Something must have run, and nothing failed."""
        failed = [f"{run.workflow} {run.conclusion} (log: {run.log})" for run in played.runs if run.conclusion != "success"]
        check(played.runs, "no workflow ran")
        check(not failed, "; ".join(failed))

    def no_training(self, played: Played) -> None:
        """No run may have made model files."""
        check(played.trained_stages == 0, f"{played.trained_stages} stages trained where none had to")

    def dropped_none(self, traffic: Traffic, digest: str) -> str:
        """Every request was answered, some by the model of a digest; in words."""
        check(not traffic.failed, f"{len(traffic.failed)} requests failed, the first: {traffic.failed[:1]}")
        check(digest in traffic.digests, f"no request was answered by {digest}")
        return f"{traffic.answered} requests, 0 dropped"

    def until(self, condition: Callable[[], bool], problem: str, seconds: float = 300.0) -> None:
        """Wait for a condition; ``problem`` says what it is when it never comes."""
        end = time.monotonic() + seconds
        while not condition():
            check(time.monotonic() < end, f"{problem} within {seconds:.0f} s")
            time.sleep(0.05)
