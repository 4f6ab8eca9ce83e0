"""One act process: the command line, its stream of records, its end.

act runs steps on the host (``-P label=-self-hosted``). Every flag shuts a door
through which the caller's machine would otherwise be seen.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .checks import RUNNERS

Record = dict[str, Any]
UNSUPPORTED = "Skipping unsupported platform"
NOTHING = os.devnull


@dataclass(frozen=True)
class Order:
    """What act is asked to play."""

    event: str
    tree: Path
    workflow: str
    payload: Path
    cache: Path
    actor: str
    secrets: Mapping[str, str]
    variables: Mapping[str, str]
    step_env: Mapping[str, str]
    actions: Mapping[str, str] = field(default_factory=dict)

    def command(self) -> list[str]:
        """The act command line."""
        command = [
            "act",
            self.event,
            "-C",
            str(self.tree),
            "-W",
            str(self.tree / self.workflow),
            "-e",
            str(self.payload),
            "--json",
        ]
        for option in ("--env-file", "--secret-file", "--var-file", "--input-file"):
            command += [option, NOTHING]
        command += ["--no-cache-server", "--artifact-server-addr", "127.0.0.1", "--no-skip-checkout", "--rm"]
        command += ["--action-cache-path", str(self.cache), "--actor", self.actor]
        command += _pairs("-P", dict.fromkeys(RUNNERS, "-self-hosted")) + _pairs("-s", self.secrets) + _pairs("--var", self.variables)
        return command + _pairs("--env", self.step_env) + _pairs("--local-repository", self.actions)


def _pairs(option: str, values: Mapping[str, str]) -> list[str]:
    return [word for name, value in values.items() for word in (option, f"{name}={value}")]


class Act:
    """A running act process, in a process group of its own."""

    def __init__(self, order: Order, env: Mapping[str, str], folder: Path) -> None:
        self.killed = False
        self.lost = False
        self.unsupported = False
        self.stderr_tail = ""
        self._hidden = _hidden_texts(order.secrets.values())
        self._process = subprocess.Popen(
            order.command(),
            cwd=folder,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )

    def follow(self, tell: Callable[[Record], None]) -> int:
        """Read records until the process ends; return its exit code."""
        reader = threading.Thread(target=self._read_stderr, daemon=True)
        reader.start()
        assert self._process.stdout is not None
        for line in self._process.stdout:
            record = self._record(line)
            self.unsupported |= UNSUPPORTED in str(record.get("msg", ""))
            tell(record)
        code = self._process.wait()
        reader.join(timeout=2)
        self.end_group()
        return code

    def kill(self) -> None:
        """Stop the process and everything it started."""
        self.killed = True
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        self.end_group()

    def lose(self) -> None:
        """End the process and all that descends from it at once, as when the machine is lost: nothing can tidy up. Needs Linux."""
        self.lost = True
        self._signal(signal.SIGSTOP)  # so that it starts nothing meanwhile
        for number in _descendants(self._process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        self.end_group()

    def end_group(self) -> None:
        """End what a step left running, as the end of a hosted machine does."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _record(self, line: str) -> Record:
        for text in self._hidden:
            line = line.replace(text, "***")
        try:
            record = json.loads(line)
        except ValueError:
            return {"msg": line.rstrip("\n")}
        return record if isinstance(record, dict) else {"msg": str(record)}

    def _read_stderr(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            record = self._record(line)
            self.unsupported |= UNSUPPORTED in str(record.get("msg", ""))
            if record.get("level") != "warning":
                self.stderr_tail = (self.stderr_tail + str(record.get("msg", "")) + "\n")[-4000:]


def _descendants(root: int) -> list[int]:
    """Every process below one, children before grandchildren."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):  # it has ended meanwhile, or is no process
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    found = [root]
    for parent in found:
        found += [number for number, its in parents.items() if its == parent]
    return found[1:]


def _hidden_texts(secrets: Iterable[str]) -> list[str]:
    texts = {text for secret in secrets for text in (secret, *secret.splitlines()) if text.strip()}
    escaped = {json.dumps(text)[1:-1] for text in texts} | {json.dumps(text, ensure_ascii=False)[1:-1] for text in texts}
    return sorted(texts | escaped, key=len, reverse=True)
