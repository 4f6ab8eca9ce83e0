"""What the server tells of drift: right figures, enough rows before any, constant memory, and nothing on the path of requests."""

import re
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import msgspec
import numpy as np
import pandas as pd
import pytest
from churn import dataset, params
from churn.contract import Contract
from churn.pipeline.profile import predictions_of, profile_of
from churn.psi import psi
from churn.serving import watch
from churn.serving.watch import Watcher, collector
from churn.serving.watch.channels import Channel, Channels
from churn.serving.watch.settings import Settings
from churn.serving.watch.window import PANES, Window
from planted import default, project, telco
from serving_kit import CONTRACT
from watch_kit import PROFILE, coded, model, rows, show, told

pytestmark = pytest.mark.usefixtures("looks_often")


@pytest.fixture
def watcher() -> Watcher:
    return Watcher(Settings(rows=2000))


def test_nothing_is_told_of_fewer_than_300_rows(live: watch.Model, watcher: Watcher) -> None:
    show(watcher, live, rows(299, old=True))
    assert "model_feature_psi" not in told(watcher)
    assert told(watcher)["model_window_rows"] == {"": 299}
    show(watcher, live, rows(1, old=True))
    assert told(watcher)["model_feature_psi"]["age"] > 1


def test_figures_are_those_of_the_rows(live: watch.Model, watcher: Watcher) -> None:
    numeric, categorical, answers = rows(1000, plus=0.2, no_fee=0.4)
    show(watcher, live, (numeric, categorical, answers))
    found = told(watcher)
    ages = np.histogram(numeric[:, 0], [-1, 20, 40, 60, 200])[0]
    assert found["model_feature_psi"]["age"] == pytest.approx(psi(np.array([2500] * 4), ages))
    fees = numeric[:, 1]
    counts = np.array([(fees < 10).sum(), (fees >= 10).sum(), np.isnan(fees).sum()])
    assert found["model_feature_psi"]["fee"] == pytest.approx(psi(np.array([4500, 4500, 1000]), counts))
    assert found["model_feature_missing_share"] == {"age": 0, "fee": np.isnan(fees).mean(), "plan": 0}
    assert found["model_feature_new_share"] == {"plan": (categorical == "plus").mean()}, "training never had the plan plus"
    quarters = np.histogram(answers[:, 1], [0, 0.25, 0.5, 0.75, 1])[0]
    assert found["model_prediction_psi"][""] == pytest.approx(psi(np.array([250] * 4), quarters))
    assert list(found["model_prediction_share"].values()) == pytest.approx((quarters / 1000).tolist())
    assert list(found["model_prediction_share"]) == ["-inf to 0.25", "0.25 to 0.5", "0.5 to 0.75", "0.75 to inf"]


def test_values_on_an_edge_fall_where_training_put_them() -> None:
    channel = Channel("age", PROFILE["features"]["age"])
    assert channel.count(np.array([19.99, 20, 59.99, 60, np.nan], dtype=np.float32)).tolist() == [1, 1, 1, 1, 1]


def test_a_value_that_is_no_category_is_new_and_none_is_missing() -> None:
    channel = Channel("plan", PROFILE["features"]["plan"])
    counts = channel.count(np.array(["basic", "plus", "gold", ""], dtype=object))
    assert counts.tolist() == [1, 1, 1, 1]
    assert channel.new(counts) == 2


def alerted(name: str) -> float:
    """Above which value of a figure the shipped rules raise an alert."""
    rules = (project() / "deploy/prometheus/rules.yml").read_text()
    return float(re.search(rf"\({name}\) > ([\d.]+)", rules)[1])


def test_a_null_stream_of_200_000_rows_raises_nothing() -> None:
    """Rows drawn from the training data, through the window that the server has by default, looked at after every 500."""
    chosen, data = default(), telco()
    train = data[dataset.side(data[chosen.data.id], chosen.split) == "train"]
    contract = chosen.contract()
    numeric, categorical = dataset.matrices(train, contract)
    chances = np.random.default_rng(1).beta(1, 3, (len(train), 1))
    answers = np.hstack([1 - chances, chances])
    channels = Channels(contract, profile_of(train, contract) | {"predictions": predictions_of(answers, contract)})
    window, seen = Window(channels.size, Settings().rows, Settings().seconds), Counter()
    for step, drawn in enumerate(np.random.default_rng(2).integers(0, len(train), (400, 500))):
        window.add(channels.count(numeric[drawn], categorical[drawn], answers[drawn]), len(drawn), step)
        for metric in collector.metrics(collector.Figures(channels, window.counts, window.rows), 0, 0, None):
            for sample in metric.samples:
                seen[sample.name] = max(seen[sample.name], sample.value)
    assert seen["model_window_rows"] > 0.9 * Settings().rows
    for name in ("model_feature_psi", "model_prediction_psi"):
        assert 0 < seen[name] < alerted(name) / 2
    assert seen["model_feature_new_share"] == 0


def test_drift_shows_and_heals_with_the_window(live: watch.Model, watcher: Watcher) -> None:
    show(watcher, live, rows(2000))
    show(watcher, live, rows(2000, old=True))
    assert told(watcher)["model_feature_psi"]["age"] > 1
    show(watcher, live, rows(2200))
    assert told(watcher)["model_feature_psi"]["age"] < 0.05


def test_the_window_forgets_with_time(live: watch.Model) -> None:
    now = [1000.0]
    watcher = Watcher(Settings(seconds=100.0), clock=lambda: now[0])
    show(watcher, live, rows(400))
    assert told(watcher)["model_window_rows"] == {"": 400}
    now[0] += 101
    time.sleep(0.5)  # the thread looks at the clock by itself
    assert told(watcher)["model_window_rows"] == {"": 0}
    watcher.close()


def test_a_window_never_holds_more_than_it_may() -> None:
    window = Window(2, most_rows=1000, seconds=60)
    for step in range(5000):
        rows_now = 1 + step % 7
        window.add(np.array([rows_now, 0]), rows_now, step / 100)
        assert window.rows == window.counts.sum() <= 1000
        assert len(window._panes) <= 2 * PANES + 2
    assert window.rows > 900


def test_another_model_begins_an_empty_window(live: watch.Model, watcher: Watcher, tmp_path: Path) -> None:
    show(watcher, live, rows(1000, old=True))
    show(watcher, model(tmp_path / "other", bias=1.0), rows(10))
    assert told(watcher)["model_window_rows"] == {"": 10}


@pytest.mark.parametrize("features", [None, 7, {"age": {"type": "number"}}, {"plan": {"type": "category", "counts": 3}}])
def test_a_profile_that_cannot_be_read_stops_only_the_drift(features: object, tmp_path: Path, watcher: Watcher) -> None:
    show(watcher, model(tmp_path / "bundle", {"features": features}), rows(400))
    found = told(watcher)
    assert found["model_watched_rows_total"] == {"": 400}
    assert "model_feature_psi" not in found or found["model_feature_psi"] == {}


def test_rows_that_cannot_be_counted_do_not_end_the_watch(live: watch.Model, watcher: Watcher) -> None:
    numeric, categorical, answers = rows(400)
    watcher.saw(live, numeric[:, :1], answers, "broken")
    show(watcher, live, (numeric, categorical, answers))
    assert told(watcher)["model_window_rows"] == {"": 400}


def test_of_very_many_rows_an_even_share_is_counted(live: watch.Model, watcher: Watcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_MANY", 100)
    monkeypatch.setattr(watch, "_PAUSE", 60.0)
    for seed in range(200):
        watcher.saw(live, *coded(rows(5, seed=seed, old=seed >= 100)), "r")
    watcher.close()
    found = told(watcher)
    assert (found["model_watched_rows_total"], found["model_window_rows"]) == ({"": 1000}, {"": 100})
    shares = watcher._figures.counts[:4] / 100
    assert shares[3] == pytest.approx(0.625, abs=0.15), "half of all and a quarter of the others are old"


def test_of_very_many_small_calls_most_are_forgotten_at_once(live: watch.Model, watcher: Watcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_MANY", 100)
    monkeypatch.setattr(watch, "_FEW", 20)
    monkeypatch.setattr(watch, "_PAUSE", 60.0)
    waiting = []
    for calls in (200, 200, 10, 10):
        for seed in range(calls):
            watcher.saw(live, *coded(rows(5, seed=seed)), "r")
        waiting.append(len(watcher._queue))
        watcher._work()
    watcher.close()
    assert waiting == [200, 20, 1, 10], "one in ten calls as long as there are so many"
    assert told(watcher)["model_watched_rows_total"] == {"": 2100}


def test_what_is_too_much_is_dropped_and_counted(live: watch.Model, watcher: Watcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "MOST_WAITING", 1000)
    monkeypatch.setattr(watch, "_PAUSE", 60.0)
    for _ in range(30):
        watcher.saw(live, *coded(rows(100)), "r")
    found = told(watcher)
    assert found["model_unwatched_rows_total"] == {"": 2000}
    watcher.close()
    assert told(watcher)["model_watched_rows_total"] == {"": 1000}, "closing works the queue off"


def test_several_classes_are_watched_by_the_likeliest() -> None:
    contract = Contract("m", ("x",), (), (), ("a", "b", "c"))
    profile = {"predictions": {"type": "category", "counts": {"a": 5, "b": 5, "c": 0}, "missing": 0}}
    channels = Channels(contract, profile)
    answers = np.array([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6], [0, 0, 1]])
    counts = channels.count(np.zeros((4, 1)), np.zeros((4, 0), dtype=object), answers)
    assert counts.tolist() == [1, 1, 2, 0, 0]


def test_options_make_settings_and_bad_ones_one_line() -> None:
    options = SimpleNamespace(
        drift_rows=500, drift_hours=1.0, log="here", log_share=0.1, log_columns=" age, fee ", log_minutes=1.0, log_days=0.0
    )
    made = watch.settings.from_options(options)
    assert (made.rows, made.seconds) == (500, 3600)
    assert (made.log.columns, made.log.share, made.log.days) == (("age", "fee"), 0.1, None)
    options.log_share = 1.5
    with pytest.raises(watch.settings.WatchError, match=r"^--log-share 1.5 must lie in 0 to 1$"):
        watch.settings.from_options(options)
    options.drift_rows = 10
    with pytest.raises(watch.settings.WatchError, match=r"^--drift-rows 10 must lie in 300 to"):
        watch.settings.from_options(options)


@pytest.mark.parametrize(("classes", "positive"), [(("No", "Yes"), "Yes"), (("a", "b", "c"), None), ((), None)])
def test_what_training_writes_is_what_the_server_counts(classes: tuple[str, ...], positive: str | None) -> None:
    contract = Contract("m", ("age", "fee"), ("plan",), CONTRACT.columns, classes, positive)
    rng = np.random.default_rng(1)
    numeric, categorical, _ = rows(3000, plus=0.3)
    answers = rng.random((3000, max(1, len(classes))))
    frame = pd.DataFrame({"age": numeric[:, 0], "fee": numeric[:, 1], "plan": categorical[:, 0]})
    profile = profile_of(frame, contract) | {"predictions": predictions_of(answers, contract)}
    channels = Channels(contract, profile)
    found = channels.parts(channels.count(numeric, categorical, answers))
    assert [(channel.name, counts.tolist()) for channel, counts in found] == [
        (channel.name, channel.reference.tolist()) for channel in channels.all()
    ]
    assert [channel.name for channel in channels.all()] == ["age", "fee", "plan", "predictions"]


def test_the_contract_names_the_protected_ones_of_its_columns() -> None:
    chosen = params.load(Path(params.__file__).parents[2] / "params.yaml")
    assert chosen.contract().protected == ("female", "senior_citizen")
    fewer = msgspec.structs.replace(chosen, features=params.Features(("tenure", "female"), ()))
    assert fewer.contract().protected == ("female",)
    assert Contract.from_json(fewer.contract().to_json()) == fewer.contract()
