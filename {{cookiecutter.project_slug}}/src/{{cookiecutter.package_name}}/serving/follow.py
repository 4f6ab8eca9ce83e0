"""Follows the pointer: notices a promotion or a rollback, verifies the new model, and swaps it in. It never swaps in less."""

import logging
import math
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

from .. import ProblemError, bundle, serving_rules
from ..pointer import Pointer
from ..serving_rules import Shadow
from . import Live, Model, Papers, prepare
from .remote import NothingPromotedError, Remote, without_credentials
from .shadow import ShadowError, Trial

log = logging.getLogger("serving")

_CARD = "models/card.md"
_LONGEST_WAIT = 30.0
_FIRST_LOOK = 5.0
_SLOW = f"no answer from the remote within {_FIRST_LOOK:g} s; check the network"


class Last(msgspec.Struct, frozen=True):
    """The model that was served last, kept in the cache for a start without the remote."""

    name: str
    version: int
    digest: str


@dataclass
class _Trial:
    """A shadow period under way: the commit that was seen last, digest and version of its model."""

    commit: str
    names: tuple[str, int]
    shadow: Trial


class Follower(threading.Thread):
    """Polls a remote in its own thread and keeps ``live`` at what the pointer names.

    Whatever fails, the model that is being served stays; ``live.problem`` says why, the log says it once, and the follower tries
    again with growing pauses of at most 30 s. A new commit is looked at without waiting. A model that is refused after its shadow period is
    not tried again until main moves.
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
        self._trial: _Trial | None = None

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
                commit = self._take_over(commit)
            if commit is not None and commit == self._done:
                self._succeeded()
        except Exception as error:  # a defect in here must cost a swap, not the server
            self._failed_with(commit, error)

    def _take_over(self, commit: str) -> str | None:
        """Serve what the pointer names; returns its commit, or None while the new model is in its shadow period."""
        if self._trial is not None and self._trial.commit == commit and not self._trial.shadow.is_over():
            return None
        try:
            commit, pointer = self._remote.pointer()
            previous = self._live.model
            if previous is None or (previous.digest, previous.version) != (pointer.digest, pointer.version):
                if (model := self._admitted(commit, pointer, previous)) is None:
                    return None
                with self._swapping:
                    self._live.take(model)
                log.info("now serving %s", model)
            self._end_trial()
            self._remember(Last(pointer.model, pointer.version, pointer.digest), previous.digest if previous else None)
            self._live.papers = self._papers(pointer)
        except (NothingPromotedError, ShadowError):
            raise
        except Exception:
            self._remote.reset()
            raise
        self._done = commit
        return commit

    def _admitted(self, commit: str, pointer: Pointer, previous: Model | None) -> Model | None:
        """The model of the pointer, ready to answer; None while its shadow period lasts. Raises what speaks against it."""
        if (trial := self._trial) is not None and trial.names == (pointer.digest, pointer.version):
            trial.commit = commit
            if not trial.shadow.is_over():
                return None
            self._end_trial()
            log.info("the shadow period of %s is over: %s", trial.shadow.candidate, trial.shadow.judge())
            return trial.shadow.candidate
        self._end_trial()
        model = prepare(self._remote.bundle(pointer), pointer.version, pointer.model)
        if (rule := self._rule(pointer, previous)) is None:
            return model
        self._trial = _Trial(commit, (pointer.digest, pointer.version), Trial(model, rule))
        self._live.watchers = (*self._live.watchers, self._trial.shadow)
        log.info("shadow period of %g s for %s", rule.seconds, model)
        return None

    def _rule(self, pointer: Pointer, previous: Model | None) -> Shadow | None:
        """The rule of the shadow period, if there is to be one: not at a rollback, which must not wait for the model that it leaves."""
        if previous is None or previous.version is None or previous.digest in {pointer.digest, *(one.digest for one in pointer.held)}:
            return None
        return serving_rules.of(self._remote.text("params.yaml") or "", f"params.yaml beside {self._remote}").shadow

    def _end_trial(self) -> None:
        if self._trial is not None:
            shadow, self._trial = self._trial.shadow, None
            self._live.watchers = tuple(one for one in self._live.watchers if one is not shadow)

    def _papers(self, pointer: Pointer) -> Papers:
        try:
            card = self._remote.text(_CARD) or ""
        except ProblemError as error:  # people can do without it, the swap must not fail by it
            log.warning("the model card is not shown: %s", without_credentials(str(error)))
            card = ""
        return Papers(pointer.digest, pointer.metrics, card if pointer.digest in card else None)

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
        self._live.failures += not isinstance(error, NothingPromotedError)
        self._live.refused += isinstance(error, ShadowError)
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
        if isinstance(error, ShadowError):
            return math.inf
        return min(_LONGEST_WAIT, self._poll * float(2 ** min(self._failures, 10)))

    def _serve_unpromoted(self, reason: str) -> None:
        if self._live.model is None and self._until_promoted is not None:
            try:
                self._live.take(prepare(bundle.load(self._until_promoted), None))
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
                if self._live.model is None:
                    self._live.take(model)
            log.info("now serving %s, the last verified one, from the cache", self._live.model)
