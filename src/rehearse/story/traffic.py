"""Constant requests to a server, on kept-alive connections, with every answer counted."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from types import TracebackType
from typing import Any, Self

CONNECTIONS = 2
PAUSE_SECONDS = 0.005


class Traffic:
    """Requests from entering the block to leaving it. ``failed`` lists what was no 200, ``digests`` counts who answered."""

    def __init__(self, port: int, record: dict[str, Any]) -> None:
        self.failed: list[str] = []
        self.digests: Counter[str] = Counter()
        self._port = port
        self._body = json.dumps(record).encode()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(CONNECTIONS)]

    @property
    def answered(self) -> int:
        """How many requests were answered with 200."""
        return sum(self.digests.values())

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(15)

    def _run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        while not self._stop.is_set():
            try:
                connection.request("POST", "/predict", self._body, {"content-type": "application/json"})
                answer = connection.getresponse()
                content = answer.read()
            except (OSError, http.client.HTTPException) as error:
                self._note(f"{type(error).__name__}: {error}")
                connection.close()
                continue
            if answer.status == 200:
                with self._lock:
                    self.digests[json.loads(content)["digest"]] += 1
            else:
                self._note(f"{answer.status}: {content[:200]!r}")
            time.sleep(PAUSE_SECONDS)
        connection.close()

    def _note(self, problem: str) -> None:
        with self._lock:
            self.failed.append(problem)
