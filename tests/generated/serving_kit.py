"""What the tests of serving need: a tiny model in a bundle, a git repository that promotes it, and a real server process."""

import contextlib
import http.client
import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
import yaml
from churn import bundle
from churn.contract import Column, Contract
from onnx import TensorProto, helper

PACKAGE = bundle.__name__.partition(".")[0]
SOURCE = Path(bundle.__file__).parents[1]
ROW = {"age": 40, "fee": 20.0, "plan": "basic"}
CONTRACT = Contract(
    model="toy",
    numeric=("age", "fee"),
    categorical=("plan",),
    columns=(
        Column("age", "integer", min=0, max=120),
        Column("fee", "number", missing=True),
        Column("plan", "category", categories=("basic", "plus")),
    ),
    classes=("No", "Yes"),
    positive="Yes",
)


def expected(row: dict[str, Any], bias: float) -> float:
    """The probability that the toy model gives: logistic in age and fee (missing counts as 0), one more for the plan 'plus'."""
    plus = 1.0 if row["plan"] == "plus" else 0.0
    return 1 / (1 + math.exp(-(0.01 * row["age"] + 0.02 * (row["fee"] or 0.0) + plus + bias)))


def make_bundle(folder: Path, bias: float = 0.0, name: str = "toy", golden_bias: float | None = None) -> str:
    """Write the bundle of a toy model; returns its digest. Another bias is another model; ``golden_bias`` makes golden rows wrong."""
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(_model(bias).SerializeToString())
    (folder / "contract.json").write_bytes(CONTRACT.to_json())
    (folder / "profile.json").write_bytes(b'{"rows": 0}\n')
    records = [ROW, {"age": 40, "fee": None, "plan": "plus"}]
    chances = [expected(record, bias if golden_bias is None else golden_bias) for record in records]
    golden = {
        "records": records,
        "probabilities": [[1 - p, p] for p in chances],
        "predictions": ["Yes" if p >= 0.5 else "No" for p in chances],
    }
    (folder / "golden.json").write_bytes(bundle.to_json(golden))
    origin: dict[str, Any] = {"data_digest": "sha256:" + "0" * 64, "parameters": {}, "libraries": {}}
    return bundle.write_manifest(folder, model=name, problem="binary", threshold=0.5, **origin)


def _model(bias: float) -> onnx.ModelProto:
    values = {"weights": ([2, 1], [0.01, 0.02]), "bias": ([1], [bias]), "zero": ([1], [0.0]), "one": ([1], [1.0])}
    graph = helper.make_graph(
        [
            helper.make_node("IsNaN", ["numeric"], ["absent"]),
            helper.make_node("Where", ["absent", "zero", "numeric"], ["filled"]),
            helper.make_node("MatMul", ["filled", "weights"], ["sum"]),
            helper.make_node(
                "LabelEncoder",
                ["categorical"],
                ["plus"],
                domain="ai.onnx.ml",
                keys_strings=["plus"],
                values_floats=[1.0],
                default_float=0.0,
            ),
            helper.make_node("Sum", ["sum", "plus", "bias"], ["score"]),
            helper.make_node("Sigmoid", ["score"], ["positive"]),
            helper.make_node("Sub", ["one", "positive"], ["negative"]),
            helper.make_node("Concat", ["negative", "positive"], ["probabilities"], axis=1),
            helper.make_node("ArgMax", ["probabilities"], ["label"], axis=1, keepdims=0),
        ],
        "toy",
        [
            helper.make_tensor_value_info("numeric", TensorProto.FLOAT, [None, 2]),
            helper.make_tensor_value_info("categorical", TensorProto.STRING, [None, 1]),
        ],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2]),
        ],
        [helper.make_tensor(key, TensorProto.FLOAT, shape, content) for key, (shape, content) in values.items()],
    )
    operators = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 2)]
    return helper.make_model(graph, opset_imports=operators, ir_version=8)


class Origin:
    """A bare git repository with a pointer on main and a store, as promotion leaves them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.version = 0
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(folder)], check=True)
        subprocess.run(["git", "config", "uploadpack.allowFilter", "true"], cwd=folder, check=True)

    def commit(self, ref: str, files: dict[str, bytes]) -> None:
        """One commit more on ``ref``, with these files changed."""
        stream = b"commit %b\ncommitter T <t@example.com> 0 +0000\ndata 1\nx\n" % ref.encode()
        known = subprocess.run(["git", "rev-parse", "-q", "--verify", ref], cwd=self.folder, capture_output=True).returncode == 0
        stream += b"from %b^0\n" % ref.encode() if known else b""
        for path, content in files.items():
            stream += b"M 100644 inline %b\ndata %d\n%b\n" % (path.encode(), len(content), content)
        subprocess.run(["git", "fast-import", "--quiet"], cwd=self.folder, input=stream, check=True)

    def store(self, folder: Path, digest: str, **changed: bytes) -> None:
        """Store a bundle under a digest; ``changed`` replaces the content of files, named without their suffix."""
        files = {path.name: changed.get(path.stem, path.read_bytes()) for path in folder.iterdir()}
        self.commit("refs/dvc/store", {f"bundles/{digest.removeprefix('sha256:')}/{name}": data for name, data in files.items()})

    def point(self, digest: str, padding: int = 0) -> None:
        """Let production.yaml name this digest as the next version, in a file with so many bytes more than it needs."""
        self.version += 1
        pointer = {
            "model": "toy", "version": self.version, "digest": digest, "commit": "0" * 40, "promoted_by": "test",
            "bundle": f"refs/dvc/store:bundles/{digest.removeprefix('sha256:')}",
        }  # fmt: skip
        self.commit("refs/heads/main", {"models/production.yaml": yaml.safe_dump(pointer).encode() + b"#" * padding})

    def promote(self, folder: Path, bias: float) -> str:
        """Make, store and name a new model; returns its digest."""
        digest = make_bundle(folder, bias)
        self.store(folder, digest)
        self.point(digest)
        return digest


class Running:
    """A server process. ``log`` is what it has written so far."""

    def __init__(self, process: "subprocess.Popen[bytes]", log_file: Path) -> None:
        self.process, self._log_file = process, log_file
        found = until(lambda: re.search(r"listening on http://127\.0\.0\.1:(\d+)", self.log) or process.poll() is not None)
        assert isinstance(found, re.Match), self.log
        self.port = int(found[1])

    @property
    def log(self) -> str:
        return self._log_file.read_text(encoding="utf-8")

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, Any], http.client.HTTPResponse]:
        """One request on a connection of its own: status, decoded JSON, and the answer itself for its headers."""
        connection = self.connect()
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection.request(method, path, data, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        content = json.loads(answer.read())
        connection.close()
        return answer.status, content, answer

    def serves(self, digest: str) -> bool:
        """Wait until this digest is served."""
        return bool(until(lambda: self.ask("GET", "/health/ready")[1].get("digest") == digest))

    def state(self, **fields: Any) -> dict[str, Any]:
        """Wait until /health/ready shows these fields (``...`` stands for any text) and return what it shows."""

        def shown() -> dict[str, Any] | None:
            found = self.ask("GET", "/health/ready")[1]
            right = all(isinstance(found.get(k), str) if v is ... else found.get(k) == v for k, v in fields.items())
            return found if right else None

        found = until(shown)
        assert found, f"{self.ask('GET', '/health/ready')[1]}\n{self.log}"
        return found


@contextlib.contextmanager
def server(folder: Path, *options: str | Path, cwd: Path | None = None, python: str | Path = sys.executable) -> Iterator[Running]:
    """A real server with these options, on a free port, and its cache in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    log_file = folder / "log"
    with log_file.open("wb") as log:
        process = subprocess.Popen([*command(folder, python), *map(str, options)], stderr=log, cwd=cwd or folder, env=environment())
    try:
        yield Running(process, log_file)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)


def command(folder: Path, python: str | Path = sys.executable) -> list[str]:
    return [str(python), "-m", f"{PACKAGE}.serving", "--port", "0", "--poll", "0.1", "--cache", str(folder / "cache")]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONUNBUFFERED": "1"}


def until(found: Any, seconds: float = 15.0) -> Any:
    """What ``found`` returns as soon as it is true, or its last answer when time is over."""
    end = time.monotonic() + seconds
    while not (result := found()) and time.monotonic() < end:
        time.sleep(0.02)
    return result
