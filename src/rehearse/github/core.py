"""The state all parts of one local GitHub share."""

from __future__ import annotations

import itertools
import json
import secrets
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..actions.player import Player
from ..actions.standins import BUILT_IN, StandIns
from ..errors import PlayError, Refused, RehearseError
from ..values import Value
from . import model
from .faults import Faults
from .model import RepositoryState
from .permissions import ADMINISTRATION, Caller, Need

if TYPE_CHECKING:
    from pathlib import Path

    from ..actions.runs import Run
    from ..world import World

Listener = Callable[[str, dict[str, Any]], None]


class Core:
    """Repositories, tokens, logs and the lock that guards them.

    Locks are taken in one order: a repository's ``push_lock`` before ``lock``.
    """

    def __init__(self, world: World, *, limit: int, seconds: float, standins: tuple[Path, ...] = ()) -> None:
        self.world = world
        self.lock = threading.RLock()
        self.idle = threading.Condition(self.lock)
        self.repositories: dict[str, RepositoryState] = {}
        self.callers: dict[str, Caller] = {}
        self.faults = Faults()
        self.listeners: list[Listener] = []
        self.requests: list[dict[str, Any]] = []
        self.denied: list[dict[str, Any]] = []
        self.refused: list[str] = []
        self.problems: list[str] = []
        self.signed: dict[str, Path] = {}
        self.identities: dict[str, dict[str, str]] = {}
        self.standins = StandIns((*standins, BUILT_IN))
        self.player = Player(self, limit, seconds)
        self._ids = itertools.count(1001)
        self._log = (world.folder / "logs" / "requests.jsonl").open("a", encoding="utf-8")

    def next_id(self) -> int:
        """A number never given out before."""
        return next(self._ids)

    def number_from(self, newest: int) -> None:
        """Give out only numbers behind this one from now on."""
        self._ids = itertools.count(max(newest, self.next_id()) + 1)

    @staticmethod
    def now() -> str:
        """The present moment as GitHub writes it."""
        return model.now()

    def repository(self, full_name: str) -> RepositoryState:
        """State by full name. Raises ``Refused`` (404) when there is none."""
        found = self.repositories.get(full_name)
        if found is None:
            raise Refused(404, "Not Found")
        return found

    def caller(self, token: str) -> Caller | None:
        """Who holds the token; None when it was never given out or has ended."""
        return self.callers.get(token) if token else Caller()

    def run_token(self, run: Run) -> str:
        """Make the token of a run; it ends with the run."""
        token = f"ghs_{secrets.token_hex(20)}"
        self.callers[token] = Caller(run=run, token=token)
        return token

    def allow(self, caller: Caller, full_name: str, need: Need, what: str) -> None:
        """Raise ``Refused`` unless the caller may do it, and write the refusal down."""
        if caller.anonymous or not caller.sees(full_name):
            raise Refused(404, "Not Found")
        if caller.may(full_name, need):
            return
        if caller.run is not None:
            time.sleep(0.2)  # a job that just began may not have been announced on act's stream yet
            if caller.may(full_name, need):
                return
        run = caller.run
        self.denied.append(
            {
                "what": what,
                "repository": full_name,
                "login": caller.login,
                "run": run and run.id,
                "workflow": run and run.workflow,
                "jobs": sorted(set(run.running_jobs.values())) if run else [],
                "needed": " or ".join(f"{scope}: {level}" for scope, level in need),
                "permissions": run.permissions_now() if run else {},
            }
        )
        person = "Must have admin rights to Repository." if need[0][0] == ADMINISTRATION else "Must have push access to repository."
        raise Refused(403, "Resource not accessible by integration" if run else person)

    def tell(self, event: str, **data: Value) -> None:
        """Call the listeners; one that fails is noted as a problem."""
        for listener in list(self.listeners):
            try:
                listener(event, data)
            except Exception as error:  # a broken display must not break the play
                self.problems.append(f"listener failed on {event}: {error!r}")

    def log_request(self, **entry: Value) -> None:
        """Write one request down."""
        with self.lock:
            self.requests.append(entry)
            if not self._log.closed:
                self._log.write(json.dumps(entry) + "\n")
                self._log.flush()

    def workflow_run(self, run: Run, action: str) -> None:
        """Announce a run to the workflows of the default branch that wait for it."""
        from .events import workflow_run

        workflow_run(self, run, action)

    def after_run(self, run: Run) -> None:
        """What follows a finished run: its jobs may have been required checks."""
        from .merging import try_auto_merge

        try_auto_merge(self, self.repositories[run.repository], run.head_sha)

    def wait_idle(self, timeout: float) -> None:
        """Wait until no run is queued or at work.

        Raises ``RehearseError`` after ``timeout`` seconds, ``PlayError`` when a workflow
        was refused since the last call.
        """

        def left() -> list[Run]:
            return [run for run in self.player.all_runs() if run.status != "completed"]

        with self.idle:
            if not self.idle.wait_for(lambda: not left(), timeout):
                still = ", ".join(f"{run.workflow} #{run.number} ({run.status}) log {run.log}" for run in left())
                raise RehearseError(f"still not idle after {timeout:.0f} s: {still}")
            found, self.problems[:] = list(self.problems), []
        if found:
            raise PlayError("\n".join(found))

    def close(self) -> None:
        """Stop runs and close the log."""
        self.player.close()
        self._log.close()
