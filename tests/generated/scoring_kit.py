"""What the tests of scoring need: toy bundles of each kind of problem, tables that break rules, and runs that are cut off."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pyarrow as pa
import pyarrow.parquet as pq
from churn import bundle
from churn.bundle import Bundle
from churn.contract import Contract
from churn.scoring import engine
from churn.scoring.engine import Scored
from churn.scoring.job import Engine, Result, run_job
from churn.scoring.source import Piece, open_source
from churn.scoring.work import Work
from onnx import TensorProto, helper
from serving_kit import CONTRACT, make_bundle

SCHEMA = pa.schema([("id", pa.string()), ("age", pa.float64()), ("fee", pa.float64()), ("plan", pa.string())])


def toy(folder: Path, problem: str = "binary") -> Bundle:
    """A bundle with the toy contract's columns. Multi-class: three classes by fee; regression: ten times the fee."""
    if problem == "binary":
        make_bundle(folder)
        return bundle.load(folder)
    classes = ("high", "low", "mid") if problem == "multi-class" else ()
    contract = Contract(CONTRACT.model, CONTRACT.numeric, CONTRACT.categorical, CONTRACT.columns, classes, None)
    folder.mkdir()
    (folder / "model.onnx").write_bytes(_linear(len(classes)).SerializeToString())
    (folder / "contract.json").write_bytes(contract.to_json())
    for name in ("profile.json", "golden.json"):
        (folder / name).write_bytes(b"{}\n")
    origin: dict[str, Any] = {"data_digest": "sha256:" + "0" * 64, "parameters": {}, "libraries": {}}
    bundle.write_manifest(folder, model="toy", problem=problem, threshold=None, **origin)
    return bundle.load(folder)


def _linear(classes: int) -> onnx.ModelProto:
    width, name = classes or 1, "probabilities" if classes else "values"
    weights = [0.0] * width + ([1.0, -1.0, 0.0] if classes else [10.0])
    last = helper.make_node("Softmax", ["sum"], [name], axis=1) if classes else helper.make_node("Identity", ["sum"], [name])
    texts = helper.make_node("LabelEncoder", ["categorical"], ["plus"], domain="ai.onnx.ml", keys_strings=["plus"], values_floats=[1.0])
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["numeric", "weights"], ["sum"]), last, texts],
        "toy",
        [
            helper.make_tensor_value_info("numeric", TensorProto.FLOAT, [None, 2]),
            helper.make_tensor_value_info("categorical", TensorProto.STRING, [None, 1]),
        ],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, width])],
        [helper.make_tensor("weights", TensorProto.FLOAT, [2, width], weights)],
    )
    operators = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 2)]
    return helper.make_model(graph, opset_imports=operators, ir_version=8)


def rows(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Rows that hold to the toy contract, with an id."""
    random = np.random.default_rng(seed)
    return [
        {"id": f"c{number}", "age": float(random.integers(0, 121)), "fee": round(float(random.uniform(0, 99)), 2), "plan": plan}
        for number, plan in enumerate(random.choice(["basic", "plus"], count).tolist())
    ]


def write_parquet(path: Path, records: list[dict[str, Any]], group: int = 50) -> Path:
    """A Parquet file of records, in row groups of this many rows."""
    pq.write_table(pa.Table.from_pylist(records, SCHEMA), path, row_group_size=group)
    return path


def write_csv(path: Path, records: Iterable[dict[str, Any]]) -> Path:
    """A CSV file of records, in which an empty cell is missing."""
    lines = (",".join("" if value is None else str(value) for value in record.values()) for record in records)
    path.write_text("id,age,fee,plan\n" + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def score(path: Path, made: Bundle, out: Path, by: Engine = engine.here, keep: tuple[str, ...] | None = None) -> Result:
    """Score a file without a progress bar."""
    return run_job(open_source(path, made.contract, keep), made, out, by, quiet=True)


class Power:
    """An engine that scores in this process, counts pieces, and is cut off after so many."""

    def __init__(self, last: int | None = None) -> None:
        self.last, self.done = last, 0

    def __call__(self, job: Work, pieces: Iterable[Piece]) -> Scored:
        return self._until_cut(engine.here(job, pieces))

    def _until_cut(self, scored: Scored) -> Scored:
        for one in scored:
            if self.done == self.last:
                raise KeyboardInterrupt
            self.done += 1
            yield one
