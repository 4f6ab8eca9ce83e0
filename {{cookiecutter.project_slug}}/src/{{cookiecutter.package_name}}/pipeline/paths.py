"""Where the stages put their files; ``dvc.yaml`` names the same paths."""

from pathlib import Path

PREPARED = Path("data/prepared")
SIDES = ("train", "validation", "test")
MODEL = Path("models/model.joblib")
BUNDLE = Path("models/bundle")
METRICS = Path("models/metrics.json")
CARD = Path("models/card.md")
LOCK = Path("dvc.lock")
REPORTS = Path("reports")
