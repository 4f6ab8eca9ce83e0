"""A terminal in which the commands of a page are typed one after the other: folders, variables and servers stay from one to the next."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from types import TracebackType
from typing import Self

from .blocks import Command, missing

SECONDS = 600.0
_MARK = "the command ended with"


class Session:
    """A bash without a person's own settings; use it in ``with``, which ends it and all that it started."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self._bash = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._count = 0
        self._left = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        os.killpg(self._bash.pid, signal.SIGTERM)
        try:
            self._bash.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self._bash.pid, signal.SIGKILL)
            self._bash.wait()

    def run(self, command: str) -> tuple[int, str]:
        """Type a command, and wait; its exit status and all that was printed meanwhile.

        Raises:
            TimeoutError: it did not end in time; the text has what was printed so far.
        """
        self._count += 1
        mark = f"{_MARK}-{self._count}:"
        line = f"{command}\nprintf '%s%s\\n' '{mark}' $?\n"  # the mark is no part of what a shell may echo
        assert self._bash.stdin is not None
        self._bash.stdin.write(line.encode())
        self._bash.stdin.flush()
        output, rest = self._until(mark.encode())
        status, _, self._left = rest.partition(b"\n")
        return int(status), output.decode(errors="replace")

    def fault(self, command: Command) -> str | None:
        """Type a command of a page; what is wrong with it or with what the page shows, None when all is as it says."""
        status, output = self.run(command.text)
        told = f"line {command.line}: $ {command.text}\n{output.strip()}\n[exit status {status}]"
        if (status != 0) != command.fails:
            return f"{told}\nthe page shows {'an error' if command.fails else 'no error'}"
        absent = missing(command.shown, output)
        return None if absent is None else f"{told}\nthe page shows, and this is not there: {absent}"

    def _until(self, mark: bytes) -> tuple[bytes, bytes]:
        assert self._bash.stdout is not None
        found, end = self._left, time.monotonic() + SECONDS
        with DefaultSelector() as selector:
            selector.register(self._bash.stdout, EVENT_READ)
            while not (mark in found and b"\n" in found.partition(mark)[2]):
                if not selector.select(max(0.0, end - time.monotonic())):
                    raise TimeoutError(f"not done after {SECONDS:.0f} s; so far: {found.decode(errors='replace')[-2000:]}")
                read = os.read(self._bash.stdout.fileno(), 65536)
                if not read:
                    raise TimeoutError(f"the shell ended; so far: {found.decode(errors='replace')[-2000:]}")
                found += read
        output, _, rest = found.partition(mark)
        return output, rest
