"""The raw rows of a generated repository as requests of its server: as they are, or with a drift planted in one column."""

from __future__ import annotations

import csv
import io
import random
import statistics
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from ..errors import RehearseError

Row = dict[str, str]
FEWEST = 300  # rows of training, under which monitoring says of no column that it drifted, and of the metric alone that it fell
_WITHOUT = "play without it, with --no-drift"


class Rows:
    """The raw data file that ``params.yaml`` of a working tree names.

    Raises:
        RehearseError: the file is not there (DVC may keep it), or the model has no column in which a drift can be planted.
    """

    def __init__(self, folder: Path) -> None:
        params = YAML(typ="safe").load(folder / "params.yaml")
        self.path, self.target = str(params["data"]["path"]), str(params["data"]["target"])
        self._rules: dict[str, dict[str, Any]] = params["columns"]
        if "monitoring" not in params:
            raise RehearseError(f"params.yaml has no 'monitoring', by which a drift would be seen: add it, or {_WITHOUT}")
        self._features = [*params["features"].get("numeric", []), *params["features"].get("categorical", [])]
        self.column = self._best([name for name in self._features if name not in params.get("protected", [])])
        try:
            with (folder / self.path).open(encoding="utf-8-sig", newline="") as stream:
                self.all: list[Row] = list(csv.DictReader(stream))
        except OSError as error:
            what = f"{folder / self.path} cannot be read ({error.strerror})"
            raise RehearseError(f"{what}; a drift is planted in rows that git keeps: {_WITHOUT}") from None
        held_out = sum(float(params.get("split", {}).get(side, 0)) for side in ("test", "validation"))
        self.few = len(self.all) * (1 - held_out) < FEWEST

    def drifted(self) -> list[Row]:
        """Every row, with the column moved by its standard deviation (a category: to the next one) and inside the contract."""
        if self._rules[self.column]["type"] == "category":
            known = self._rules[self.column]["categories"]
            following = dict(zip(known, [*known[1:], known[0]], strict=True))
            return [row | {self.column: following.get(row[self.column], row[self.column])} for row in self.all]
        step = statistics.pstdev(float(row[self.column]) for row in self.all if row[self.column])
        return [row | {self.column: self._moved(row[self.column], step)} for row in self.all]

    def sample(self, rows: list[Row], number: int) -> list[Row]:
        """The same few rows each time, from everywhere in the file."""
        return random.Random(0).sample(rows, min(number, len(rows)))

    def record(self, row: Row) -> dict[str, Any]:
        """A row as the server takes it."""
        return {name: self._typed(row[name], self._rules[name]["type"]) for name in self._features}

    def csv(self, rows: list[Row]) -> str:
        """The rows as the file has them."""
        text = io.StringIO()
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue()

    def _best(self, names: list[str]) -> str:
        for kind in ("number", "category", "integer"):  # an integer may be a yes or no, and cannot move far
            found = next((name for name in names if self._rules[name]["type"] == kind), None)
            if found:
                return found
        raise RehearseError(f"params.yaml: every feature is protected, and a drift is planted in one that the log holds: {_WITHOUT}")

    def _moved(self, text: str, step: float) -> str:
        if not text:
            return text
        rule = self._rules[self.column]
        value = min(max(float(text) + step, rule.get("min", float("-inf"))), rule.get("max", float("inf")))
        return f"{value:.2f}" if rule["type"] == "number" else f"{value:.0f}"

    @staticmethod
    def _typed(text: str, kind: str) -> Any:
        if not text:
            return None
        return text if kind == "category" else float(text) if kind == "number" else int(float(text))
