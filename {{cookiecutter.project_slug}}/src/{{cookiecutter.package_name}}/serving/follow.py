"""Follows the pointer: notices a promotion or a rollback, verifies the new model, and swaps it in. It never swaps in less."""

import logging
import math
import threading
import time
from pathlib import Path

import msgspec

from .. import ProblemError, bundle
from . import Live, prepare
from .remote import NothingPromotedError, Remote, without_credentials

log = logging.getLogger("serving")

_LONGEST_WAIT = 30.0
_FIRST_LOOK = 5.0
_SLOW = f"no answer from the remote within {_FIRST_LOOK:g} s; check the network"


class Last(msgspec.Struct, frozen=True):
    """The model that was served last, kept in the cache for a start without the remote."""

    name: str
    version: int
    digest: str


class Follower(threading.Thread):
    """Polls a remote in its own thread and keeps ``live`` at what the pointer names.

    Whatever fails, the model that is being served stays; ``live.problem`` says why, the log says it once, and the follower tries
    again with growing pauses of at most 30 s. A new commit is looked at without waiting.
    """

    def __init__(self, remote: Remote, live: Live, poll: float, until_promoted: Path | None = None) -> None:
        """``poll`` is in seconds. ``until_promoted`` is a bundle to serve for as long as there is no pointer."""
        super().__init__(name="follower", daemon=True)
        self._remote, self._live, self._poll, self._until_promoted = remote, live, poll, until_promoted
        self._stopping = threading.Event()
        self._swapping = threading.Lock()
        self._last_file = remote.cache / "last.json"
        self._done: str | None = None
        self._failed: str | None = None
        self._failures, self._retry_at = 0, 0.0
        self._logged: set[str] = set()

    def run(self) -> None:
        """Follow until :meth:`stop`."""
        slow = threading.Timer(_FIRST_LOOK, self._start_cold, [_SLOW])
        slow.daemon = True
        slow.start()
        while not self._stopping.is_set():
            self.step()
            slow.cancel()
            self._stopping.wait(self._poll)

    def stop(self, patience: float = 5.0) -> None:
        """Ask the thread to end, and wait for it for at most ``patience`` seconds."""
        self._stopping.set()
        self.join(patience)

    def step(self) -> None:
        """Look at the remote once and act on it. Never raises."""
        waiting = time.monotonic() < self._retry_at
        if waiting and self._failed is None:
            return
        commit = None
        try:
            commit = self._remote.commit()
            if commit != self._done and not (waiting and commit == self._failed):
                commit = self._take_over()
            if commit == self._done:
                self._succeeded()
        except Exception as error:  # a defect in here must cost a swap, not the server
            self._failed_with(commit, error)

    def _take_over(self) -> str:
        try:
            commit, pointer = self._remote.pointer()
            previous = self._live.model
            if previous is None or (previous.digest, previous.version) != (pointer.digest, pointer.version):
                model = prepare(self._remote.bundle(pointer), pointer.version, pointer.model)
                with self._swapping:
                    self._live.model = model
                log.info("now serving %s", model)
            self._remember(Last(pointer.model, pointer.version, pointer.digest), previous.digest if previous else None)
        except NothingPromotedError:
            raise
        except Exception:
            self._remote.reset()
            raise
        self._done = commit
        return commit

    def _remember(self, last: Last, previous: str | None) -> None:
        temporary = self._last_file.with_suffix(".tmp")
        temporary.write_bytes(msgspec.json.encode(last))
        temporary.replace(self._last_file)
        self._remote.prune({last.digest, previous or last.digest})

    def _succeeded(self) -> None:
        if self._logged:
            log.info("following again: %s", self._remote)
        self._failed, self._failures, self._retry_at = None, 0, 0.0
        self._logged.clear()
        self._live.problem = None

    def _failed_with(self, commit: str | None, error: Exception) -> None:
        self._failed, self._failures = commit, self._failures + 1
        self._retry_at = time.monotonic() + self._pause(error)
        known = isinstance(error, ProblemError | OSError)
        reason = without_credentials(" ".join((str(error) if known else f"{type(error).__name__} while following: {error}").split()))
        if isinstance(error, NothingPromotedError):
            self._serve_unpromoted(reason)
        else:
            self._start_cold(reason)

    def _pause(self, error: Exception) -> float:
        if isinstance(error, NothingPromotedError):  # nothing to try again: only a push can change it
            return math.inf if self._failed else 0.0
        return min(_LONGEST_WAIT, self._poll * float(2 ** min(self._failures, 10)))

    def _serve_unpromoted(self, reason: str) -> None:
        if self._live.model is None and self._until_promoted is not None:
            try:
                self._live.model = prepare(bundle.load(self._until_promoted), None)
            except ProblemError as error:
                reason = f"{reason}; {self._until_promoted} cannot be served until then: {error}"
            else:
                log.info("%s", reason)
                log.info("until then serving %s from %s", self._live.model, self._until_promoted)
        if self._live.model is not None and self._live.model.version is None:
            self._live.problem = None
        else:
            self._degrade(reason)

    def _start_cold(self, reason: str) -> None:
        if self._live.model is None:
            self._serve_last()
        self._degrade(reason)

    def _degrade(self, reason: str) -> None:
        self._live.problem = reason
        if reason not in self._logged:
            self._logged.add(reason)
            state = "still serving the model as it was" if self._live.model else "no model to serve yet"
            log.warning("degraded, %s: %s", state, reason)

    def _serve_last(self) -> None:
        try:
            last = msgspec.json.decode(self._last_file.read_bytes(), type=Last)
            model = prepare(self._remote.cached(last.digest), last.version, last.name)
        except FileNotFoundError:
            return
        except (OSError, msgspec.DecodeError, ProblemError) as error:
            log.warning("the last verified model cannot be used: %s", error)
        else:
            with self._swapping:
                self._live.model = self._live.model or model
            log.info("now serving %s, the last verified one, from the cache", self._live.model)
