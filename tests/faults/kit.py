"""One trained project on a local GitHub, copied for each case: run its commands, kill them where you like, look at what is left."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import yaml

from rehearse import LocalGitHub, Repository, World
from rehearse.story.project import Clone

from .shelves import Shelf

OWNER, PERSON = "acme", "mona"
STATUS = "model review"
LIMIT = 120.0
Condition = Callable[["Command"], bool]


@dataclass
class Done:
    """A command that ended: its exit code (negative: the signal that killed it) and everything it printed."""

    code: int
    text: str


class Command:
    """A process group of its own in a case's folder."""

    def __init__(self, case: Case, arguments: list[str], env: Mapping[str, str]) -> None:
        self.case = case
        self._out = (case.folder / "log.txt").open("w+", encoding="utf-8")
        self.process = subprocess.Popen(
            arguments, cwd=case.work, env=dict(env), stdin=subprocess.DEVNULL, stdout=self._out, stderr=self._out, start_new_session=True
        )

    def kill(self, only: str | None = None) -> None:
        """SIGKILL to the whole group, or to those in it with some words in their command line: nobody can tidy up."""
        if only is not None:
            for number, line in self.members():
                if only in line:
                    os.kill(number, signal.SIGKILL)
            return
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def members(self) -> list[tuple[int, str]]:
        """Number and command line of the group's processes that still run."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and os.getpgid(int(entry.name)) == self.process.pid:
                    line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    found.append((int(entry.name), line))
            except (OSError, ValueError):
                continue
        return found

    def children(self) -> list[str]:
        """The command lines of the group."""
        return [line for _, line in self.members()]

    def wait(self) -> Done:
        """Its end, within two minutes."""
        try:
            code = self.process.wait(LIMIT)
        finally:
            if self.process.poll() is None:
                self.kill()
        self._out.seek(0)
        return Done(code, self._out.read())


@dataclass
class Case:
    """A copy of the scene: a repository on the local GitHub, and a clone with the trained candidate."""

    scene: Scene
    repository: Repository
    folder: Path

    @property
    def work(self) -> Path:
        """The clone."""
        return self.folder / "clone"

    def start(self, module: str, *arguments: str, **env: str) -> Command:
        """Begin ``python -m churn.<module>`` as a job of the repository would."""
        job = self.scene.env(self.repository) | env
        return Command(self, [str(self.scene.python), "-m", f"churn.{module}", *arguments], job)

    def run(self, module: str, *arguments: str, **env: str) -> Done:
        """Run it to the end."""
        return self.start(module, *arguments, **env).wait()

    def good(self, module: str, *arguments: str, **env: str) -> str:
        """Run what must succeed; what it printed."""
        done = self.run(module, *arguments, **env)
        assert done.code == 0, f"{module}: exit {done.code}\n{done.text}"
        return done.text

    def git(self, *arguments: str) -> str:
        """git in the bare repository."""
        return _git(self.repository.git_dir, *arguments)

    def fresh_clone(self) -> None:
        """What a new runner has: a new checkout of main, with the same candidate made again from the objects."""
        old = self.folder / "dead"
        self.work.rename(old)
        subprocess.run(["git", "clone", "-q", str(self.repository.git_dir), str(self.work)], check=True, capture_output=True)
        _git(self.work, "remote", "set-url", "origin", self.repository.url)
        for name in (".dvc/cache", "reports", "models/bundle"):
            shutil.copytree(self.scene.ready / name, self.work / name, symlinks=True, dirs_exist_ok=True)
        for name in ("dvc.lock", "models/metrics.json"):
            shutil.copyfile(self.scene.ready / name, self.work / name)
        (self.work / ".venv").symlink_to(self.scene.ready / ".venv")
        shutil.rmtree(old)

    def pointer(self, environment: str = "production", revision: str = "main") -> dict[str, Any] | None:
        """The pointer on the local GitHub's main."""
        text = self.repository.read(f"models/{environment}.yaml", revision)
        return None if text is None else yaml.safe_load(text)

    def stored_digest(self, digest: str) -> str | None:
        """The digest that the stored bundle really has: its files checked against its manifest, that hashed again; None if not whole."""
        base = f"bundles/{digest.removeprefix('sha256:')}"
        manifest = self.scene.shelf.read(self.repository, f"{base}/manifest.json")
        if manifest is None:
            return None
        for name, wanted in json.loads(manifest)["files"].items():
            content = self.scene.shelf.read(self.repository, f"{base}/{name}")
            if content is None or hashlib.sha256(content).hexdigest() != wanted:
                return None
        return f"sha256:{hashlib.sha256(manifest).hexdigest()}"

    def execute(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Any command in the clone, with a job's environment."""
        env = self.scene.env(self.repository)
        return subprocess.run(arguments, cwd=self.work, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    def do(self, *arguments: str) -> str:
        """What a command that must succeed printed."""
        done = self.execute(*arguments)
        assert done.returncode == 0, f"{' '.join(arguments)}\n{done.stdout}{done.stderr}"
        return done.stdout.strip()

    def blob(self, name: str) -> bytes:
        """A file of the bare repository, ``revision:path``."""
        return subprocess.run(["git", "cat-file", "blob", name], cwd=self.repository.git_dir, capture_output=True, check=True).stdout

    def change_store(self, path: str, content: bytes) -> None:
        """Replace a file of the store, as nobody should."""
        self.scene.shelf.write(self.repository, path, content)

    @property
    def changes(self) -> list[str]:
        """The requests so far that change something, by their names."""
        ours = (one for one in self.scene.hub.requests if f"/{self.repository.full_name}/" in one["path"])
        return [one["name"] for one in ours if one["method"] != "GET" and not one["path"].endswith("/git-upload-pack")]

    def merge(self, files: Mapping[str, str], message: str = "A change") -> str:
        """A commit on main with other files, as a merged pull request leaves it; returns it."""
        with self.scene.clone_of(self.repository, self.folder / "other") as clone:
            for name, text in files.items():
                path = clone.folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            made = clone.commit(message)
            clone.git("push", "-q", "origin", "HEAD:refs/heads/merged")
            self.git("update-ref", "refs/heads/main", made)
            self.git("update-ref", "-d", "refs/heads/merged")
        return made

    def forget(self) -> None:
        """Remove the clone; the repository stays with the world."""
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass
class Scene:
    """The prepared state: version 1 is in production, main has new inputs, their candidate is trained and judged in ``ready``."""

    hub: LocalGitHub
    world: World
    token: str
    repository: Repository
    ready: Path
    folder: Path
    head: str
    shelf: Shelf
    numbers: int = 0

    @property
    def python(self) -> Path:
        """The project's own interpreter."""
        return self.ready / ".venv/bin/python"

    def env(self, repository: Repository) -> dict[str, str]:
        """A job's environment."""
        job = {"GITHUB_REPOSITORY": repository.full_name, "GITHUB_SERVER_URL": "https://github.com", "GITHUB_ACTOR": PERSON}
        job |= {"GITHUB_RUN_ID": "4711"}
        return self.world.env(self.token) | job | self.shelf.env(repository)

    @cached_property
    def objects(self) -> int:
        """How many of DVC's objects are stored before a case begins."""
        return len([name for name in self.shelf.content(self.repository) if name.startswith("files/")])

    @cached_property
    def promoted(self) -> Case:
        """A copy in which version 2 was promoted and nothing went wrong: to read, and to copy."""
        made = self.case()
        made.good("registry.promote", GITHUB_RUN_ID="1")
        return made

    def case(self, source: Case | None = None) -> Case:
        """A new copy, of the scene or of another case."""
        self.numbers += 1
        name = f"case-{self.numbers}"
        repository = self.hub.copy_repository((source or self).repository.full_name, name)
        self.shelf.copy((source or self).repository, repository)
        self.hub.let_write(self.token, repository.full_name)
        case = Case(self, repository, self.folder / name)
        left_out = shutil.ignore_patterns(".venv", ".dvc-store", "tmp")
        shutil.copytree(source.work if source else self.ready, case.work, symlinks=True, ignore=left_out)
        (case.work / ".venv").symlink_to(self.ready / ".venv")
        _git(case.work, "remote", "set-url", "origin", repository.url)
        return case

    @contextmanager
    def trial(self, source: Case | None = None) -> Iterator[Case]:
        """A copy that goes away again, with the faults planted meanwhile."""
        made = self.case(source)
        try:
            yield made
        finally:
            self.hub.clear_faults()
            made.forget()

    @contextmanager
    def clone_of(self, repository: Repository, folder: Path) -> Iterator[Clone]:
        """A person's clone that goes away again."""
        yield Clone.of(repository.url, folder, self.world.env(self.token))
        shutil.rmtree(folder)


def end_state(case: Case) -> dict[str, Any]:
    """Everything that a promotion leaves behind, without what names a moment: commits of the store, ids, times."""
    state, names = case.repository.state, case.git("for-each-ref", "--format=%(refname)").split()
    head = case.git("rev-parse", "main")
    return {
        "pointers": {name: case.pointer(name) for name in ("staging", "production")},
        "tree": case.git("rev-parse", "main^{tree}"),
        "history": case.git("log", "--format=%s", "main").splitlines(),
        "merges on top": case.git("rev-list", "--count", "--merges", f"{case.scene.head}..main"),
        "store": case.scene.shelf.content(case.repository),
        "refs": sorted(names),
        "tags": {name: case.git("rev-parse", f"{name}^{{commit}}") == head for name in names if name.startswith("refs/tags/")},
        "deployments": [(one.environment, one.payload["digest"], one.payload["kind"], one.state) for one in state.deployments],
        "releases": [(one.tag_name, one.draft, sorted(one.assets)) for one in state.releases],
        "status of main": sorted({(one.context, one.state) for one in state.statuses if one.sha == head}),
    }


@contextmanager
def killed_at(case: Case, name: str, moment: Literal["before", "during", "after"], nth: int = 1) -> Iterator[list[Command]]:
    """Inside the block, the command that is put into the list dies at the ``nth`` request of that name."""
    commands: list[Command] = []
    strike = case.scene.hub.interrupt(name, moment, lambda: commands[0].kill(), nth)
    case.scene.shelf.interruptions.append(strike)
    try:
        yield commands
    finally:
        case.scene.hub.clear_faults()
        case.scene.shelf.interruptions.clear()


def kill_when(command: Command, condition: Condition, only: str | None = None) -> None:
    """Kill a command as soon as a condition holds; it is looked at every few milliseconds by a thread of its own.

    ``only`` spares it: then those of its children die whose command line has these words.
    """

    def watch() -> None:
        while command.process.poll() is None:
            if condition(command):
                command.kill(only)
                return
            time.sleep(0.002)

    threading.Thread(target=watch, daemon=True).start()


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
    return done.stdout.strip()


def with_param(text: str, name: str, value: object) -> str:
    """``params.yaml`` with another value of one of the model's parameters."""
    changed, count = re.subn(rf"(parameters: \{{.*?\b{name}: )[\w.]+", rf"\g<1>{value}", text)
    assert count == 1, f"{name} is not in params.yaml"
    return changed
