"""The story: steps in the life of a generated repository, each checked. Those about a drift are in :mod:`.drifting`."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .checks import candidate_digest, check, one
from .drifting import Drifting
from .mischief import outcomes, plant
from .project import Clone
from .script import Script, Settings
from .server import Server
from .stage import OWNER, PERSON, STRANGER, Played, Stage
from .teller import Outcome, Teller
from .timeline import Timeline
from .traffic import Traffic


class Story(Teller):
    """Plays on a stage; without ``drift`` it ends after the rollback and its revert."""

    def __init__(
        self, stage: Stage, script: Script, out: Path, listen: Callable[[str, dict[str, Any]], None], *, drift: bool = True
    ) -> None:
        super().__init__(stage, out, listen)
        self.script = script
        self.drifting = Drifting(self) if drift else None

    def play(self) -> Timeline:
        """Play every step in order and stop at the first that fails."""
        steps = (
            ("first push", self.first_push),
            ("pull request", self.pull_request),
            ("second push", self.second_push),
            ("merge", self.merge),
            ("docs pull request", self.docs),
            ("worse model", self.worse),
            ("fork", self.fork),
            ("rollback", self.rollback),
            ("docs merge after rollback", self.docs_after_rollback),
            ("revert of the rollback", self.revert),
            *(self.drifting.steps() if self.drifting else ()),
        )
        for number, (name, act) in enumerate(steps, start=2):
            went_well = self.step(f"{number} {name}", act)
            self.keep_comments()
            if not went_well:
                break
        return self.timeline

    def first_push(self) -> Outcome:
        """No champion yet: absolute gates decide, version 1 is promoted, the server starts and answers."""
        stage = self.stage
        if self.drifting:
            self.drifting.prepare()
        stage.clone.push("main")
        played = stage.settle()
        self.all_succeeded(played)
        stage.repository.protect("main", required_statuses=["model review"])
        digest = self.promoted(1)
        stage.server = Server(stage.clone.folder, stage.clone.env, self.out / "server.log")
        stage.server.wait_for(digest)
        answer = stage.server.ask(stage.record(digest))
        check(answer["digest"] == digest, f"the server answers with {answer['digest']}, the pointer says {digest}")
        self.listen("answer", {"answer": answer})
        return Outcome(digest, played.trained_stages, "version 1 promoted on absolute gates; the server answers with its digest")

    def pull_request(self) -> Outcome:
        """A change of one model parameter: it trains, and a comment appears."""
        self.number = self._open("tune", self.script.first, "Tune the model")
        played = self.stage.settle()
        self.all_succeeded(played)
        comment = one(self.stage.repository.comments(self.number), "comment")
        digest = self.judged(self.stage.head("tune"), comment.body)
        self.comment_id = comment.id
        return Outcome(digest, played.trained_stages, f"trained; one comment on pull request #{self.number}; check green")

    def second_push(self) -> Outcome:
        """A second push: the same comment is updated. The merge is armed and happens the instant the status turns green."""
        stage, clone = self.stage, self.stage.clone
        before = one(stage.repository.comments(self.number), "comment").edits
        clone.set_params(self.script.second)
        clone.commit("Tune the model further")
        clone.push("tune")
        self.wanted = stage.head("tune")
        stage.repository.auto_merge(self.number)
        self.until(lambda: one(stage.repository.comments(self.number), "comment").edits > before, "the comment was not updated")
        self.traffic = Traffic(stage.server.port, stage.record(self.digests[1])).__enter__()  # type: ignore[union-attr]
        comment = one(stage.repository.comments(self.number), "comment")
        check(comment.id == self.comment_id, "a second comment was made instead of an update")
        played = Played([run for run in stage.repository.runs if run.head_sha == self.wanted and run.workflow == "train.yml"])
        return Outcome(candidate_digest(comment.body), played.trained_stages, "the same comment, updated; the merge is armed")

    def merge(self) -> Outcome:
        """The merge promotes the judged bundle with zero training; the server swaps under constant requests."""
        stage = self.stage
        played = stage.settle()
        try:
            check(stage.repository.pulls[self.number].merged, "the pull request was not merged when its status turned green")
            digest = self.promoted(2)
            reviewed = self.judged(self.wanted, stage.repository.comments(self.number)[0].body)
            check(digest == reviewed, f"{digest} was promoted, but {reviewed} was reviewed")
            seconds = stage.server.wait_for(digest)  # type: ignore[union-attr]
            time.sleep(0.3)  # some requests for the model that took over
        finally:
            self.traffic.__exit__(None, None, None)
        promotion = Played(played.of("promote.yml"))
        self.all_succeeded(Played([*promotion.runs, *played.of("review.yml")]))
        self.no_training(promotion)
        told = self.dropped_none(self.traffic, digest)
        return Outcome(digest, promotion.trained_stages, f"version 2 promoted untrained; server followed in {seconds:.1f} s; {told}")

    def docs(self) -> Outcome:
        """A documentation-only pull request: nothing trains, the check is green, no comment."""
        number, played, seconds = self._docs_pull("docs", "How we name things")
        check(not self.stage.repository.comments(number), "a documentation change got a comment")
        return Outcome(self.digests[2], played.trained_stages, f"check green after {seconds:.1f} s, nothing trained")

    def worse(self) -> Outcome:
        """A worse model: the check is red, and the comment says which gate and by how much."""
        number = self._open("worse", self.script.worse, "Simplify the model")
        played = self.stage.settle()
        comment = one(self.stage.repository.comments(number), "comment").body
        status = self.stage.status(self.stage.head("worse"))
        check(status and status.state == "failure", "the check of a worse model is not red")
        check("short" in status.description and "short" in comment, "comment and status do not say by how much the gate was missed")
        return Outcome(candidate_digest(comment), played.trained_stages, f"check red: {status.description}")

    def fork(self) -> Outcome:
        """A fork that also tries to read secrets and to write: it trains read-only, the comment appears, nothing is stored.

        Where the store is closed to forks, it is told that it cannot be judged here, and who can change that.
        """
        stage = self.stage
        before = self._everything()
        stage.hub.fork(f"{OWNER}/{stage.name}", owner=STRANGER)
        token = stage.hub.person(STRANGER, write_to=[f"{STRANGER}/{stage.name}"])
        clone = Clone.of(f"https://github.com/{STRANGER}/{stage.name}", stage.folder / "fork", stage.world.env(token))
        clone.git("checkout", "-q", "-B", "gift")
        clone.set_params(self.script.fork)
        plant(clone.folder)
        clone.commit("A better model")
        clone.push("gift")
        number = stage.repository.open_pull(head=f"{STRANGER}:gift", title="A better model", body="", author=STRANGER)
        played = stage.settle()
        train = one(played.of("train.yml"), "train run")
        tried = outcomes(Path(train.log).read_text(encoding="utf-8", errors="replace"))
        check(tried.pop("secret", "") == "0 characters", f"the fork's run saw a secret: {tried}")
        check(len(tried) == 6 and set(tried.values()) == {"refused"}, f"not everything the fork tried was refused: {tried}")
        comment = one(stage.repository.comments(number), "comment").body
        check(self._everything() == before, "a fork's pull request changed the store, main or the deployments")
        refused = f"refused: {', '.join(tried)}, secrets"
        if stage.storage.open_to_forks:
            return Outcome(candidate_digest(comment), played.trained_stages, f"trained read-only; {refused}")
        check("it cannot be judged here; a maintainer can dispatch it" in comment, "the fork is not told who can judge it")
        status = stage.status(clone.git("rev-parse", "HEAD"))
        check(status and status.state == "failure", "the check of a fork that cannot be judged is not red")
        return Outcome(None, played.trained_stages, f"not judged, a maintainer can dispatch it; {refused}")

    def _everything(self) -> tuple[object, ...]:
        """What no pull request may change."""
        stage = self.stage
        return (stage.storage.state(stage), stage.ref("refs/heads/main"), len(stage.repository.deployments))

    def rollback(self) -> Outcome:
        """Rollback by dispatch: the server is back on version 1."""
        stage = self.stage
        inputs = {"environment": "production", "version": "previous"}
        with Traffic(stage.server.port, stage.record(self.digests[2])) as traffic:  # type: ignore[union-attr]
            stage.repository.dispatch("rollback.yml", inputs=inputs, actor=PERSON)
            played = stage.settle()
            self.all_succeeded(played)
            stage.server.wait_for(self.digests[1])  # type: ignore[union-attr]
            time.sleep(0.3)  # some requests for the model that took over
        self.points_to(1)
        self.no_training(played)
        return Outcome(self.digests[1], played.trained_stages, f"server back on version 1; {self.dropped_none(traffic, self.digests[1])}")

    def docs_after_rollback(self) -> Outcome:
        """A documentation merge after the rollback changes nothing: version 2 is held."""
        _, played, _ = self._docs_pull("docs-after", "Why we rolled back")
        self.points_to(1)
        return Outcome(self.digests[1], played.trained_stages, "merged; still version 1")

    def revert(self) -> Outcome:
        """``git revert`` of the rollback, by pull request: version 2 again."""
        stage, clone = self.stage, self.stage.clone
        clone.branch("revert")
        commit = clone.git("log", "-1", "--format=%H", "--grep=^Roll production back", "origin/main")
        clone.git("revert", "--no-edit", commit)
        clone.push("revert")
        number = stage.repository.open_pull(head="revert", title="Version 2 again", body="", author=PERSON)
        stage.repository.auto_merge(number)
        played = stage.settle()
        self.all_succeeded(played)
        check(stage.repository.pulls[number].merged, "the revert was not merged")
        self.points_to(2)
        self.no_training(played)
        stage.server.wait_for(self.digests[2])  # type: ignore[union-attr]
        return Outcome(self.digests[2], played.trained_stages, "server on version 2 again")

    def _open(self, branch: str, settings: Settings, title: str) -> int:
        clone = self.stage.clone
        clone.branch(branch)
        clone.set_params(settings)
        clone.commit(title)
        clone.push(branch)
        self.stage.runs_since()
        return self.stage.repository.open_pull(head=branch, title=title, body="", author=PERSON)

    def _docs_pull(self, branch: str, title: str) -> tuple[int, Played, float]:
        stage, clone = self.stage, self.stage.clone
        clone.branch(branch)
        clone.append("README.md", f"\n## {title}\n\nA sentence.\n")
        clone.commit(title)
        clone.push(branch)
        began = time.monotonic()
        number = stage.repository.open_pull(head=branch, title=title, body="", author=PERSON)
        stage.repository.auto_merge(number)
        self.until(lambda: stage.status(stage.head(branch)) is not None, "the check of a documentation change never came")
        seconds = time.monotonic() - began
        played = stage.settle()
        self.all_succeeded(played)
        self.no_training(played)
        check(stage.repository.pulls[number].merged, "the documentation change was not merged")
        return number, played, seconds
