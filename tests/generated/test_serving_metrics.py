"""What /metrics tells: read by prometheus_client's own parser."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from churn.serving import Live
from churn.serving.batcher import Batcher
from churn.serving.tally import Tally
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.parser import text_string_to_metric_families
from serving_kit import ROW, Origin, Running, make_bundle, server


def figures(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def asked(running: Running) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    connection = running.connect()
    connection.request("GET", "/metrics")
    answer = connection.getresponse()
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = figures(answer.read().decode())
    connection.close()
    return found


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    make_bundle(tmp_path / "bundle")
    with server(tmp_path, "--model", tmp_path / "bundle") as found:
        yield found


def test_requests_rows_and_errors_are_counted_by_what_they_were(running: Running) -> None:
    for body in (ROW, [ROW] * 3, {**ROW, "age": 500}, b"{", [ROW] * 1001):
        running.ask("POST", "/predict", body)
    for path in ("/nothing", "/nothing/else", "/health/ready", "/v2/models/other"):
        running.ask("GET", path)
    found = asked(running)
    requests = {labels: value for (name, labels), value in found.items() if name == "serving_requests_total"}
    assert requests == {
        (("route", "/predict"), ("status", "200")): 2,
        (("route", "/predict"), ("status", "400")): 1,
        (("route", "/predict"), ("status", "413")): 1,
        (("route", "/predict"), ("status", "422")): 1,
        (("route", "/health/ready"), ("status", "200")): 1,
        (("route", "/v2"), ("status", "404")): 1,
        (("route", "other"), ("status", "404")): 2,
    }
    errors = {labels[0][1]: value for (name, labels), value in found.items() if name == "serving_errors_total"}
    assert errors == {"contract": 1, "malformed": 1, "too_large": 1, "not_found": 3}
    assert found["serving_rows_total", ()] == 4
    assert found["serving_request_seconds_count", (("route", "/predict"),)] == 5
    assert found["serving_request_seconds_bucket", (("le", "+Inf"), ("route", "/predict"))] == 5
    assert 0 < found["serving_request_seconds_sum", (("route", "/predict"),)] < 5
    assert found["serving_queue_rows", ()] == 0
    assert found["serving_queue_limit_rows", ()] > 0
    assert found["process_resident_memory_bytes", ()] > 1e6


def test_buckets_add_up_and_hold_their_edges() -> None:
    live = Live()
    tally = Tally(live, Batcher(live))
    for seconds in (0.0001, 0.0005, 0.003, 0.02, 100.0):
        tally.count("/predict", 200, seconds)
    found = figures(tally.text().decode())
    buckets = {dict(labels)["le"]: value for (name, labels), value in found.items() if name == "serving_request_seconds_bucket"}
    assert (buckets["0.0005"], buckets["0.0025"], buckets["0.005"], buckets["5.0"], buckets["+Inf"]) == (2, 2, 3, 4, 5)
    assert found["serving_request_seconds_sum", (("route", "/predict"),)] == pytest.approx(100.0236)


def test_a_swap_and_a_failure_are_told(tmp_path: Path) -> None:
    origin = Origin(tmp_path / "origin.git")
    with server(tmp_path / "s", "--follow", origin.folder) as running:
        found = asked(running)
        assert (found["serving_ready", ()], found["serving_degraded", ()], found["serving_swaps_total", ()]) == (0, 1, 0)
        assert not any(name == "serving_model_info" for name, _ in found)
        digest = origin.promote(tmp_path / "1", bias=0.0)
        assert running.state(digest=digest, degraded=None)
        found = asked(running)
        assert (found["serving_ready", ()], found["serving_degraded", ()], found["serving_swaps_total", ()]) == (1, 0, 1)
        assert found["serving_model_info", (("digest", digest), ("model", "toy"), ("version", "1"))] == 1
        assert found["serving_model_since_timestamp_seconds", ()] > 1.7e9
        origin.point("sha256:" + "f" * 64)
        running.state(degraded=...)
        found = asked(running)
        assert (found["serving_ready", ()], found["serving_degraded", ()]) == (1, 1)
        assert found["serving_follow_failures_total", ()] >= 1


def test_a_watchers_figures_are_there() -> None:
    class Watches:
        def saw(self, *_: Any) -> None: ...

        def metrics(self) -> Iterator[Any]:
            yield GaugeMetricFamily("serving_drift", "Drift.", 0.25)

    live = Live()
    live.watchers = (Watches(),)
    assert figures(Tally(live, Batcher(live)).text().decode())["serving_drift", ()] == 0.25
