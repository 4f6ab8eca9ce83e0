"""The stages of ``dvc.yaml``, one file each: prepare, train, export, evaluate. They meet in the files named here and there."""

from pathlib import Path

PREPARED = Path("data/prepared")
SIDES = ("train", "validation", "test")
MODEL = Path("models/model.joblib")
BUNDLE = Path("models/bundle")
METRICS = Path("models/metrics.json")
PARITY = Path("models/parity.json")
LOCK = Path("dvc.lock")
REPORTS = Path("reports")
