"""How long one answer takes, as the review tells it."""

import time
from pathlib import Path

import pandas as pd
from churn import bundle
from churn.review import speed
from serving_kit import ROW, make_bundle


def test_what_else_the_machine_does_adds_nothing() -> None:
    assert speed._timed(lambda _: time.sleep(0.1), 0) < 0.05


def test_models_are_timed_side_by_side(tmp_path: Path) -> None:
    make_bundle(tmp_path / "bundle")
    made = bundle.load(tmp_path / "bundle")
    found = speed.measure([made, made], pd.DataFrame([ROW] * 3))
    assert len(found) == 2
    for one in found:
        assert 0 < one.median_us <= one.p99_us
        assert one.size_mb == round(len(made.model) / 1e6, 4)
    assert max(one.p99_loops for one in found) < 5 * min(one.p99_loops for one in found), "one model is as fast as itself"
