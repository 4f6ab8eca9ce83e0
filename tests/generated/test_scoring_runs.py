"""Runs that are cut off, spread over threads or a cluster, or in each other's way: OUT is whole, the same, or not there."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from churn.bundle import Bundle
from churn.scorer import Scorer
from churn.scoring import ScoringError, csv_source, engine, journal, work
from churn.scoring.job import Engine
from churn.scoring.on_dask import on_dask
from churn.scoring.source import open_source
from churn.scoring.work import Work
from distributed import LocalCluster
from scoring_kit import Power, rows, score, toy, write_csv, write_parquet
from serving_kit import SOURCE

ROWS = 500


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return toy(tmp_path_factory.mktemp("runs") / "bundle")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A CSV file of about twelve pieces with one bad row in the middle."""
    monkeypatch.setattr(csv_source, "PIECE", 1000)
    records = rows(ROWS)
    records[250]["age"] = 200.0
    return write_csv(tmp_path / "in.csv", records)


@pytest.fixture
def wanted(made: Bundle, file: Path, tmp_path: Path) -> bytes:
    """OUT of a run that nothing disturbs."""
    score(file, made, tmp_path / "wanted.csv")
    return (tmp_path / "wanted.csv").read_bytes()


@pytest.mark.parametrize("last", [0, 1, 7])
def test_a_run_that_is_cut_off_goes_on_where_it_stopped(made: Bundle, file: Path, wanted: bytes, tmp_path: Path, last: int) -> None:
    out = tmp_path / "out.csv"
    out.write_text("of before", encoding="utf-8")
    first, second = Power(last), Power()
    with pytest.raises(KeyboardInterrupt):
        score(file, made, out, first)
    assert out.read_text(encoding="utf-8") == "of before"
    assert not (tmp_path / "out.refused.csv").exists()

    result = score(file, made, out, second)
    assert (first.done, second.done) == (last, sum(1 for _ in open_source(file, made.contract, None).pieces()) - last)
    assert (result.rows, result.scored, result.resumed) == (ROWS, ROWS - 1, last > 0)
    assert out.read_bytes() == wanted
    assert (tmp_path / "out.refused.csv").read_bytes() == b"row,column,value,rule\n251,age,200,must be at most 120\n"
    assert not list(tmp_path.glob("*.parts"))


@pytest.mark.parametrize("change", ["the file", "the model", "the columns"])
def test_parts_of_something_else_are_not_gone_on_with(made: Bundle, file: Path, tmp_path: Path, change: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        score(file, made, tmp_path / "out.csv", Power(4))
    keep = None
    if change == "the file":
        write_csv(file, rows(ROWS, seed=5))
    elif change == "the model":
        made = toy(tmp_path / "bundle", "regression")
    else:
        keep = ("fee",)
    assert not score(file, made, tmp_path / "out.csv", keep=keep).resumed
    score(file, made, tmp_path / "fresh.csv", keep=keep)
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "fresh.csv").read_bytes()


def test_a_file_that_changes_meanwhile_gives_no_out(made: Bundle, file: Path, tmp_path: Path) -> None:
    class Changed(Power):
        def __call__(self, *args: Any) -> Any:
            os.utime(file, (0, 0))
            return super().__call__(*args)

    with pytest.raises(ScoringError, match="was changed while it was scored"):
        score(file, made, tmp_path / "out.csv", Changed())
    assert not (tmp_path / "out.csv").exists()


def test_a_damaged_part_is_one_line(made: Bundle, file: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        score(file, made, tmp_path / "out.csv", Power(4))
    (tmp_path / "out.csv.parts/00000002.part").write_bytes(b"x")
    with pytest.raises(ScoringError, match=r"00000002\.part: is damaged .*; delete .*out\.csv\.parts and score again"):
        score(file, made, tmp_path / "out.csv")


def test_a_full_disk_is_one_line_and_the_run_goes_on(made: Bundle, file: Path, wanted: bytes, tmp_path: Path, monkeypatch: Any) -> None:
    write, left = journal._write, [5]

    def full(path: Path, content: bytes) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        write(path, content)

    monkeypatch.setattr(journal, "_write", full)
    with pytest.raises(ScoringError, match="No space left on device; make room and run the same command again"):
        score(file, made, tmp_path / "out.csv")
    monkeypatch.setattr(journal, "_write", write)
    assert score(file, made, tmp_path / "out.csv").resumed
    assert (tmp_path / "out.csv").read_bytes() == wanted


def test_two_runs_into_one_out_do_not_mix(made: Bundle, file: Path, tmp_path: Path) -> None:
    class Twice(Power):
        def __call__(self, *args: Any) -> Any:
            with pytest.raises(ScoringError, match="another run is scoring into the same OUT"):
                score(file, made, tmp_path / "out.csv")
            return super().__call__(*args)

    assert score(file, made, tmp_path / "out.csv", Twice()).scored == ROWS - 1


@pytest.mark.parametrize("by", [partial(engine.threads, workers=2), partial(on_dask, scheduler=None, workers=2)], ids=["threads", "dask"])
def test_several_workers_give_the_same_bytes(made: Bundle, file: Path, wanted: bytes, tmp_path: Path, by: Engine) -> None:
    score(file, made, tmp_path / "out.csv", by)
    assert (tmp_path / "out.csv").read_bytes() == wanted


def test_parquet_pieces_come_in_order_from_several_workers(made: Bundle, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("churn.scoring.parquet_source.PIECE", 60)
    file = write_parquet(tmp_path / "in.parquet", rows(ROWS))
    for name, by in (("one", engine.here), ("two", partial(engine.threads, workers=2))):
        score(file, made, tmp_path / f"{name}.parquet", by)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_a_cluster_that_loses_a_worker_gives_the_same_bytes(made: Bundle, file: Path, wanted: bytes, tmp_path: Path) -> None:
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        killed: list[int] = []

        def kill_one(*args: Any) -> Any:
            for number, one in enumerate(on_dask(*args, scheduler=cluster.scheduler_address, workers=2)):
                if number == 2:
                    killed.append(next(iter(cluster.workers.values())).pid)
                    os.kill(killed[0], signal.SIGKILL)
                yield one

        score(file, made, tmp_path / "out.csv", kill_one)
    assert killed
    assert (tmp_path / "out.csv").read_bytes() == wanted


@pytest.mark.parametrize(("scheduler", "words"), [("tcp://127.0.0.1:9", "does not answer"), ("nowhere", "does not answer")])
def test_a_cluster_that_is_not_there_is_one_line(
    made: Bundle, file: Path, tmp_path: Path, scheduler: str, words: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr("churn.scoring.on_dask._PATIENCE", 1)
    with pytest.raises(ScoringError, match=words) as error:
        score(file, made, tmp_path / "out.csv", partial(on_dask, scheduler=scheduler, workers=2))
    assert "\n" not in str(error.value)


SLOW = """
import time
from churn import run
from churn.scoring import command, csv_source, job

missing = job._Order.missing

def slow(*args):
    for piece in missing(*args):
        time.sleep(0.05)
        yield piece

job._Order.missing, csv_source.PIECE = slow, 1000
if __name__ == "__main__":
    run(command.main)
"""


def command(made: Bundle, file: Path, out: Path, *options: str) -> "subprocess.Popen[str]":
    """The real command, slowed down so that it can be cut off in the middle."""
    arguments = [sys.executable, "-c", SLOW, str(file), str(out), "--model", str(made.folder), *options]
    environment = os.environ | {"PYTHONPATH": str(SOURCE)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    # As from a terminal: a run of tests in the background ignores SIGINT, and what it starts would as well.
    as_typed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    return subprocess.Popen(arguments, env=environment, cwd=out.parent, start_new_session=True, preexec_fn=as_typed, **pipes)


def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.01)


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_command_goes_on(made: Bundle, file: Path, wanted: bytes, tmp_path: Path, how: signal.Signals, workers: str) -> None:
    out = tmp_path / "out.csv"
    run = command(made, file, out, "--workers", workers)
    until(lambda: len(list(tmp_path.glob("out.csv.parts/*.part"))) > 2)
    run.send_signal(how)
    _, told = run.communicate(timeout=60)
    assert run.returncode
    assert "Traceback" not in told
    assert not out.exists()

    again = command(made, file, out, "--workers", workers)
    said, told = again.communicate(timeout=60)
    assert again.returncode == 0, told
    assert f"{out}: 499 rows scored by toy ({made.digest}), going on from a run that was cut off\n" in said
    assert "out.refused.csv: 1 of 500 rows refused, with the reasons" in said
    assert out.read_bytes() == wanted


def test_a_run_that_is_cut_off_does_not_wait_for_slow_pieces(made: Bundle, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the two that are under way has 41 calls of the model to go; they end at their next one."""
    monkeypatch.setattr(work, "CALL", 1)
    answers, asked = Scorer.answers_to_coded, list[int]()

    def slow(self: Scorer, rows: np.ndarray) -> np.ndarray:
        asked.append(len(rows))
        time.sleep(0.2 if len(asked) > 100 else 0.0)
        return answers(self, rows)

    monkeypatch.setattr(Scorer, "answers_to_coded", slow)
    source = open_source(file, made.contract, None)
    scored = engine.threads(Work("run", made, source), source.pieces(), workers=2)
    next(scored)
    until(lambda: len(asked) > 100)
    before = len(asked)
    scored.close()
    assert len(asked) <= before + 2
    assert not [one for one in threading.enumerate() if one.name.startswith("ThreadPool")]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["gone.csv", "out.csv"], "gone.csv: no such file"),
        (["in.xls", "out.csv"], "in.xls: ends neither in .csv nor in .parquet"),
        (["in.csv", "out.json"], "out.json: ends neither in .csv nor in .parquet"),
        (["in.csv", "no/out.csv"], "no/out.csv: there is no folder no"),
        (["in.csv", "folder.csv"], "folder.csv: is a folder; name a file in it"),
        (["in.csv", "in.csv"], "in.csv: IN would be overwritten"),
        (["in.csv", "out.csv", "--keep", "nam"], "in.csv: has no column 'nam', which --keep names; it has id, age, fee, plan"),
        (["in.csv", "out.csv", "--workers", "0"], "--workers 0: must be at least 1"),
        (["in.csv", "out.csv", "--scheduler", "tcp://x:1"], "--scheduler: is for --engine dask"),
        (["empty.csv", "out.csv"], "empty.csv: is empty"),
        (["semicolons.csv", "out.csv"], "semicolons.csv: is separated by semicolons"),
        (["bad.parquet", "out.csv"], "bad.parquet: is not a Parquet file"),
    ],
)
def test_a_mistake_is_one_line(made: Bundle, file: Path, tmp_path: Path, arguments: list[str], words: str) -> None:
    for name, content in {"in.xls": "x", "empty.csv": "", "semicolons.csv": "id;age\n", "bad.parquet": "PAR1"}.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    (tmp_path / "folder.csv").mkdir()
    module = [sys.executable, "-m", "churn.scoring", *arguments, "--model", str(made.folder)]
    done = subprocess.run(module, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(SOURCE)}, capture_output=True, text=True)
    assert done.returncode == 1
    complaints = [line for line in done.stderr.splitlines() if not line.startswith("scoring ")]
    assert len(complaints) == 1, done.stderr
    assert complaints[0].startswith(f"error: {words}")
    assert not (tmp_path / "out.csv").exists()
    assert not list(tmp_path.glob("*.parts"))
