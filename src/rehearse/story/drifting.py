"""The last steps of the story: production drifts, monitoring tells it and proposes to train again, and what is merged ends the drift."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ..github.model import Issue, Pull
from .checks import check, one
from .rows import Rows
from .server import Server
from .stage import OWNER, PERSON, Played
from .teller import Outcome, Teller
from .watched import Watched

MACHINE = "acme-machine"
TOKEN = "RETRAIN_TOKEN"
BRANCHES = "retrain/"
ASKED = 600  # rows that production is asked each time
LOG_SECONDS = 30.0
_LOGGED = "model_logged_rows_total"


class Drifting:
    """Played after the rest, with the version that is in production then."""

    def __init__(self, story: Teller) -> None:
        self.story, self.stage = story, story.stage
        self.watched = Watched(story.out / "watched")

    def prepare(self) -> None:
        """What a person sets up once: where the log is, whether to train again, and a token whose pull requests start workflows."""
        clone = self.stage.clone
        self.rows = Rows(clone.folder)
        clone.set_params(self.watched.settings())
        clone.commit("Watch production")
        self.stage.repository.add_secret(TOKEN, self.stage.hub.person(MACHINE, write_to=[f"{OWNER}/{self.stage.name}"]))

    def steps(self) -> tuple[tuple[str, Callable[[], Outcome]], ...]:
        """Names and acts."""
        return (
            ("production drifts", self.production_drifts),
            ("monitor", self.monitor),
            ("monitor again", self.monitor_again),
            ("retraining merged", self.merge),
            ("monitor after it", self.healed),
        )

    def production_drifts(self) -> Outcome:
        """The server keeps a log from now on; what it is asked is no longer what its model was trained on; then labels come."""
        stage = self.stage
        pointer = stage.pointer() or {}
        self.version, digest = int(pointer["version"]), str(pointer["digest"])
        self.newest = self.rows.drifted()
        stage.server.stop()  # type: ignore[union-attr]
        stage.server = Server(stage.clone.folder, stage.clone.env, self.story.out / "server-with-log.log", str(self.watched.log))
        stage.server.wait_for(digest)
        psi = self._asked(stage.server)
        check(psi >= 0.1, f"the server tells a PSI of {psi:.2f} for {self.rows.column}, in which a drift was planted")
        self.watched.newest.write_text(self.rows.csv(self.newest), encoding="utf-8")
        return Outcome(digest, 0, f"{ASKED} requests with another {self.rows.column}; the server tells a PSI of {psi:.2f}")

    def monitor(self) -> Outcome:
        """One issue, and one pull request with the newest rows, which is trained and judged like any other. Nothing else changes."""
        stage, main = self.stage, self.stage.head("main")
        digest = str((stage.pointer() or {})["digest"])
        played = self._monitor()
        self.issue = self._only_issue("open")
        self.first_text = self.issue.body
        check(self.issue.author.endswith("[bot]"), f"the issue is by {self.issue.author}")
        named = f"`{self.rows.column}` drifted" if not self.rows.few else "worse by more than"
        check(named in self.issue.body, f"the issue does not say {named}: a drift was planted in {self.rows.column}")
        check(digest in self.issue.body, "the issue does not name the digest in production")
        pull = self._only_pull()
        changed = stage.changed(main, pull.head_sha)
        check(changed == [self.rows.path], f"the retraining pull request changes {changed}, not {self.rows.path} alone")
        check(stage.head("main") == main, "main was changed by monitoring")
        candidate = self.story.judged(pull.head_sha, one(stage.repository.comments(pull.number), "comment").body)
        told = f"one issue, #{self.issue.number}; pull request #{pull.number} brings the newest rows, trained and judged: check green"
        return Outcome(candidate, played.trained_stages, told)

    def monitor_again(self) -> Outcome:
        """The same issue and the same pull request, brought up to date: never a second one."""
        head = self._only_pull().head_sha
        played = self._monitor()
        issue = self._only_issue("open")
        check(issue.number == self.issue.number and issue.body != self.first_text, "the issue was not brought up to date")
        check(self._only_pull().head_sha == head, "the retraining pull request was pushed to again, with the same rows")
        self.story.no_training(played)
        return Outcome(None, played.trained_stages, f"issue #{issue.number} is up to date, and no second one; the pull request as well")

    def merge(self) -> Outcome:
        """A person merges: the judged model becomes the next version, untrained, and the server takes it over."""
        stage, pull = self.stage, self._only_pull()
        reviewed = self.story.judged(pull.head_sha, stage.repository.comments(pull.number)[0].body)
        stage.repository.merge(pull.number, actor=PERSON)
        played = stage.settle()
        self.story.all_succeeded(played)
        self.story.no_training(played)
        digest = self.story.promoted(self.version + 1)
        check(digest == reviewed, f"{digest} was promoted, but {reviewed} was reviewed")
        seconds = stage.server.wait_for(digest)  # type: ignore[union-attr]
        return Outcome(digest, 0, f"version {self.version + 1} promoted untrained; server followed in {seconds:.1f} s")

    def healed(self) -> Outcome:
        """The same requests are what the new version was trained on: the issue is closed, nothing is proposed."""
        stage, pulls = self.stage, len(self._pulls())
        psi = self._asked(stage.server)  # type: ignore[arg-type]
        check(psi < 0.1, f"the server tells a PSI of {psi:.2f} for {self.rows.column}, which its model was trained on")
        played = self._monitor()
        issue = self._only_issue("closed")
        word = stage.repository.comments(issue.number)[-1].body
        check(word.startswith("Healed:") and self.story.digests[self.version + 1] in word, f"the issue was closed with: {word}")
        check(len(self._pulls()) == pulls, "a second retraining pull request was opened")
        self.story.no_training(played)
        told = f"the same requests: PSI {psi:.2f}; issue #{issue.number} is closed: {word.partition('(')[0].strip()}"
        return Outcome(self.story.digests[self.version + 1], played.trained_stages, told)

    def _asked(self, server: Server) -> float:
        """Ask, and let labels come; the PSI that the server tells of the column then."""
        rows = self.rows.sample(self.newest, ASKED)
        ids = ask_logged(server, [self.rows.record(row) for row in rows])
        self.watched.label(f"labels-{len(list(self.watched.labels.iterdir()))}", dict(zip(ids, rows, strict=True)))
        psi = server.figure(f'model_feature_psi{{feature="{self.rows.column}"}}')
        check(psi is not None, f"the server tells no PSI of {self.rows.column}")
        return float(psi)  # type: ignore[arg-type]

    def _monitor(self) -> Played:
        """Dispatch the workflow, and wait for it and what it starts."""
        self.stage.repository.dispatch("monitor.yml", actor=PERSON)
        played = self.stage.settle()
        self.story.all_succeeded(played)
        folder = self.story.out / "issues"
        folder.mkdir(exist_ok=True)
        for issue in self.stage.repository.issues:
            (folder / f"issue-{issue.number}.md").write_text(issue.body, encoding="utf-8")
        return played

    def _only_issue(self, state: str) -> Issue:
        issue: Issue = one(self.stage.repository.issues, "issue")
        check(issue.state == state, f"issue #{issue.number} is {issue.state}, not {state}")
        return issue

    def _only_pull(self) -> Pull:
        pull: Pull = one(self._pulls(), "retraining pull request")
        return pull

    def _pulls(self) -> list[Pull]:
        return [pull for pull in self.stage.repository.pulls.values() if pull.head_ref.startswith(BRANCHES)]


def ask_logged(server: Server, records: list[dict[str, Any]]) -> list[str]:
    """Ask for records, and wait until they are in the prediction log; the id of each row."""
    before, end = server.figure(_LOGGED) or 0.0, time.monotonic() + LOG_SECONDS
    ids = server.ask_many(records)
    while (server.figure(_LOGGED) or 0.0) < before + len(ids):
        check(time.monotonic() < end, f"the server did not log {len(ids)} rows within {LOG_SECONDS:.0f} s; its log: {server.log}")
        time.sleep(0.05)
    return ids
