"""Times a promotion: from the merge of a pull request to the server's first answer with the new digest, by step, for each kind of store.

Run by ``make -C bench promote`` with the local GitHub; the generated workflows run as they are. Progress goes to standard error; the
last line of standard output is a JSON object. The stores take turns, so that a busy machine is busy for both.
"""

import json
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rehearse.baking import bake
from rehearse.story.checks import check
from rehearse.story.server import Server
from rehearse.story.stage import PERSON, Stage
from tests.local_s3 import LocalS3
from tests.story.bucket import InS3

STORES = ("git", "s3")
VALUES = (0.5, 0.3)  # of one parameter: each makes another model that passes the gates
MOST_SECONDS, MOST_ROLLBACK_SECONDS = 30.0, 60.0
ANSWERS, ENDS = "server answers", "workflow ends"


class Clock:
    """The seconds of each step of a workflow: a listener of the local GitHub."""

    def __init__(self, workflow: str) -> None:
        self.workflow = workflow
        self.steps: dict[str, float] = {}
        self._last = time.monotonic()

    def __call__(self, event: str, data: dict[str, Any]) -> None:
        """Hear of a job that starts, or a step that ended."""
        run = data.get("run")
        if run is None or run.workflow != self.workflow or event not in ("job started", "workflow step finished"):
            return
        now = time.monotonic()
        name = str(data["step"]) if event == "workflow step finished" else "until the job starts"
        self.steps[name] = self.steps.get(name, 0.0) + now - self._last
        self._last = now


class Place:
    """A stage with one kind of store, on which version 1 is promoted and served."""

    def __init__(self, store: str, folder: Path, stack: ExitStack) -> None:
        tell(f"{store}: promoting version 1")
        self.store = store
        storage = InS3(stack.enter_context(LocalS3())) if store == "s3" else None
        self.stage = Stage(bake(folder / "project"), folder, tell, storage)
        stack.callback(self.stage.close)
        self.stage.clone.push("main")
        self._settle()
        self.stage.server = Server(self.stage.clone.folder, self.stage.clone.env, folder / "server.log")
        self.stage.server.wait_for(self._digest())

    def promote(self, value: float) -> dict[str, float]:
        """Change one parameter in a pull request, let it be judged, merge it; the seconds of each step from the merge on."""
        stage, branch = self.stage, f"c-{value}"
        stage.clone.branch(branch)
        stage.clone.set_params({"model.parameters.C": value})
        stage.clone.commit(f"C = {value}")
        stage.clone.push(branch)
        stage.settle()
        number = stage.repository.open_pull(head=branch, title=f"C = {value}", body="", author=PERSON)
        self._settle()
        before, clock = self._digest(), Clock("promote.yml")
        stage.hub.listeners.append(clock)
        began = time.monotonic()
        stage.repository.merge(number, PERSON)
        self._answers_with_another(before)
        answered = time.monotonic()
        self._settle()
        ended = time.monotonic()
        stage.hub.listeners.remove(clock)
        return {ANSWERS: answered - began, ENDS: ended - began, **clock.steps}

    def roll_back(self) -> float:
        """Dispatch a rollback; the seconds until the server answers with the version before."""
        before, began = self._digest(), time.monotonic()
        self.stage.repository.dispatch("rollback.yml", inputs={"environment": "production", "version": "previous"}, actor=PERSON)
        self._answers_with_another(before)
        seconds = time.monotonic() - began
        self._settle()
        return seconds

    def _answers_with_another(self, digest: str) -> None:
        while self._digest() == digest:
            check(any(run.status != "completed" for run in self.stage.repository.runs), "nothing was promoted")
            time.sleep(0.05)
        self.stage.server.wait_for(self._digest())  # type: ignore[union-attr]

    def _settle(self) -> None:
        played = self.stage.settle()
        failed = [f"{run.workflow} {run.conclusion} ({run.log})" for run in played.runs if run.conclusion != "success"]
        check(not failed, "; ".join(failed))

    def _digest(self) -> str:
        return str((self.stage.pointer() or {})["digest"])


def tell(text: str) -> None:
    """Progress."""
    print(text, file=sys.stderr, flush=True)


def middle(rounds: list[dict[str, float]]) -> dict[str, float]:
    """The median of each step's seconds."""
    return {name: round(statistics.median(one.get(name, 0.0) for one in rounds), 2) for name in rounds[-1]}


def measure(places: list[Place]) -> dict[str, list[dict[str, float]]]:
    """The seconds of each round, by store; the stores take turns."""
    found: dict[str, list[dict[str, float]]] = {place.store: [] for place in places}
    for value in VALUES:
        for place in places:
            found[place.store].append(place.promote(value))
            tell(f"{place.store}: {found[place.store][-1][ANSWERS]:.1f} s from the merge to the answer")
    return found


def main() -> None:
    """Measure, and print the figures."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        places = [Place(store, Path(folder, store), stack) for store in STORES]
        found = measure(places)
        rollbacks = {place.store: place.roll_back() for place in places}
    figures = {store: middle(rounds) for store, rounds in found.items()}
    slowest = max(one[ENDS] for rounds in found.values() for one in rounds)
    first = figures[STORES[0]]
    result = {
        "ok": slowest < MOST_SECONDS and max(rollbacks.values()) < MOST_ROLLBACK_SECONDS,
        "seconds_from_merge_to_answer": {store: [round(one[ANSWERS], 2) for one in rounds] for store, rounds in found.items()},
        "ratio_to_git": {store: round(figures[store][ANSWERS] / first[ANSWERS], 2) for store in STORES[1:]},
        "slowest_promotion_seconds": round(slowest, 2),
        "most_seconds": MOST_SECONDS,
        "rollback_seconds": {store: round(seconds, 2) for store, seconds in rollbacks.items()},
        "median_seconds_by_step": figures,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
