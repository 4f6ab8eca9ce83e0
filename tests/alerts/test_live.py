"""Drift in what a real server is asked becomes an alert at a webhook, and its end is told as well."""

import json
import re
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rehearse import World
from rehearse.webhooks import Webhooks

from ..conftest import BakedProject
from .stack import Stack, running, shipped, until
from .test_rules import queries

WINDOW = 1000  # rows
ALERTS = {("FeatureDrift", "age"), ("FeatureDrift", "plan"), ("NewCategories", "plan")}
PATIENCE = 60.0


def send(server: Any, rows: tuple[Any, Any, Any]) -> None:
    """Ask for predictions of rows, a hundred at a time."""
    numeric, categorical, _ = rows
    records = [
        {"age": int(age), "fee": None if fee != fee else float(fee), "plan": plan}
        for (age, fee), (plan,) in zip(numeric.tolist(), categorical.tolist(), strict=True)
    ]
    for start in range(0, len(records), 100):
        status, content, _ = server.ask("POST", "/predict", records[start : start + 100])
        assert status == 200, content


def test_a_planted_drift_is_told_and_so_is_its_end(
    kit: ModuleType, cluster_bake: BakedProject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kit.model(tmp_path / "bundle")
    log = ("--log", tmp_path / "log", "--log-minutes", "0.01")
    serve = kit.serving_kit.server(tmp_path / "server", "--model", tmp_path / "bundle", "--drift-rows", str(WINDOW), *log)
    with (
        serve as server,
        Webhooks(World.create(tmp_path / "world")) as receiver,
        running(cluster_bake, tmp_path / "stack", server.port, receiver) as stack,
    ):
        send(server, kit.rows(WINDOW))
        assert until(lambda: stack.query(f"model_window_rows >= {WINDOW * 0.9}"), PATIENCE), server.log
        assert server.ask("POST", "/predict", b"{")[0] == 400, "an error, for the panel that shows them"
        began = time.monotonic()
        send(server, kit.rows(WINDOW, seed=1, old=True, plus=0.3))
        assert until(lambda: stack.told("firing").keys() >= ALERTS, PATIENCE), stack.told("firing")
        drifted = time.monotonic() - began
        assert stack.told("firing").keys() & {("FeatureDrift", "fee"), ("ServerDown", "")} == set(), "what has not drifted is quiet"
        assert re.fullmatch(r"age has drifted: PSI \d+\.\d\d", stack.told("firing")["FeatureDrift", "age"])
        assert stack.told("resolved").keys() & ALERTS == set()
        every_query_answers(stack)
        began = time.monotonic()
        send(server, kit.rows(WINDOW + 200, seed=2))
        assert until(lambda: stack.told("resolved").keys() >= ALERTS, PATIENCE), stack.told("resolved")
        healed = time.monotonic() - began
    with capsys.disabled():
        print(f"\ndrift told after {drifted:.1f} s, its end after {healed:.1f} s")


def every_query_answers(stack: Stack) -> None:
    """Each query of the dashboard, with the job that the shipped configuration names, gives figures."""
    for title, text in queries().items():
        plain = text.replace("$__rate_interval", "10s").replace("$job", "server")
        assert until(lambda plain=plain: stack.query(plain), 10), f"{title}: {plain} finds nothing"


def test_the_shipped_waiting_times_add_up_to_less_than_a_minute(cluster_bake: BakedProject) -> None:
    config, rules, alerts = shipped(cluster_bake).values()
    (drift,) = [group for group in rules["groups"] if group["name"] == "drift"]
    waits = [seconds(rule.get("for", "0s")) for rule in drift["rules"]]
    every = seconds(config["global"]["evaluation_interval"])
    counted_after = 1.0  # the server's watcher looks five times a second
    longest = counted_after + seconds(config["global"]["scrape_interval"]) + 2 * every + max(waits) + seconds(alerts["route"]["group_wait"])
    assert longest < 60, json.dumps(waits)


def seconds(text: str) -> float:
    number, unit = re.fullmatch(r"(\d+)([smh])", text).groups()
    return int(number) * {"s": 1.0, "m": 60.0, "h": 3600.0}[unit]
