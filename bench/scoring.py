"""Times the scoring of a large Parquet file against the model alone, with one worker and with two, and looks at the memory that it takes.

Run by ``make -C bench scoring`` with a bundle for each model. Models and kinds of run take turns, so that a busy machine is busy for all;
figures are medians over the rounds. What two workers can gain at most is how
much faster two processes with the model alone are than one: cores that share a memory or a frequency give less than 2. The model alone is
called with chunks as they are read, and for comparison with as few rows as scoring calls it with, which some models answer faster. Progress
goes to standard error, the last line of standard output is a JSON object.
"""

import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from churn import bundle
from churn.coding import Coding
from churn.scoring.check import check
from churn.scoring.source import CHUNK, open_source
from churn.scoring.work import CALL
from pyarrow import csv

ROWS, ROUNDS = int(os.environ.get("ROWS", "10000000")), int(os.environ.get("ROUNDS", "3"))
GROUP = 250_000
ALONE = 20  # chunks that the model alone is timed on
SHARES = {"linear": 0.55, "hgb": 0.88}
GAINS = {"linear": 1.5, "hgb": 1.75}
MOST_MEMORY = 600.0
_LOOK = 0.5  # seconds between two looks at the memory: each takes 10 ms of a core, which two workers need


def main() -> None:
    """Measure, and print what came out."""
    data, models = Path(sys.argv[1]), dict(argument.split("=", 1) for argument in sys.argv[2:])
    found: dict[str, dict[str, list[float]]] = {
        name: {"alone": [], "alone in small calls": [], "two alone": [], "1": [], "2": [], "memory": []} for name in models
    }
    with tempfile.TemporaryDirectory() as folder:
        file = _file(data, Path(folder))
        for number in range(ROUNDS):
            for name, model in models.items():
                found[name]["alone"].append(_alone(bundle.load(model), file, CHUNK))
                found[name]["alone in small calls"].append(_alone(bundle.load(model), file, CALL))
                found[name]["two alone"].append(_two_alone(model, file))
                for workers in ("1", "2"):
                    seconds, memory = _run(file, Path(folder) / "out.parquet", model, workers)
                    found[name][workers].append(seconds)
                    found[name]["memory"].append(memory)
                told = ", ".join(f"{kind} {values[-1]:.1f}" for kind, values in found[name].items())
                print(f"round {number + 1}: {name}: {told}", file=sys.stderr)
    print(json.dumps(_summary(found)))


def _summary(found: dict[str, dict[str, list[float]]]) -> dict[str, Any]:
    seconds = {name: {kind: statistics.median(values) for kind, values in kinds.items()} for name, kinds in found.items()}
    shares = {name: one["alone"] / one["1"] for name, one in seconds.items()}
    small = {name: one["alone in small calls"] / one["1"] for name, one in seconds.items()}
    gains = {name: one["1"] / one["2"] for name, one in seconds.items()}
    memory = max(max(kinds["memory"]) for kinds in found.values())
    met = all(shares[name] >= SHARES[name] and gains[name] >= GAINS[name] for name in found) and memory <= MOST_MEMORY
    return {
        "ok": met,
        "rows": ROWS,
        "seconds": {name: {kind: round(value, 2) for kind, value in one.items() if kind != "memory"} for name, one in seconds.items()},
        "share_of_the_model_alone": {name: round(value, 3) for name, value in shares.items()},
        "share_of_small_calls_alone": {name: round(value, 3) for name, value in small.items()},
        "gain_of_two_models_alone": {name: round(one["alone in small calls"] / one["two alone"], 2) for name, one in seconds.items()},
        "gain_of_two_workers": {name: round(value, 2) for name, value in gains.items()},
        "peak_mb": round(memory),
        "goals": {"share": SHARES, "gain": GAINS, "peak_mb": MOST_MEMORY},
    }


def _file(data: Path, folder: Path) -> Path:
    """A Parquet file of so many rows, drawn from a CSV file's."""
    rows = csv.read_csv(data, convert_options=csv.ConvertOptions(strings_can_be_null=False))
    random, made = np.random.default_rng(0), folder / "in.parquet"
    with pq.ParquetWriter(made, rows.schema, compression="zstd") as writer:
        for start in range(0, ROWS, GROUP):
            writer.write_table(rows.take(pa.array(random.integers(0, len(rows), min(GROUP, ROWS - start)))))
    return made


def _alone(made: bundle.Bundle, file: Path, rows: int) -> float:
    """Seconds that the model alone takes for all rows, so many in a call, from inputs that are ready; by some chunks of the file."""
    source = open_source(file, made.contract, ())
    block = next(block for piece in source.pieces() for block in source.blocks(piece))
    inputs = check(block, made.contract)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(made.model, options, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs() if one.name in ("probabilities", "values")]
    whole = dict(zip(("numeric", "categorical"), Coding(made.contract).apart(inputs.rows), strict=True))
    whole = {one.name: whole[one.name] for one in session.get_inputs()}
    feeds = [{name: value[at : at + rows] for name, value in whole.items()} for at in range(0, len(inputs.rows), rows)]
    session.run(names, whole)
    start = time.perf_counter()
    for _ in range(ALONE):
        for feed in feeds:
            session.run(names, feed)
    return (time.perf_counter() - start) / ALONE / len(inputs.rows) * ROWS


def _two_alone(model: str, file: Path) -> float:
    """Seconds that two processes take which share the rows and do nothing but call the model."""
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        return statistics.mean(pool.starmap(_alone_in, [(model, file)] * 2, chunksize=1)) / 2


def _alone_in(model: str, file: Path) -> float:
    return _alone(bundle.load(model), file, CALL)


def _run(file: Path, out: Path, model: str, workers: str) -> tuple[float, float]:
    """Seconds from start to end of the command, and the most memory in MB that its processes had together."""
    out.unlink(missing_ok=True)
    command = [sys.executable, "-m", "churn.scoring", str(file), str(out), "--model", model, "--workers", workers, "--keep="]
    start, most = time.perf_counter(), 0.0
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        most = max(most, _memory(process.pid))
        time.sleep(_LOOK)
    seconds = time.perf_counter() - start
    if process.returncode or pq.read_metadata(out).num_rows != ROWS:
        raise SystemExit(f"error: {' '.join(command)} did not score all rows")
    return seconds, most


def _memory(pid: int) -> float:
    """What a process and those it started hold in memory, pages that they share counted once."""
    total = 0
    try:
        for one in [(parent := psutil.Process(pid)), *parent.children(recursive=True)]:
            total += one.memory_full_info().pss
    except psutil.NoSuchProcess:
        pass
    return total / 1e6


if __name__ == "__main__":
    main()
