"""The generated repository's own server, started as a person would, and asked over HTTP."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import RehearseError

WAIT_SECONDS = 60.0


class Server:
    """``make serve`` in a clone, following the local GitHub."""

    def __init__(self, folder: Path, env: Mapping[str, str], log: Path, predictions: str | None = None) -> None:
        """``predictions`` is the folder or bucket of its prediction log; None: it keeps none."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        self.log = log
        arguments = f"--port {self.port} --poll 1 --cache {log.parent / 'server-cache'}"
        arguments += f" --log {predictions} --log-minutes 0.01" if predictions else ""
        with log.open("w") as stream:
            self.process = subprocess.Popen(
                ["make", "serve", f"ARGS={arguments}"],
                cwd=folder,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def ask(self, record: dict[str, Any]) -> dict[str, Any]:
        """The answer to one record."""
        return self._call("/predict", record)

    def ask_many(self, records: list[dict[str, Any]]) -> list[str]:
        """Ask for many records at once; the id that the server gave each row.

        Raises:
            RehearseError: it answered with an error.
        """
        try:
            answer = self._open("/predict", records)
        except urllib.error.HTTPError as error:
            raise RehearseError(f"the server refused {len(records)} records: {error.read(300)!r}; its log: {self.log}") from None
        with answer:
            batch, _, first = str(answer.headers["x-request-id"]).rpartition(".")
            told = len(json.load(answer)["predictions"])
        return [f"{batch}.{int(first) + place}" for place in range(told)]

    def figure(self, name: str) -> float | None:
        """A figure of ``/metrics`` by its name with labels; None while it has none."""
        with self._open("/metrics") as answer:
            lines = answer.read().decode().splitlines()
        return next((float(line.removeprefix(f"{name} ")) for line in lines if line.startswith(f"{name} ")), None)

    def wait_for(self, digest: str) -> float:
        """Wait until the server answers with a digest; returns the seconds that it took.

        Raises:
            RehearseError: the server stopped, or kept another model for too long; the text names its log.
        """
        began = time.monotonic()
        seen: str | None = None
        while time.monotonic() - began < WAIT_SECONDS:
            if self.process.poll() is not None:
                raise RehearseError(f"the server stopped with exit code {self.process.returncode}; its log: {self.log}")
            try:
                seen = self._call("/model").get("digest")
            except (OSError, ValueError):
                seen = None
            if seen == digest:
                return time.monotonic() - began
            time.sleep(0.05)
        raise RehearseError(f"the server answers with {seen}, not {digest}, after {WAIT_SECONDS:.0f} s; its log: {self.log}")

    def stop(self) -> None:
        """End the server and its children."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()

    def _call(self, path: str, body: Any = None) -> dict[str, Any]:
        with self._open(path, body) as answer:
            return json.load(answer)

    def _open(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=data, headers={"content-type": "application/json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        return opener.open(request, timeout=10)
