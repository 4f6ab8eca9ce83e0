"""Several processes on one port: their figures as one, one that dies, and their end."""

import concurrent.futures
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from churn.serving.siblings import merged
from prometheus_client.parser import text_string_to_metric_families
from serving_kit import ROW, Running, command, environment, make_bundle, server, until
from test_serving_metrics import asked, figures

WORKERS = 3
SHARES = ("model_prediction_psi", "model_feature_missing_share")


def children(running: Running) -> list[int]:
    path = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children")
    return [int(one) for one in path.read_text().split()]


def test_workers_answer_as_one_and_come_back(tmp_path: Path) -> None:
    make_bundle(tmp_path / "bundle")
    with server(tmp_path / "s", "--model", tmp_path / "bundle", "--workers", str(WORKERS)) as running:
        assert until(lambda: asked(running)["serving_workers", ()] == WORKERS), running.log
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            assert set(pool.map(lambda _: running.ask("POST", "/predict", ROW)[0], range(60))) == {200}
        found = asked(running)
        assert found["serving_requests_total", (("route", "/predict"), ("status", "200"))] == 60
        assert found["serving_request_seconds_count", (("route", "/predict"),)] == found["serving_rows_total", ()] == 60
        assert found["serving_swaps_total", ()] == WORKERS
        assert asked(running)["serving_rows_total", ()] == 60
        before = children(running)
        os.kill(before[0], signal.SIGKILL)
        assert until(lambda: len(children(running)) == WORKERS and set(children(running)) != set(before))
        assert until(lambda: asked(running)["serving_workers", ()] == WORKERS)
        assert "is started again" in running.log
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(20) == 0
    assert running.log.count("stopped") == WORKERS
    assert "Traceback" not in running.log


def test_workers_do_not_outlive_the_process_that_started_them(tmp_path: Path) -> None:
    make_bundle(tmp_path / "bundle")
    with server(tmp_path / "s", "--model", tmp_path / "bundle", "--workers", "2") as running:
        assert until(lambda: asked(running)["serving_workers", ()] == 2)
        started = children(running)
        running.process.kill()
        running.process.wait()
        assert until(lambda: not any(Path(f"/proc/{one}").exists() for one in started))


def test_workers_that_cannot_start_end_with_one_code(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        for options in (
            ["--model", "nothing", "--workers", "2"],
            ["--model", "nothing", "--workers", "2", "--port", str(busy.getsockname()[1])],
        ):
            done = subprocess.run([*command(tmp_path), *options], env=environment(), cwd=tmp_path, capture_output=True, timeout=30)
            assert done.returncode == 1
            assert "error: " in done.stderr.decode()
            assert "Traceback" not in done.stderr.decode()


def test_figures_of_workers_are_added_and_states_are_not() -> None:
    one = b"""# TYPE a_total counter\na_total{x="1"} 2\na_total{x="2"} 1\n# TYPE b gauge\nb 3\n# TYPE c_rows gauge\nc_rows 4
# TYPE h histogram\nh_bucket{le="1.0"} 1\nh_bucket{le="+Inf"} 2\nh_count 2\nh_sum 5\n"""
    two = b"""# TYPE a_total counter\na_total{x="1"} 5\n# TYPE b gauge\nb 1\n# TYPE c_rows gauge\nc_rows 2
# TYPE h histogram\nh_bucket{le="1.0"} 0\nh_bucket{le="+Inf"} 1\nh_count 1\nh_sum 9\n"""
    text = merged([one, two]).decode()
    assert figures(text) == {
        ("a_total", (("x", "1"),)): 7, ("a_total", (("x", "2"),)): 1, ("b", ()): 3, ("c_rows", ()): 6,
        ("h_bucket", (("le", "1.0"),)): 1, ("h_bucket", (("le", "+Inf"),)): 3, ("h_count", ()): 3, ("h_sum", ()): 14,
        ("serving_workers", ()): 2,
    }  # fmt: skip
    assert {family.name: family.type for family in text_string_to_metric_families(text)}["h"] == "histogram"


def test_drift_of_workers_is_that_of_their_rows_together() -> None:
    few, many, none = (
        f"# TYPE model_window_rows gauge\nmodel_window_rows {rows}\n" + "".join(f"# TYPE {name} gauge\n{name} {value}\n" for name in names)
        for rows, value, names in ((300, 0.1, SHARES), (900, 0.5, SHARES), (10, 0.0, ()))
    )
    found = figures(merged([few.encode(), many.encode(), none.encode()]).decode())
    assert [found[name, ()] for name in ("model_window_rows", *SHARES)] == pytest.approx([1210, 0.4, 0.4])


@pytest.mark.parametrize("options", [["--workers", "0"], ["--queue", "0"], ["--patience", "0"], ["--body-seconds", "nan"]], ids=" ".join)
def test_a_setting_that_cannot_work_is_named(tmp_path: Path, options: list[str]) -> None:
    done = subprocess.run([*command(tmp_path), *options], env=environment(), cwd=tmp_path, capture_output=True, timeout=30)
    assert (done.returncode, done.stderr.decode().startswith(f"error: {options[0]} {options[1]} must lie")) == (1, True), done.stderr
