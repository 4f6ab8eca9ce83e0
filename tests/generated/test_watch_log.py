"""The prediction log: off unless asked for, whole files, sampled rows, no protected column by itself, and never in the way."""

import gzip
import time
from collections.abc import Callable
from pathlib import Path

import fsspec
import msgspec
import pytest
from churn import prediction_log
from churn.prediction_log import Line, LogError
from churn.serving import watch
from churn.serving.watch import Watcher, log_writer
from churn.serving.watch.settings import LogSettings, Settings, WatchError
from serving_kit import CONTRACT
from watch_kit import coded, rows, show, told

pytestmark = pytest.mark.usefixtures("looks_often")


def logging_to(url: str | Path, **settings: object) -> Watcher:
    return Watcher(Settings(log=LogSettings(str(url), **settings)))


def written(folder: Path) -> list[Line]:
    files = sorted(folder.rglob(f"*{prediction_log.SUFFIX}"))
    return [line for path in files for line in prediction_log.unpack(path.read_bytes(), str(path))]


def test_no_log_is_kept_unless_it_is_asked_for(live: watch.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    watcher = Watcher()
    show(watcher, live, rows(10))
    watcher.close()
    assert sorted(tmp_path.rglob("*")) == before
    assert "model_logged_rows_total" not in told(watcher)


def test_a_line_is_what_was_asked_and_answered(live: watch.Model, tmp_path: Path) -> None:
    watcher = logging_to(tmp_path / "log")
    numeric, categorical, answers = rows(3, no_fee=0)
    numeric[1, 1] = float("nan")
    begin = time.time()
    watcher.saw(live, *coded((numeric, categorical, answers)), "abc")
    watcher.close()
    found = written(tmp_path / "log")
    assert [(line.request_id, line.row, line.digest, line.share) for line in found] == [("abc", row, live.digest, 1.0) for row in range(3)]
    assert all(begin - 1 < line.time < begin + 60 for line in found)
    assert [line.inputs["plan"] for line in found] == ["basic"] * 3
    assert found[1].inputs["fee"] is None
    assert found[0].inputs["fee"] == pytest.approx(float(numeric[0, 1]), rel=1e-6)
    assert isinstance(found[0].inputs["age"], int), "an integer of the contract is one in the log"
    assert found[2].answers == pytest.approx(answers[2].tolist(), abs=1e-8)


def test_protected_columns_are_logged_only_by_name(live: watch.Model, tmp_path: Path) -> None:
    protecting = msgspec.structs.replace(CONTRACT, protected=("age",))
    bundle = msgspec.structs.replace(live.scorer.bundle, contract=protecting)
    live.scorer.bundle = bundle
    for name, columns, expected in (("usual", None, {"fee", "plan"}), ("named", ("age",), {"age"}), ("none", (), set())):
        watcher = logging_to(tmp_path / name, columns=columns)
        watcher.saw(live, *coded(rows(1)), "r")
        watcher.close()
        assert [set(line.inputs) for line in written(tmp_path / name)] == [expected]


def test_rows_are_sampled_about_as_often_as_asked_and_keep_their_place(live: watch.Model, tmp_path: Path) -> None:
    watcher = logging_to(tmp_path / "log", share=0.25)
    seen = rows(4000, no_fee=0)
    show(watcher, live, seen, batch=1000)
    watcher.close()
    found = written(tmp_path / "log")
    assert 850 < len(found) < 1150
    assert {line.share for line in found} == {0.25}
    assert told(watcher)["model_logged_rows_total"] == {"": len(found)}
    for line in found:
        place = int(line.request_id.removeprefix("r")) + line.row
        assert line.answers == pytest.approx(seen[2][place].tolist(), abs=1e-8)
        assert line.inputs["fee"] == pytest.approx(float(seen[0][place, 1]), rel=1e-6)


def test_files_are_rotated_and_whole_and_old_ones_go(live: watch.Model, tmp_path: Path) -> None:
    now = [1_000_000_000.0]
    settings = Settings(log=LogSettings(str(tmp_path / "log"), seconds=60, rows=500, days=2))
    watcher = Watcher(settings, clock=lambda: now[0])
    show(watcher, live, rows(600))
    assert _eventually(lambda: len(_files(tmp_path)) == 1), "so many rows are a file"
    show(watcher, live, rows(5))
    now[0] += 61
    assert _eventually(lambda: len(_files(tmp_path)) == 2), "so much time is a file"
    assert all(path.parent.name == "2001-09-09" for path in _files(tmp_path))
    assert len(written(tmp_path / "log")) == 605
    (tmp_path / "log" / "mine.txt").write_text("no file of the log")
    now[0] += 2 * 86_400 + 3700
    assert _eventually(lambda: not _files(tmp_path))
    assert (tmp_path / "log" / "mine.txt").exists()
    watcher.close()


def test_a_log_that_cannot_be_written_waits_and_stops_nothing(live: watch.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_writer, "MOST_ROWS", 300)
    (tmp_path / "log").write_text("a file where the folder should be")
    watcher = logging_to(tmp_path / "log", rows=100, seconds=0.05)
    show(watcher, live, rows(400))
    found = told(watcher)
    assert found["model_watched_rows_total"] == {"": 400}
    assert found["model_logged_rows_total"] == {"": 0}
    assert found["model_lost_log_rows_total"] == {"": 100}, "the oldest of too many"
    (tmp_path / "log").unlink()
    watcher.close()
    assert len(written(tmp_path / "log")) == 300


def test_a_bucket_takes_the_log_as_well(live: watch.Model) -> None:
    watcher = logging_to("memory://bucket/log")
    show(watcher, live, rows(10))
    watcher.close()
    system = fsspec.filesystem("memory")
    found = system.find("/bucket/log")
    assert len(found) == 1
    assert len(prediction_log.unpack(system.cat_file(found[0]), found[0])) == 10


def test_an_address_of_an_unknown_kind_is_one_line() -> None:
    with pytest.raises(WatchError, match=r"^--log: .*nosuch"):
        logging_to("nosuch://bucket")


@pytest.mark.parametrize("data", [b"", b"text", prediction_log.pack([])[:-4], gzip.compress(b'{"time": 1}\n')])
def test_what_is_no_log_is_said_in_one_line(data: bytes) -> None:
    with pytest.raises(LogError, match=r"^f\.jsonl\.gz: ") as raised:
        prediction_log.unpack(data, "f.jsonl.gz")
    assert "\n" not in str(raised.value)


def test_names_carry_the_time() -> None:
    name = prediction_log.name_of(1_000_000_000.7)
    assert name.startswith("2001-09-09/20010909T014640Z-")
    assert prediction_log.time_of(f"bucket/{name}") == 1_000_000_000.0
    assert prediction_log.time_of("bucket/other.jsonl.gz") is None
    assert prediction_log.name_of(1.0) != prediction_log.name_of(1.0)


def _files(folder: Path) -> list[Path]:
    return sorted((folder / "log").rglob(f"*{prediction_log.SUFFIX}"))


def _eventually(holds: Callable[[], bool], seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.01)
    return holds()
