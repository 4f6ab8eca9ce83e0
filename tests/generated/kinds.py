"""Two problems beside the binary one, ready to run, penguins (multi-class) and deliveries (regression); the settings of a binary one."""

import shutil
from pathlib import Path

import yaml

DATA = Path(__file__).parent / "data"
DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
ITEMS = [f"item_{number:02}" for number in range(1, 28)]
MEASURES = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]

PENGUINS = {
    "problem": "multi-class",
    "model": {"name": "penguins", "estimator": "LogisticRegression", "parameters": {"max_iter": 1000}},
    "data": {"path": "data/penguins.csv", "id": "penguin_id", "target": "species", "classes": ["Adelie", "Chinstrap", "Gentoo"]},
    "columns": {
        "island": {"type": "category", "categories": ["Biscoe", "Dream", "Torgersen"]},
        **{name: {"type": "number", "min": 0, "missing": True} for name in MEASURES},
        "sex": {"type": "category", "categories": ["female", "male"], "missing": True},
    },
    "features": {"numeric": MEASURES, "categorical": ["island", "sex"]},
    "protected": ["sex"],
    "slices": ["island", {"name": "heavy", "column": "body_mass_g", "min": 4500}],
    "review": {"headline": "f1_macro", "min_n": 20},
    "gates": [
        {"metric": "f1_macro", "min": 0.9},
        {"metric": "recall[Chinstrap]", "min": 0.7},
        {"metric": "log_loss", "not_worse_than_champion": 0.05},
        {"size_mb": 20},
        {"leakage": "none"},
    ],
}
DELIVERIES = {
    "problem": "regression",
    "model": {"name": "deliveries", "estimator": "HistGradientBoostingRegressor", "parameters": {"max_iter": 100}},
    "data": {"path": "data/deliveries.csv", "id": "delivery_id", "target": "time_to_delivery"},
    "columns": {
        "hour": {"type": "number", "min": 0, "max": 24},
        "day": {"type": "category", "categories": DAYS},
        "distance": {"type": "number", "min": 0},
        **{name: {"type": "integer", "min": 0, "max": 9} for name in ITEMS},
    },
    "features": {"numeric": ["hour", "distance", *ITEMS], "categorical": ["day"]},
    "slices": ["day", {"name": "far", "column": "distance", "min": 5}],
    "review": {"headline": "rmse", "min_n": 50},
    "gates": [
        {"metric": "rmse", "max": 3.5},
        {"metric": "r2", "min": 0.7},
        {"metric": "mae", "not_worse_than_champion": 0.1},
        {"size_mb": 20},
        {"leakage": "none"},
    ],
}
KINDS = {"penguins": PENGUINS, "deliveries": DELIVERIES}
BINARY = {
    "problem": "binary",
    "model": {"name": "b", "estimator": "LogisticRegression"},
    "data": {"path": "d.csv", "id": "key", "target": "left", "classes": ["yes", "no"], "positive": "yes"},
    "columns": {"fee": {"type": "number"}, "plan": {"type": "category", "categories": ["a"]}, "age": {"type": "number", "missing": True}},
    "split": {"test": 0.2, "validation": 0.2, "salt": "s"},
    "features": {"numeric": ["fee"]},
    "gates": [{"metric": "roc_auc", "min": 0.5}],
    "threshold": {"objective": "f1"},
}


def params_text(kind: str, **changed: object) -> str:
    """``params.yaml`` for ``penguins`` or ``deliveries``; ``changed`` replaces whole top-level keys."""
    nothing = {"threshold": None, "money": None, "protected": [], "parity": {"tolerance": 1e-5}}  # DVC wants every key that it tracks
    common = {"seed": 0, "split": {"test": 0.2, "validation": 0.15, "salt": kind}, **nothing}
    return yaml.safe_dump({**common, **KINDS[kind], **changed}, sort_keys=False)


def binary_text(**changed: object) -> str:
    """``params.yaml`` for a binary problem of which there are no rows; ``changed`` replaces whole top-level keys."""
    return yaml.safe_dump({**BINARY, **changed})


def write(kind: str, folder: Path, **changed: object) -> None:
    """Put ``params.yaml`` and the data file of ``kind`` into the folder of a repository."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(DATA / f"{kind}.csv", folder / "data" / f"{kind}.csv")
    (folder / "params.yaml").write_text(params_text(kind, **changed), encoding="utf-8")
