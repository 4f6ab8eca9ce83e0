"""Alerts and dashboard: Prometheus' own tools play the rules, and read every query."""

import json
import re
import subprocess
from pathlib import Path

import yaml

from rehearse.containers.programs import program

from ..conftest import TEMPLATE, BakedProject

FOLDER = TEMPLATE / "deploy/prometheus"
DASHBOARD = TEMPLATE / "deploy/grafana/dashboard.json"
WATCH = TEMPLATE / "src/{{cookiecutter.package_name}}/serving"


def tool(name: str, *arguments: str, folder: Path = FOLDER) -> str:
    """Run one of Prometheus' tools on the shipped files; returns what it says."""
    done = subprocess.run([program(name), *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def rules() -> list[dict]:
    return [rule for group in yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"] for rule in group["rules"]]


def test_every_alert_comes_when_it_should_and_stays_away_otherwise() -> None:
    tool("promtool", "test", "rules", "rules_test.yml")


def test_each_alert_is_played_both_ways() -> None:
    played = [one for test in yaml.safe_load((FOLDER / "rules_test.yml").read_text())["tests"] for one in test["alert_rule_test"]]
    alerts = {rule["alert"] for rule in rules() if "alert" in rule}
    assert {one["alertname"] for one in played if one.get("exp_alerts")} == alerts
    assert {one["alertname"] for one in played if not one.get("exp_alerts")} == alerts


def test_configurations_are_what_their_programs_read(default_bake: BakedProject, cluster_bake: BakedProject) -> None:
    tool("promtool", "check", "rules", "rules.yml")
    for project in (default_bake, cluster_bake):
        tool("promtool", "check", "config", "prometheus.yml", folder=project.root / "deploy/prometheus")
    tool("amtool", "check-config", "alertmanager.yml", folder=cluster_bake.root / "deploy/prometheus")


def queries() -> dict[str, str]:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return {f"{panel['title']} {target['refId']}": target["expr"] for panel in panels for target in panel["targets"]}


def test_every_query_of_the_dashboard_can_be_read(tmp_path: Path) -> None:
    plain = {title: expr.replace("$__rate_interval", "5m").replace("$job", ".*") for title, expr in queries().items()}
    recorded = [{"record": f"query:{number}", "expr": expr} for number, expr in enumerate(plain.values())]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": recorded}]}))
    tool("promtool", "check", "rules", str(file))


def test_the_dashboard_is_laid_out_without_overlaps() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(cells)) == len(cells) and max(x for x, _ in cells) == 23


def test_every_metric_that_is_asked_for_is_one_that_the_server_tells() -> None:
    told = set()
    for path in WATCH.rglob("*.py"):
        for kind, name in re.findall(r"(Counter|Gauge|Histogram)MetricFamily\(\s*\"(\w+)\"", path.read_text()):
            told |= {"Counter": {f"{name}_total"}, "Gauge": {name}, "Histogram": {f"{name}_bucket", f"{name}_count", f"{name}_sum"}}[kind]
    asked = {name for rule in rules() for name in re.findall(r"\b(?:serving|model)_\w+", re.sub(r"job:\w+", "", rule["expr"]))}
    asked |= {name for expr in queries().values() for name in re.findall(r"\b(?:serving|model)_\w+", expr)}
    assert asked <= told
