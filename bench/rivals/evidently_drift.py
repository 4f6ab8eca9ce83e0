"""Evidently on the planted set, with its defaults and with the tests of Kolmogorov-Smirnov and chi-squared; prints JSON."""

import json
import sys
import time
from pathlib import Path

import pandas as pd
from evidently import Report
from evidently.presets import DataDriftPreset

sys.path.insert(0, str(Path(__file__).parents[1]))
from drift_rows import CURRENT, REFERENCE, columns

WAYS = {"defaults": {}, "ks and chi-squared": {"num_method": "ks", "cat_method": "chisquare"}}
TESTS = ("ks", "chisquare")  # whose value is p; that of the others is a distance


def main() -> None:
    """Both ways, each with its seconds and the columns that it flags, on the planted set and on one where nothing has changed."""
    reference = pd.DataFrame(columns(REFERENCE, 0, moved=False))
    found = {}
    for name, current in (
        ("planted", pd.DataFrame(columns(CURRENT, 1, moved=True))),
        ("null", pd.DataFrame(columns(CURRENT, 2, moved=False))),
    ):
        for way, chosen in WAYS.items():
            wall, cpu = time.perf_counter(), time.process_time()
            told = Report([DataDriftPreset(**chosen)]).run(current, reference).dict()
            seconds = {"wall_s": round(time.perf_counter() - wall, 1), "cpu_s": round(time.process_time() - cpu, 1)}
            found.setdefault(way, {})[name] = seconds | {"flagged": flagged(told)}
    print(json.dumps(found))


def flagged(told: dict) -> list[str]:
    """The columns that Evidently calls drifted, by the threshold of each one's own method."""
    found = []
    for metric in told["metrics"]:
        config = metric["config"]
        if "column" in config:
            value, threshold = float(metric["value"]), config["threshold"]
            if value < threshold if config["method"] in TESTS else value >= threshold:
                found.append(config["column"])
    return sorted(found)


if __name__ == "__main__":
    main()
