"""Where production's prediction log, its labels and the newest rows lie, outside the repository, for server and jobs alike."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from .rows import Row


class Watched:
    """A folder that stands for a bucket."""

    def __init__(self, folder: Path) -> None:
        self.log, self.labels, self.newest = folder / "log", folder / "labels", folder / "newest.csv"
        self.log.mkdir(parents=True)
        self.labels.mkdir()

    def settings(self) -> dict[str, object]:
        """What ``params.yaml`` says of it, by dotted name."""
        places = {"log": self.log, "labels": self.labels, "data": self.newest}
        return {f"monitoring.{name}": str(place) for name, place in places.items()} | {"monitoring.retrain": True}

    def label(self, name: str, rows: dict[str, Row]) -> None:
        """Write what came true of some rows, by the id that the server gave each."""
        (self.labels / f"{name}.csv").write_text(labels(rows), encoding="utf-8")


def labels(rows: dict[str, Row]) -> str:
    """What came true of some rows, with all that is known of them, as a file of labels."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ["request_id", *next(iter(rows.values()))], lineterminator="\n")
    writer.writeheader()
    writer.writerows({"request_id": key} | row for key, row in rows.items())
    return text.getvalue()
