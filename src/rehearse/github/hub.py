"""The local GitHub."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import re
import secrets
import shutil
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from ..actions.runs import Run
from ..errors import Refused, RehearseError
from ..world import World
from . import git
from .core import Core, Listener
from .faults import Fault, Interruption, Tampering, Transform
from .model import RepositoryState
from .permissions import Caller, Person
from .repository import Repository
from .server import Server

NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
DEFAULT_WAIT = 300.0
KEPT_GIT, KEPT_STATE = "repository.git", "state.pickle"


class LocalGitHub:
    """Repositories, REST, git over HTTP and Actions in one world; use it in ``with``.

    ``limit`` runs are played at the same time, each for at most ``seconds``; ``standins``
    are folders with further stand-in actions (``owner__name/action.yml``).
    """

    def __init__(
        self,
        world: World,
        *,
        limit: int = 2,
        seconds: float = 600.0,
        standins: Iterable[Path] = (),
        on_event: Listener | None = None,
    ) -> None:
        self.world = world
        self._core = Core(world, limit=limit, seconds=seconds, standins=tuple(standins))
        self._server = Server(self._core)
        if on_event is not None:
            self.on_event(on_event)

    def __enter__(self) -> LocalGitHub:
        self._server.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stop every run and the server; the world's folder stays."""
        self._core.close()
        self._server.stop()

    def on_event(self, listener: Listener) -> None:
        """Call ``listener(event, data)`` for each event.

        Events: run queued, run started, job started, workflow step finished, job finished, run finished,
        pushed, pull opened, merged, auto merge refused, comment created, comment edited, status,
        labeled, unlabeled, issue opened, deployment, deployment status, release, artifact uploaded.
        It is called while the hub is locked: show something, then return.
        """
        self._core.listeners.append(listener)

    @property
    def listeners(self) -> list[Listener]:
        """The listeners, to add to or take from."""
        return self._core.listeners

    def create_repository(self, owner: str, name: str, default_branch: str = "main") -> Repository:
        """Create an empty bare repository. Raises ``RehearseError`` for a bad or taken name."""
        folder = self._folder(owner, name)
        git.make_bare(folder, default_branch)
        return self._add(RepositoryState(self._core.next_id(), f"{owner}/{name}", default_branch, folder))

    def fork(self, full_name: str, owner: str) -> Repository:
        """Fork a repository under another owner. Raises ``RehearseError``."""
        parent = self._state(full_name)
        folder = self._folder(owner, parent.name)
        folder.parent.mkdir(parents=True, exist_ok=True)
        git.git(folder.parent, "clone", "-q", "--bare", str(parent.git_dir), str(folder))
        git.configure_bare(folder)
        return self._add(RepositoryState(self._core.next_id(), f"{owner}/{parent.name}", parent.default_branch, folder, parent=full_name))

    def copy_repository(self, full_name: str, name: str) -> Repository:
        """Another repository of the same owner with the same refs and records (runs left out). Raises ``RehearseError``."""
        old = self._state(full_name)
        folder = self._folder(old.owner, name)
        shutil.copytree(old.git_dir, folder, symlinks=True)
        kept = {one.name: getattr(old, one.name) for one in dataclasses.fields(old) if one.name not in ("runs", "push_lock")}
        with self._core.lock:
            made = RepositoryState(**copy.deepcopy(kept))
        made.id, made.full_name, made.git_dir, made.push_lock = self._core.next_id(), f"{old.owner}/{name}", folder, threading.RLock()
        for pull in made.pulls:
            pull.head_repository = made.full_name if pull.head_repository == full_name else pull.head_repository
        return self._add(made)

    def keep_repository(self, full_name: str, folder: Path) -> None:
        """Write a repository's refs and records (runs left out) into a new folder, for :meth:`take_repository`."""
        state = self._state(full_name)
        with self._core.lock:
            shutil.copytree(state.git_dir, folder / KEPT_GIT, symlinks=True)
            kept = {one.name: getattr(state, one.name) for one in dataclasses.fields(state) if one.name not in ("runs", "push_lock")}
            (folder / KEPT_STATE).write_bytes(pickle.dumps((self._core.next_id(), kept)))

    def take_repository(self, folder: Path) -> Repository:
        """The repository that another local GitHub kept in ``folder``; the files of its releases stay where they are.

        Raises ``RehearseError`` when there is one of its name.
        """
        newest, kept = pickle.loads((folder / KEPT_STATE).read_bytes())
        state = RepositoryState(**kept)
        state.git_dir = self._folder(state.owner, state.name)
        shutil.copytree(folder / KEPT_GIT, state.git_dir, symlinks=True)
        self._core.number_from(newest)
        return self._add(state)

    def repository(self, full_name: str) -> Repository:
        """A repository by its full name. Raises ``RehearseError``."""
        return Repository(self._core, self._state(full_name))

    def person(self, login: str, write_to: Iterable[str] = (), *, admin: bool = False) -> str:
        """A token of a person, who reads everything, writes to ``write_to`` and, with ``admin``, has the settings there in hand."""
        token = f"ghp_{secrets.token_hex(18)}"
        self._core.callers[token] = Caller(person=Person(login, frozenset(write_to), admin), token=token)
        self.world.tokens[token] = login
        return token

    def let_write(self, token: str, full_name: str) -> None:
        """Let the person of a token write to one more repository."""
        caller = self._core.callers[token]
        if caller.person is not None:
            caller.person = dataclasses.replace(caller.person, write_to=caller.person.write_to | {full_name})

    def identity(self, token: str) -> dict[str, str] | None:
        """What an identity token of a job claims (``aud``, ``sub``, ``repository``); None for one that was never given out."""
        return self._core.identities.get(token)

    def wait_idle(self, timeout: float = DEFAULT_WAIT) -> None:
        """Wait until no run is queued or running.

        Raises ``RehearseError`` after ``timeout`` seconds and ``PlayError`` when a workflow
        was refused since the last call.
        """
        self._core.wait_idle(timeout)

    def announce(self, run: Run) -> None:
        """Tell the workflows that wait for a finished run of it once more, as a person does who re-runs them."""
        self._core.workflow_run(run, "completed")

    def cancel(self, run_id: int) -> None:
        """Cancel a run. Raises ``RehearseError`` when there is none."""
        for run in self._core.player.all_runs():
            if run.id == run_id:
                return self._core.player.cancel(run, "the rehearsal")
        raise RehearseError(f"there is no run {run_id}")

    def lose(self, workflow: str) -> None:
        """End the machine of the one run of a workflow that is at work, at once. Raises ``RehearseError`` when there is none."""
        for run in self._core.player.all_runs():
            if run.workflow == workflow and run.status == "in_progress" and run.act is not None:
                run.message = "the runner was lost"
                return run.act.lose()
        raise RehearseError(f"no run of {workflow} is at work")

    def fail(self, method: str, path_regex: str, status: int = 502, times: int | None = None) -> Fault:
        """Let REST requests fail: ``method`` is a pattern for the whole word, the path is searched."""
        fault = Fault(re.compile(path_regex), status, method=method, times=times)
        self._core.faults.rest.append(fault)
        return fault

    def fail_git(self, ref_regex: str = "", repository: str = ".*", status: int = 503, times: int | None = None) -> Fault:
        """Let git requests fail that push or fetch a matching ref; every one without a pattern."""
        fault = Fault(re.compile(ref_regex), status, repository=repository, times=times)
        self._core.faults.git.append(fault)
        return fault

    def interrupt(
        self, name_regex: str, moment: Literal["before", "during", "after"], action: Callable[[], None], nth: int = 1
    ) -> Interruption:
        """Call ``action`` at the ``nth`` request of that name (see :class:`Interruption`), for instance to kill who sent it."""
        interruption = Interruption(re.compile(name_regex), moment, action, nth)
        self._core.faults.interruptions.append(interruption)
        return interruption

    def replace_artifact(self, run_id: int | str | None, name: str, transform: Transform) -> Tampering:
        """Tamper with the zip bytes of artifacts whose name matches the pattern ``name``.

        ``run_id`` is a run, a workflow's file name or None for every run. Works on uploads to
        come and, for a run's id, on artifacts already there.
        """
        tampering = Tampering(run_id, re.compile(name), transform)
        with self._core.lock:
            self._core.faults.tampering.append(tampering)
            for state in self._core.repositories.values():
                for one in state.artifacts:
                    if isinstance(run_id, int) and tampering.covers(one.run_id, "", one.name):
                        one.replace(transform(one.path.read_bytes()))
                        tampering.hits += 1
        return tampering

    def clear_faults(self) -> None:
        """End every planned fault."""
        self._core.faults.rest.clear()
        self._core.faults.git.clear()
        self._core.faults.tampering.clear()
        self._core.faults.interruptions.clear()

    @property
    def refused(self) -> list[str]:
        """Host names outside of GitHub that something tried to reach, in order."""
        return list(self._core.refused)

    @property
    def requests(self) -> list[dict[str, Any]]:
        """Every request: name (see :class:`Interruption`), method, host, path, query, status, login, run."""
        return list(self._core.requests)

    @property
    def denied(self) -> list[dict[str, Any]]:
        """Refusals for want of permission: what, who, run, jobs, needed, permissions held."""
        return list(self._core.denied)

    def _folder(self, owner: str, name: str) -> Path:
        if not NAME.fullmatch(owner) or not NAME.fullmatch(name):
            raise RehearseError(f"{owner}/{name} is not a repository name")
        if f"{owner}/{name}" in self._core.repositories:
            raise RehearseError(f"{owner}/{name} exists already")
        return self.world.folder / "git" / owner / f"{name}.git"

    def _add(self, state: RepositoryState) -> Repository:
        with self._core.lock:
            self._core.repositories[state.full_name] = state
        return Repository(self._core, state)

    def _state(self, full_name: str) -> RepositoryState:
        try:
            return self._core.repository(full_name)
        except Refused as refusal:
            raise RehearseError(f"there is no repository {full_name}") from refusal
