"""What a random history is made of: git as it is, GitHub's records in a file, toy models, and commands that can be disturbed anywhere."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import serving_kit
import yaml
from churn import bundle, github, params
from churn.registry import release, smoke, tag
from churn.scorer import Scorer
from churn.store import git_ref

PRODUCTION = "models/production.yaml"
KILLED = 137
_run = subprocess.run


def git(folder: Path, *arguments: str, check: bool = True, **more: Any) -> str:
    """git's output; empty where it failed and ``check`` is off."""
    done = _run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False, **more)
    if check and done.returncode:
        raise RuntimeError(f"git {' '.join(arguments)}: {done.stderr}")
    return done.stdout.strip() if done.returncode == 0 else ""


class Bare:
    """The repository on GitHub: read by one lasting process, written by one process for each commit."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        git(folder.parent, "init", "-q", "--bare", "-b", "main", str(folder))
        git(folder, "config", "uploadpack.allowFilter", "true")
        git(folder, "config", "receive.autogc", "false")
        self._pid, self._reader = 0, None
        self.newest, self.parents = "", {}

    def read(self, name: str) -> bytes | None:
        """A file, ``revision:path``; None where there is none."""
        if self._reader is None or self._pid != os.getpid():  # a forked process must not share the pipe
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            self._reader, self._pid = subprocess.Popen(["git", "cat-file", "--batch"], cwd=self.folder, **pipes), os.getpid()
        self._reader.stdin.write(f"{name}\n".encode())
        self._reader.stdin.flush()
        *head, last = self._reader.stdout.readline().split()
        self.newest = head[0].decode() if head else ""
        return None if last == b"missing" else self._reader.stdout.read(int(last) + 1)[:-1]

    def resolve(self, ref: str) -> str:
        """The commit of a ref."""
        self.read(ref)
        return self.newest

    def close(self) -> None:
        """End the reader."""
        if self._reader is not None and self._pid == os.getpid():
            self._reader.stdin.close()
            self._reader.wait()

    def commits(self) -> list[tuple[str, list[str]]]:
        """Main's commits along first parents, newest first, each with its parents."""
        found, now = [], self.resolve("main")
        while now:
            if now not in self.parents:
                head = (self.read(now) or b"").decode().partition("\n\n")[0]
                self.parents[now] = re.findall(r"^parent (\w+)$", head, re.MULTILINE)
            found.append((now, self.parents[now]))
            now = next(iter(self.parents[now]), "")
        return found

    def commit(self, files: Mapping[str, bytes | None], message: str) -> None:
        """A person's commit on main: files by path, None deletes one."""
        base = git(self.folder, "rev-parse", "-q", "--verify", "main", check=False)
        stream = f"commit refs/heads/main\ncommitter mona <mona@localhost> now\ndata {len(message)}\n{message}\n".encode()
        stream += f"from {base}\n".encode() if base else b""
        for path, content in files.items():
            if content is None:
                stream += f"D {path}\n".encode()
            else:
                stream += f"M 100644 inline {path}\ndata {len(content)}\n".encode() + content + b"\n"
        done = _run(["git", "fast-import", "--quiet", "--date-format=now"], cwd=self.folder, input=stream, capture_output=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr.decode())


class Records:
    """GitHub's deployments in a file, so that forked commands share them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_text("[]")

    def all(self) -> list[dict[str, Any]]:
        """Every deployment with its newest state, oldest first."""
        return json.loads(self.path.read_text())

    def get(self, path: str, **query: Any) -> Any:
        """Stands for ``github.get``."""
        if path == "deployments":
            return [one for one in reversed(self.all()) if one["environment"] == query["environment"]][: query["per_page"]]
        number = int(path.split("/")[1])
        (found,) = (one for one in self.all() if one["id"] == number)
        return [{"state": found["state"]}] if found["state"] else []

    def send(self, method: str, path: str, body: dict[str, Any]) -> Any:
        """Stands for ``github.send``."""
        found = self.all()
        if path == "deployments":
            found.append({"id": len(found), "environment": body["environment"], "payload": body["payload"], "state": None})
        elif path.startswith("deployments/"):
            found[int(path.split("/")[1])]["state"] = body["state"]
        self.path.write_text(json.dumps(found))
        return found[-1] if path == "deployments" else {}


def make_candidate() -> None:
    """What the pipeline and main's review would leave here: a toy whose digest depends on the parameters alone."""
    chosen, folder = params.load(), Path("models/bundle")
    serving_kit.make_bundle(folder, bias=float(chosen.model.parameters["C"]), name=chosen.model.name)
    digest = bundle.write_manifest(
        folder,
        model=chosen.model.name,
        problem="binary",
        threshold=0.5,
        data_digest="sha256:" + hashlib.sha256(Path(chosen.data.path).read_bytes()).hexdigest(),
        parameters=chosen.made_of(),
        libraries={},
    )
    names = (*bundle.FILES, bundle.MANIFEST)
    outs = [{"path": str(folder / one), "md5": hashlib.md5((folder / one).read_bytes()).hexdigest()} for one in names]
    Path("dvc.lock").write_text(yaml.safe_dump({"stages": {"export": {"cmd": "toy", "outs": outs}}}))
    Path("models/metrics.json").write_text("{}\n")
    now = yaml.safe_load(Path(PRODUCTION).read_text()) if Path(PRODUCTION).exists() else None
    review = {"verdict": "promote", "digest": digest, "reasons": [], "metrics": [], "override": None}
    Path("reports").mkdir(exist_ok=True)
    Path("reports/review.json").write_text(json.dumps(review | {"champion": {"digest": now["digest"]} if now else None}))
    Path("reports/card.md").write_text(f"card of {digest}\n")


def act(command: Callable[[], object], at: int, disturbance: Callable[[], object] | None, records: Records) -> None:
    """Run a command in this (forked) process, with GitHub's records in a file, and leave it.

    Its ``at``-th call to the outside is where something else happens: before the call when ``at`` is odd, after it when it is even.
    Without a ``disturbance`` that is the process's death, as SIGKILL would do it.
    """
    calls = 0

    def disturbed() -> None:
        if disturbance is None:
            os._exit(KILLED)
        disturbance()

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            nonlocal calls
            calls += 1
            mine = calls == at
            if mine and at % 2:
                disturbed()
            result = real(*arguments, **more)
            if mine and not at % 2:
                disturbed()
            return result

        return call

    github.get, github.send, subprocess.run = records.get, counted(records.send), counted(_run)
    smoke.check = lambda folder, digest, *_: Scorer(bundle.load(folder, digest)).check_golden()
    git_ref.push_objects = lambda: None
    release.prepare, release.ensure = lambda *_: None, lambda now, commit, *_: tag.ensure(now, commit)
    code = 0
    try:
        command()
    except BaseException as error:
        print(f"{type(error).__name__}: {error}")
        code = 1
    sys.stdout.flush()
    os._exit(code)
