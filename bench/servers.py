"""The servers that are compared: how each is started, and what it is asked."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from environments import LeftOutError, python_of
from load import cpu_seconds, request

RIVALS = Path(__file__).parent / "rivals"
LOG_SHARE = 0.01
QUEUE = "4096"  # rows: 16 connections with 64 rows each are to be answered, not refused

Rows = list[dict[str, Any]]


@dataclass
class Served:
    """A server that answers, and the request for some rows."""

    pid: int
    port: int
    content: Callable[[Rows], bytes]


def ours(bundle: Path, *options: str, package: str = "churn", script: str | None = None) -> list[str]:
    """The command of our server, or of a script that runs it altered; the port is still to be added."""
    what = ["-m", f"{package}.serving"] if script is None else [str(RIVALS / script)]
    return [sys.executable, *what, "--model", str(bundle), "--queue", QUEUE, *options, "--port"]


def hello(length: int, *package: str) -> list[str]:
    """The command of a bare endpoint with answers of so many bytes, under uvicorn or a package's server; the port is still to be added."""
    return [sys.executable, str(RIVALS / "hello.py"), str(length), *package]


def rival(name: str, bundle: Path) -> list[str]:
    """The command of another server; raises :class:`LeftOutError` when it cannot be had."""
    return [str(python_of(name)), str(RIVALS / f"{name}_server.py"), str(bundle)]


def content_for(name: str, columns: tuple[list[str], list[str]]) -> Callable[[Rows], bytes]:
    """The request for rows as this server takes them; ``columns`` are the numeric and the other ones."""
    return {
        "bentoml": lambda rows: _post("/predict", {"rows": rows}),
        "mlflow": lambda rows: _post("/invocations", {"dataframe_records": rows}),
        "mlserver": lambda rows: _post("/v2/models/model/infer", _tensors(rows, columns)),
    }.get(name, lambda rows: _post("/predict", rows))


def answer(served: Served, rows: Rows) -> bytes:
    """The body of one answer; raises OSError while there is none, and RuntimeError for one that is not good."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection:
        connection.sendall(served.content(rows).replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
        parts = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = parts.partition(b"\r\n\r\n")
    if not head:
        raise ConnectionError("no answer")
    if not head.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError(f"answers {head[9:12].decode()} {body[:200]!r}")
    return body


@contextmanager
def running(command: list[str], content: Callable[[Rows], bytes], rows: Rows) -> Iterator[tuple[Served, tuple[float, float]]]:
    """A server that has given its first good answer, the seconds that this took, and those of them that it worked.

    Raises :class:`LeftOutError` when it never does.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    began = time.perf_counter()
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    with subprocess.Popen(
        [*command, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, start_new_session=True
    ) as process:
        served = Served(process.pid, port, content)
        try:
            _wait(process, served, rows, began + 120)
            yield served, (time.perf_counter() - began, cpu_seconds(process.pid))
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
            with contextlib.suppress(ProcessLookupError):  # LitServe leaves its workers behind
                os.killpg(process.pid, signal.SIGKILL)


def _wait(process: subprocess.Popen[bytes], served: Served, rows: Rows, until: float) -> None:
    problem = "it does not answer"
    while time.perf_counter() < until:
        if process.poll() is not None:
            raise LeftOutError(f"it ended with {process.returncode}")
        try:
            answer(served, rows)
        except OSError:
            time.sleep(0.005)
        except RuntimeError as error:
            problem = f"it {error}"
            time.sleep(0.2)
        else:
            return
    raise LeftOutError(problem)


def _post(path: str, content: Any) -> bytes:
    return request("POST", path, json.dumps(content).encode())


def _tensors(rows: Rows, columns: tuple[list[str], list[str]]) -> dict[str, Any]:
    kinds = (("numeric", "FP32", columns[0]), ("categorical", "BYTES", columns[1]))
    return {
        "inputs": [
            {"name": name, "datatype": kind, "shape": [len(rows), len(names)], "data": [row[column] for row in rows for column in names]}
            for name, kind, names in kinds
        ]
    }
