"""The command line: scores a CSV or Parquet file of any size with the promoted model."""

import argparse
import math
import os
import sys
from functools import partial
from pathlib import Path

from .. import bundle, pointer, store
from ..bundle import Bundle
from . import ScoringError, csv_source, engine
from .job import Engine, Result, run_job
from .source import Source, open_source

_TRAINED = Path("models/bundle")


def main() -> None:
    """Score IN into OUT, tell the digest of the model that did it, and how many rows were refused."""
    options = _options()
    made, told = _model(options)
    keep = None if options.keep is None else tuple(name for name in options.keep.split(",") if name)
    source = open_source(options.input, made.contract, keep)
    print(f"scoring {options.input} with {told}", file=sys.stderr)
    result = run_job(source, made, options.output, _engine(options, source))
    print(_summary(options.output, result, made))


def _summary(out: Path, result: Result, made: Bundle) -> str:
    went_on = ", going on from a run that was cut off" if result.resumed else ""
    text = f"{out}: {result.scored:,} rows scored by {made.manifest.model} ({made.digest}){went_on}"
    refused = result.rows - result.scored
    return f"{text}\n{result.side}: {refused:,} of {result.rows:,} rows refused, with the reasons" if result.side else text


def _model(options: argparse.Namespace) -> tuple[Bundle, str]:
    if options.model is not None:
        made = bundle.load(options.model)
        return made, f"{made.manifest.model} of {options.model} ({made.digest})"
    named = pointer.read(Path(f"models/{options.environment}.yaml"))
    if named is not None:
        made = bundle.load(store.find(named.digest, named.bundle), named.digest)
        return made, f"{named.model} version {named.version} of {options.environment} ({made.digest})"
    if not (_TRAINED / bundle.MANIFEST).exists():
        raise ScoringError(f"models/{options.environment}.yaml: not there, nothing was promoted yet; run make train, or name a --model")
    made = bundle.load(_TRAINED)
    return made, f"{made.manifest.model} as trained here, nothing was promoted yet ({made.digest})"


def _engine(options: argparse.Namespace, source: Source) -> Engine:
    if options.engine == "dask":
        from .on_dask import on_dask  # only here: Dask is slow to load

        return partial(on_dask, scheduler=options.scheduler, workers=options.workers)
    workers = min(options.workers, _pieces(source))
    return engine.here if workers == 1 else partial(engine.threads, workers=workers)


def _pieces(source: Source) -> int:
    """How many pieces there are at most."""
    return max(1, math.ceil(source.size / csv_source.PIECE) if source.path.suffix == ".csv" else sum(1 for _ in source.pieces()))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"python -m {__package__}", description=__doc__.partition(": ")[2], allow_abbrev=False)
    add = parser.add_argument
    add("input", type=Path, metavar="IN", help="a .csv or .parquet file with the contract's columns")
    add("output", type=Path, metavar="OUT", help="the .csv or .parquet file to write; refused rows go to <OUT>.refused.csv")
    add("--model", type=Path, metavar="DIR", help="score with the bundle in this folder")
    add("--environment", default="production", help="else with the one of models/<environment>.yaml (default: %(default)s)")
    add("--keep", metavar="A,B", help="columns of IN to carry over to OUT (default: those that the contract does not name)")
    add("--workers", type=int, default=os.cpu_count() or 1, help="pieces that are scored at once (default: one for each core, %(default)s)")
    add("--engine", choices=("local", "dask"), default="local", help="where: on this machine, or on Dask (default: %(default)s)")
    add("--scheduler", metavar="ADDRESS", help="of a Dask cluster that runs, as in tcp://10.0.0.1:8786 (default: one made here)")
    options = parser.parse_args()
    if options.workers < 1:
        raise ScoringError(f"--workers {options.workers}: must be at least 1")
    if options.scheduler and options.engine != "dask":
        raise ScoringError("--scheduler: is for --engine dask; add that, or leave it out")
    return options
