"""Queues runs, starts them when their groups are free, and follows them."""

from __future__ import annotations

import json
import shutil
import threading
import time
from typing import TYPE_CHECKING, Any

from ..errors import RehearseError
from ..github import git
from ..github.hosts import API_URL, GIT_URL, RESULTS_HOST
from ..github.model import CheckRun
from ..world import write_home
from . import concurrency
from .act import Act, Order, Record
from .environments import secrets_for, variables_for
from .runs import Run
from .workflow import FOLDER, without_queue

if TYPE_CHECKING:
    from ..github.core import Core

DEFAULT_LIMIT = 600.0
LEFT_BEHIND = ("work", "cache", "home")


class Player:
    """Plays at most ``limit`` runs at a time, each for at most ``seconds``."""

    def __init__(self, core: Core, limit: int = 2, seconds: float = DEFAULT_LIMIT) -> None:
        self.core, self.limit, self.seconds = core, limit, seconds
        self.closed = False
        self._threads: list[threading.Thread] = []

    def all_runs(self) -> list[Run]:
        """Runs of every repository."""
        return [run for repository in self.core.repositories.values() for run in repository.runs]

    def enqueue(self, run: Run) -> None:
        """Take a run in; pending or running ones of its groups give way as their keys say."""
        siblings = self.core.repositories[run.repository].runs
        leaving = concurrency.gives_way(run, siblings)
        siblings.append(run)
        self.core.tell("run queued", run=run)
        for other in leaving:
            self.cancel(other, f"a newer run of its concurrency group: {run.name} #{run.number}")
        self.core.workflow_run(run, "requested")
        self.pump()

    def pump(self) -> None:
        """Start every queued run that may start."""
        with self.core.lock:
            for run in self.all_runs():
                busy = sum(1 for one in self.all_runs() if one.status == "in_progress")
                if self.closed or busy >= self.limit:
                    return
                if run.status == "queued" and concurrency.may_start(run, self.core.repositories[run.repository].runs):
                    run.status, run.started = "in_progress", time.monotonic()
                    thread = threading.Thread(target=self._play, args=(run,), name=f"run-{run.id}", daemon=True)
                    self._threads.append(thread)
                    thread.start()

    def cancel(self, run: Run, reason: str) -> None:
        """Stop a run that waits or is at work."""
        with self.core.lock:
            run.message = f"cancelled by {reason}"
            if run.status == "queued":
                self._finish(run, "cancelled")
            elif run.act is not None:
                threading.Thread(target=run.act.kill, daemon=True).start()
            else:
                run.conclusion = "cancelled"

    def close(self) -> None:
        """Stop everything that runs and wait for the threads."""
        self.closed = True
        for run in self.all_runs():
            if run.act is not None and run.status == "in_progress":
                run.message = "stopped: the local GitHub was closed"
                run.act.kill()
        for thread in self._threads:
            thread.join(timeout=10)

    def _play(self, run: Run) -> None:
        token = self.core.run_token(run)
        try:
            self.core.tell("run started", run=run)
            conclusion = self._act(run, token)
        except (RehearseError, OSError) as error:
            run.message, conclusion = str(error), "failure"
            self._write(run, f"error: {error}\n")
        except Exception as error:  # a defect here must end the run, not hang everyone who waits for it
            self.core.problems.append(f"run {run.id} ({run.workflow}): {error!r}")
            conclusion = "failure"
        finally:
            self.core.callers.pop(token, None)
        with self.core.lock:
            self._finish(run, conclusion)
        self.core.after_run(run)
        self.pump()

    def _act(self, run: Run, token: str) -> str:
        repository = self.core.repositories[run.repository]
        secrets = secrets_for(repository, run)
        folder = self.core.world.folder / "runs" / str(run.id)
        order = self._order(run, secrets | {"GITHUB_TOKEN": token}, variables_for(repository, run))
        with self.core.lock:
            if run.conclusion == "cancelled" or self.closed:
                return "cancelled"
            run.act = Act(order, self.core.world.env(home=folder / "home"), folder)
        timer = threading.Timer(self.seconds, self._too_long, args=(run,))
        timer.daemon = True
        timer.start()
        try:
            code = run.act.follow(lambda record: self._record(run, record))
        finally:
            timer.cancel()
        for name in LEFT_BEHIND:
            shutil.rmtree(folder / name, ignore_errors=True)
        return self._conclude(run, run.act, code)

    def _order(self, run: Run, secrets: dict[str, str], variables: dict[str, str]) -> Order:
        folder = self.core.world.folder / "runs" / str(run.id)
        folder.mkdir(parents=True)
        write_home(folder / "home")
        work, payload = folder / "work", folder / "event.json"
        bare = self.core.repositories[run.repository].git_dir
        git.git(folder, "clone", "-q", "--shared", "--no-checkout", str(bare), str(work))
        git.git(work, "update-ref", "--no-deref", "HEAD", run.tree_sha)
        git.git(work, "checkout", "-q", "HEAD", "--", FOLDER)  # all that act reads here; a job has the rest when it checks out
        git.git(work, "remote", "set-url", "origin", f"{GIT_URL}/{run.repository}")
        payload.write_text(json.dumps(run.payload), encoding="utf-8")
        for file in (work / FOLDER).iterdir():
            if file.suffix in (".yml", ".yaml"):
                file.write_text(without_queue(file.read_text(encoding="utf-8")), encoding="utf-8")
        return Order(
            run.event,
            work,
            run.path,
            payload,
            folder / "cache",
            run.actor,
            secrets,
            variables,
            _step_env(run) | _identity_env(run, secrets["GITHUB_TOKEN"]),
            run.actions,
        )

    def _record(self, run: Run, record: Record) -> None:
        job = run.job_of(record)
        label = str(record.get("job", "")).strip()
        with self.core.lock:
            if job is not None and label not in run.running_jobs and "jobResult" not in record:
                run.running_jobs[label] = job
                self.core.tell("job started", run=run, job=job, name=label)
            if job is not None and "jobResult" in record:
                run.running_jobs.pop(label, None)
                run.note_job(job, str(record["jobResult"]))
                self.core.tell("job finished", run=run, job=job, name=label, result=record["jobResult"])
            self._step(run, job, record)
        if record.get("msg"):
            mark = "  | " if record.get("raw_output") else ""
            self._write(run, f"[{label or 'act'}] {mark}{str(record['msg']).rstrip()}\n")

    def _step(self, run: Run, job: str | None, record: Record) -> None:
        if record.get("command") == "summary":
            run.summaries.append(str(record.get("content", "")))
        if job is None or "stepResult" not in record or len(record.get("stepID") or []) != 1 or record.get("stage") != "Main":
            return
        step, result = str(record.get("step", "")).strip(), str(record["stepResult"])
        run.steps.append((job, step, result))
        self.core.tell(
            "workflow step finished",
            run=run,
            job=job,
            step=step,
            result=result,
            seconds=record.get("executionTime", 0) / 1e9,
        )

    def _conclude(self, run: Run, act: Act, code: int) -> str:
        began = bool(run.jobs)
        for job in run.definition.jobs if run.definition else ():
            run.jobs.setdefault(job, "cancelled" if act.killed else "failure" if act.lost else "skipped")
        if act.killed:
            return "cancelled"
        if act.lost:
            return "failure"
        if act.unsupported:
            run.message = "a job was skipped because its runs-on is not known here"
            return "failure"
        if code:
            last = act.stderr_tail.strip().splitlines()[-1:] or [f"act ended with {code}"]
            run.message = run.message or last[0]
            self._write(run, act.stderr_tail)
            return "failure" if began else "startup_failure"
        return "skipped" if set(run.jobs.values()) == {"skipped"} else "success"

    def _finish(self, run: Run, conclusion: str) -> None:
        run.status, run.conclusion, run.ended = "completed", conclusion, time.monotonic()
        run.running_jobs.clear()
        run.updated_at = self.core.now()
        repository = self.core.repositories[run.repository]
        for job, result in run.jobs.items():
            name = str((run.definition.jobs[job] if run.definition else {}).get("name", job))
            repository.checks.append(CheckRun(self.core.next_id(), name, run.head_sha, "completed", result))
        self.core.tell("run finished", run=run)
        self.core.workflow_run(run, "completed")
        self.core.idle.notify_all()

    def _too_long(self, run: Run) -> None:
        run.message = f"stopped after {self.seconds:.0f} s, the limit of a rehearsed run"
        if run.act is not None:
            run.act.kill()

    def _write(self, run: Run, text: str) -> None:
        run.log.parent.mkdir(parents=True, exist_ok=True)
        with run.log.open("a", encoding="utf-8") as stream:
            stream.write(text)


def _step_env(run: Run) -> dict[str, Any]:
    return {
        "GITHUB_SERVER_URL": GIT_URL,
        "GITHUB_API_URL": API_URL,
        "GITHUB_GRAPHQL_URL": f"{API_URL}/graphql",
        "GITHUB_REPOSITORY": run.repository,
        "GITHUB_REPOSITORY_OWNER": run.repository.split("/")[0],
        "GITHUB_RUN_ID": str(run.id),
        "GITHUB_RUN_NUMBER": str(run.number),
        "GITHUB_RUN_ATTEMPT": "1",
        "GITHUB_REF": run.ref,
        "GITHUB_TRIGGERING_ACTOR": run.actor,
        "GITHUB_WORKFLOW_REF": f"{run.repository}/{run.path}@{run.ref}",
        "GITHUB_WORKFLOW_SHA": run.tree_sha,
        "SHA_REF": run.sha,
    }


def _identity_env(run: Run, token: str) -> dict[str, Any]:
    """Where a job asks who it is, if a job of this run may; the answer still depends on the job that asks."""
    jobs = run.definition.jobs if run.definition else {}
    if not any(run.definition.job_permissions(job, fork=run.fork).get("id-token") == "write" for job in jobs):  # type: ignore[union-attr]
        return {}
    address = f"https://{RESULTS_HOST}/identity-token?api-version=2.0"
    return {"ACTIONS_ID_TOKEN_REQUEST_URL": address, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": token}
