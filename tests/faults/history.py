"""Plays one random history of merges, promotions, rollbacks, reverts and kills, and checks after each event what must always hold.

``python tests/faults/history.py SEED``, with the generated package and tests/generated on PYTHONPATH; prints what happened. Without a
seed it reads seeds from standard input, plays each in a process and a file of its own, and answers ``SEED CODE FILE``.
Git is real, and so is the follower that a server has. GitHub's records are a file, models are toys, DVC's objects are left out: those
are in matrix.py.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from churn import bundle, plan, store
from churn.registry import finish, promote, rollback
from churn.serving import Live
from churn.serving.follow import Follower
from churn.serving.remote import Remote
from history_kit import KILLED, PRODUCTION, Bare, Records, act, git, make_candidate

SOURCE = Path(bundle.__file__).parents[2]
NOT_NEEDED = shutil.ignore_patterns(".git", ".venv*", "src", "tests", "requirements", "*.md", "LICENSE")
VALUES = (0.25, 0.5, 1.0, 2.0, 4.0)
EVENTS = 10


class History:
    """Main, jobs, a server that follows main, and people."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.random, self.folder, self.runs = random.Random(seed), folder, 0
        self.origin, self.records = Bare(folder / "origin.git"), Records(folder / "records.json")
        first = folder / "first"
        shutil.copytree(SOURCE, first, ignore=NOT_NEEDED)
        (first / "data/telco_churn.csv").write_text("customer_id\n")
        files = (path for path in first.rglob("*") if path.is_file())
        self.origin.commit({path.relative_to(first).as_posix(): path.read_bytes() for path in files}, "First commit")
        self.before, self.pointers, self.whole = self.main(), {}, {}
        self.live = Live()
        self.server = Follower(Remote(str(self.origin.folder), "main", "production", folder / "cache"), self.live, poll=0.0)

    def main(self) -> str:
        return self.origin.resolve("main")

    def clone(self) -> Path:
        made = Path(tempfile.mkdtemp(dir=self.folder))
        git(self.folder, "clone", "-q", str(self.origin.folder), str(made))
        return made

    def job(self) -> Path:
        """A job that has checked main out, trained and judged; it has not promoted yet."""
        clone = self.clone()
        with contextlib.chdir(clone):
            make_candidate()
        return clone

    def execute(
        self, clone: Path, command: Callable[[], object], at: int = 0, other: Callable[[], object] | None = None, run: int = 0
    ) -> int:
        """A command in a process of its own; at its ``at``-th call to the outside it is killed, or ``other`` happens."""
        child = os.fork()
        if child == 0:
            os.chdir(clone)
            os.environ["GITHUB_RUN_ID"] = str(run or self.new_run())
            with (self.folder / "output.txt").open("a") as stream:
                os.dup2(stream.fileno(), 1)
                os.dup2(stream.fileno(), 2)
                act(command, at, other, self.records)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def new_run(self) -> int:
        self.runs += 1
        return self.runs

    def output(self) -> str:
        return (self.folder / "output.txt").read_text()[-3000:]

    # ---- events ----
    def merge(self) -> str:
        text = (self.origin.read("main:params.yaml") or b"").decode()
        value = self.random.choice([one for one in VALUES if f"{{C: {one}," not in text])
        changed = re.sub(r"(parameters: \{C: )[\d.]+", rf"\g<1>{value}", text)
        self.origin.commit({"params.yaml": changed.encode()}, f"C={value}")
        return f"C={value}"

    def three_merges(self) -> str:
        return ", ".join(self.merge() for _ in range(3))

    def docs(self) -> str:
        self.origin.commit({"README.md": f"{self.random.random()}\n".encode()}, "Docs")
        return ""

    def promote(self, *, kill: bool = False, other: Callable[[], object] | None = None) -> str:
        """The workflow of a push; while it trains, others may merge or roll back."""
        clone, told = self.job(), []
        if self.random.random() < 0.25:
            meanwhile = self.random.choice([self.merge, self.three_merges, self.roll_back, self.docs])
            told = [f"while it trains {meanwhile.__name__} ({meanwhile()})"]
        new = self.plan(clone)
        at = self.random.randint(1, 100 if new else 30) if kill or other else 0
        run = self.new_run()
        code = self.execute(clone, promote.promote if new else finish.main, at, other, run)
        told.append(f"{'promote' if new else 'finish'} disturbed at {at}: exit {code}" if at else f"exit {code}")
        if code == KILLED and self.random.random() < 0.5:
            again = clone if self.random.random() < 0.5 else self.job()
            told.append(f"again: exit {self.execute(again, promote.promote, run=run)}")
        return ", ".join(told)

    def killed_promotion(self) -> str:
        return self.promote(kill=True)

    def disturbed_promotion(self) -> str:
        """Something else happens in the middle of it."""
        other = self.random.choice([self.merge, self.docs, self.roll_back, self.promote, self.revert, self.lift])
        return f"{other.__name__} in between, {self.promote(other=lambda: self.told(other))}"

    def roll_back(self, *, kill: bool = False, other: Callable[[], object] | None = None) -> str:
        clone, now = self.clone(), self.pointer()
        if now is None:
            return "nothing to roll back"
        wanted = self.random.choice(["previous", "previous", str(self.random.randint(1, 4))])
        run, at = self.new_run(), self.random.randint(1, 60) if kill or other else 0
        code = self.execute(clone, lambda: rollback.rollback("production", wanted), at, other, run)
        told = f"from {now['version']} to {wanted}: exit {code}"
        if code == KILLED:
            again = self.execute(self.clone(), lambda: rollback.rollback("production", wanted), run=run)
            after = self.pointer() or {}
            if wanted == "previous" and now["previous"] and again == 0 and after["version"] != now["previous"]["version"]:
                raise AssertionError(f"rolled back twice: {now['version']} to {after['version']}\n{self.output()}")
            told += f", again: exit {again}"
        return told

    def killed_rollback(self) -> str:
        return self.roll_back(kill=True)

    def disturbed_rollback(self) -> str:
        other = self.random.choice([self.merge, self.three_merges, self.promote, self.revert])
        return f"{other.__name__} in between, {self.roll_back(other=lambda: self.told(other))}"

    def revert(self) -> str:
        """A person takes the newest change of the pointer back, where nothing was built on it."""
        newest = git(self.origin.folder, "log", "-1", "--format=%H", "main", "--", PRODUCTION)
        names = git(self.origin.folder, "diff", "--name-only", f"{newest}^", newest).split() if newest else []
        if not names or git(self.origin.folder, "diff", "--name-only", newest, "main", "--", *names):
            return "not possible"
        self.origin.commit({name: self.origin.read(f"{newest}^:{name}") for name in names}, "Revert")
        return newest[:9]

    def lift(self) -> str:
        """A reviewed change takes every digest off the held ones."""
        now = self.pointer()
        if now is None or not now["held"]:
            return "nothing is held"
        self.origin.commit({PRODUCTION: yaml.safe_dump(now | {"held": []}, sort_keys=False).encode()}, "Lift")
        return ""

    # ---- looking ----
    def told(self, event: Callable[[], str]) -> None:
        print(f"  in between {event.__name__}: {event()}", flush=True)

    def plan(self, clone: Path) -> bool:
        with contextlib.chdir(clone):
            return plan.plan_push()["promote"]

    def pointer(self, environment: str = "production") -> dict[str, Any] | None:
        return self.pointer_at(self.main(), environment)

    def pointer_at(self, commit: str, environment: str) -> dict[str, Any] | None:
        key = (commit, environment)
        if key not in self.pointers:
            text = self.origin.read(f"{commit}:models/{environment}.yaml")
            self.pointers[key] = text and yaml.safe_load(text)
        return self.pointers[key]

    def check(self) -> None:
        """What holds at any moment."""
        commits = self.origin.commits()
        assert self.before in {commit for commit, _ in commits}, "main lost a commit"
        assert all(len(parents) <= 1 for _, parents in commits), "main is not linear"
        self.before = commits[0][0]
        for environment in ("staging", "production"):
            now = self.pointer(environment)
            assert now is None or self.stored(now["digest"]), f"{environment} names {now['digest']}, which is not stored whole"
        known = {(one["version"], one["digest"]) for one in self.promoted()}
        versions = sorted(version for version, _ in known)
        assert versions == list(range(1, len(versions) + 1)), f"versions {versions}"
        assert len({digest for _, digest in known}) == len(known), "a digest has two versions"
        self.follow()

    def follow(self) -> None:
        """The server goes where the pointer is, and answers as that model."""
        self.server.step()
        if now := self.pointer():
            model = self.live.model
            assert self.live.problem is None, self.live.problem
            assert (model.digest, model.version) == (now["digest"], now["version"]), f"the server is on {model}"
            model.scorer.check_golden()

    def promoted(self) -> list[dict[str, Any]]:
        states = (self.pointer_at(commit, "production") for commit, _ in reversed(self.origin.commits()))
        return [now for now in states if now]

    def stored(self, digest: str) -> bool:
        state = self.origin.resolve("refs/dvc/store")
        if (state, digest) not in self.whole:
            self.whole[state, digest] = self.is_whole(f"{state}:bundles/{store.name_of(digest)}", digest)
        return self.whole[state, digest]

    def is_whole(self, place: str, digest: str) -> bool:
        with tempfile.TemporaryDirectory() as folder:
            for name in (bundle.MANIFEST, *bundle.FILES):
                Path(folder, name).write_bytes(self.origin.read(f"{place}/{name}") or b"")
            try:
                return bundle.load(folder, digest).digest == digest
            except bundle.BundleError:
                return False

    def settle(self) -> None:
        """The last push's workflow, undisturbed: it must come to rest, with nothing half done."""
        for _ in range(2):
            clone = self.job()
            code = self.execute(clone, promote.promote if self.plan(clone) else finish.main)
            assert code == 0, self.output()
            self.check()
        clone = self.job()
        assert not self.plan(clone), "main never comes to rest"
        now, made = self.pointer() or {}, bundle.digest_of(clone / "models/bundle")
        assert made in (now["digest"], *(one["digest"] for one in now["held"])), "main's model is neither in production nor held"
        for environment in ("staging", "production"):
            ours = [one for one in self.records.all() if one["environment"] == environment]
            assert not [one for one in ours if one["state"] in (None, "queued", "pending", "in_progress")], "a deployment is left open"
            assert ours[-1]["payload"]["digest"] == (self.pointer(environment) or {})["digest"]

    def play(self) -> None:
        for event in (self.merge, self.promote, self.merge, self.promote):
            event()
            self.check()
        events = [self.merge, self.three_merges, self.docs, self.promote, self.promote, self.killed_promotion, self.killed_promotion]
        events += [self.disturbed_promotion, self.disturbed_promotion, self.disturbed_rollback]
        events += [self.roll_back, self.killed_rollback, self.revert, self.lift]
        for _ in range(EVENTS):
            event = self.random.choice(events)
            print(f"{event.__name__}: {event()}", flush=True)
            self.check()
        self.settle()
        versions = [version for version, _ in itertools.groupby(one["version"] for one in self.promoted())]
        print(f"ended with versions {versions}, {len(self.records.all())} deployments, {self.live.model} answers")
        self.origin.close()


def play(seed: int) -> None:
    """One history in a folder that goes away."""
    with tempfile.TemporaryDirectory() as scratch:
        History(seed, Path(scratch)).play()


def serve_seeds() -> None:
    """Play the seeds of standard input, without loading the libraries again for each."""
    for line in sys.stdin:
        log = Path(tempfile.gettempdir(), f"seed-{line.strip()}.txt")
        child = os.fork()
        if child == 0:
            with log.open("w") as stream:
                os.dup2(stream.fileno(), 1)
                os.dup2(stream.fileno(), 2)
            play(int(line))
            sys.stdout.flush()
            os._exit(0)
        print(line.strip(), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), log, flush=True)


if __name__ == "__main__":
    os.environ |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GITHUB_ACTOR": "mona"}
    os.environ |= {f"GIT_{who}_{what}": "mona@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    settings = {"gc.auto": "0", "maintenance.auto": "false", "core.fsync": "none"}
    for number, (name, value) in enumerate(settings.items()):
        os.environ |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    os.environ["GIT_CONFIG_COUNT"] = str(len(settings))
    if sys.argv[1:]:
        play(int(sys.argv[1]))
    else:
        serve_seeds()
