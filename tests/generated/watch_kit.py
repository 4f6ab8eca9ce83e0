"""What the tests of watching need: a toy model whose bundle has a profile, and rows to show to a watcher."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from churn import bundle
from churn.coding import Coding
from churn.serving import Model, prepare
from churn.serving.watch import Watcher
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from serving_kit import CONTRACT, make_bundle

Rows = tuple[np.ndarray, np.ndarray, np.ndarray]

PROFILE = {
    "rows": 10_000,
    "features": {
        "age": {"type": "number", "edges": [20.0, 40.0, 60.0], "counts": [2500, 2500, 2500, 2500], "missing": 0},
        "fee": {"type": "number", "edges": [10.0], "counts": [4500, 4500], "missing": 1000},
        "plan": {"type": "category", "counts": {"basic": 10_000, "plus": 0}, "missing": 0},
    },
    "predictions": {"type": "number", "edges": [0.25, 0.5, 0.75], "counts": [250, 250, 250, 250], "missing": 0},
}


def model(folder: Path, profile: Any = PROFILE, bias: float = 0.0) -> Model:
    """A model whose profile is this; another bias is another digest."""
    make_bundle(folder, bias)
    (folder / "profile.json").write_bytes(bundle.to_json(profile))
    manifest = json.loads((folder / "manifest.json").read_bytes())
    origin = {name: manifest[name] for name in ("model", "problem", "threshold", "data_digest", "parameters", "libraries")}
    bundle.write_manifest(folder, **origin)
    return prepare(bundle.load(folder), 1)


def rows(
    number: int, seed: int = 0, old: bool = False, plus: float = 0.0, no_fee: float = 0.1
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows as the profile has them; ``old`` people only, a share of the plan ``plus``, a share without a fee."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(60 if old else 0, 80, number)
    fee = np.where(rng.random(number) < no_fee, np.nan, rng.uniform(0, 20, number))
    plan = np.where(rng.random(number) < plus, "plus", "basic").astype(object).reshape(-1, 1)
    chance = rng.random(number)
    return np.column_stack([age, fee]).astype(np.float32), plan, np.column_stack([1 - chance, chance])


def coded(seen: Rows) -> tuple[np.ndarray, np.ndarray]:
    """The same rows as a watcher sees them, and the answers."""
    numeric, categorical, answers = seen
    return Coding(CONTRACT).coded(numeric, categorical), answers


def show(watcher: Watcher, live: Model, seen: Rows, batch: int = 100, name: str = "r") -> None:
    """Let a watcher see rows in batches, and let it count them before the next ones; never so many at once that it counts a share."""
    for start in range(0, len(seen[2]), batch):
        watcher.saw(live, *(part[start : start + batch] for part in coded(seen)), f"{name}{start}")
        if (start + batch) % 500 < batch:
            watcher.settle()
    watcher.settle()


def told(watcher: Watcher) -> dict[str, dict[str, float]]:
    """What Prometheus would read: values by metric and, inside, by the value of its one label (or ``""``)."""
    registry = CollectorRegistry()
    registry.register(watcher)
    text = generate_latest(registry).decode()
    found: dict[str, dict[str, float]] = {}
    for sample in samples(text):
        found.setdefault(sample.name, {})[next(iter(sample.labels.values()), "")] = sample.value
    return found


def samples(text: str) -> Iterable[Any]:
    """Every sample in a text of Prometheus' format."""
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]
