"""What the tests of monitoring need: a promoted toy model in a git repository, a prediction log, labels, and GitHub in memory."""

import csv
import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from churn import bundle, params, pointer, prediction_log, store
from churn.github import GitHubError
from churn.params import Params
from churn.pointer import Pointer
from churn.prediction_log import Line
from serving_kit import expected, make_bundle

NOW = 1_700_000_000.0
DAY = 86_400.0
PARAMS: dict[str, Any] = {
    "problem": "binary",
    "model": {"name": "toy", "estimator": "LogisticRegression", "parameters": {}},
    "data": {"path": "data/toy.csv", "id": "id", "target": "left", "classes": ["No", "Yes"], "positive": "Yes"},
    "columns": {
        "age": {"type": "integer", "min": 0, "max": 120},
        "fee": {"type": "number", "missing": True},
        "plan": {"type": "category", "categories": ["basic", "plus"]},
    },
    "split": {"test": 0.2, "validation": 0.3, "salt": "toy"},
    "features": {"numeric": ["age", "fee"], "categorical": ["plan"]},
    "threshold": {"value": 0.5},
    "gates": [{"metric": "roc_auc", "min": 0.5}],
    "protected": ["plan"],
    "slices": [{"name": "young", "column": "age", "max": 29}],
    "monitoring": {"log": "log", "days": 7},
}
Row = dict[str, Any]


def people(number: int, seed: int = 0, youngest: int = 18, plus: float = 0.3, no_fee: float = 0.1) -> list[Row]:
    """Records of the toy contract."""
    rng = np.random.default_rng(seed)
    ages, fees = rng.integers(youngest, 80, number).tolist(), rng.uniform(0, 100, number).round(2).tolist()
    plans, missing = (rng.random(number) < plus).tolist(), (rng.random(number) < no_fee).tolist()
    return [
        {"age": age, "fee": None if gone else fee, "plan": "plus" if one else "basic"}
        for age, fee, one, gone in zip(ages, fees, plans, missing, strict=True)
    ]


def chance(row: Row) -> float:
    """What the toy model answers."""
    return expected(row, -2.0)


def came_true(row: Row, rng: np.random.Generator) -> str:
    """A label as likely as the model says."""
    return "Yes" if rng.random() < chance(row) else "No"


def data(rows: list[Row], seed: int = 0) -> str:
    """The rows as the raw data file."""
    rng = np.random.default_rng(seed)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", "left", "age", "fee", "plan"])
    writer.writerows([f"C{place}", came_true(row, rng), row["age"], row["fee"], row["plan"]] for place, row in enumerate(rows))
    return text.getvalue()


def lines(rows: list[Row], digest: str, days: float = 1.0, hidden: tuple[str, ...] = ()) -> list[Line]:
    """The rows as the newest of the log, over so many days."""
    times = np.linspace(NOW - days * DAY, NOW, len(rows), endpoint=False).tolist()
    return [
        Line(when, f"r{place // 10}", place % 10, digest, {k: v for k, v in row.items() if k not in hidden}, [1 - chance(row), chance(row)])
        for place, (row, when) in enumerate(zip(rows, times, strict=True))
    ]


def write_log(folder: Path, found: list[Line], size: int = 1000) -> None:
    """Write the lines as files of a log."""
    for start in range(0, len(found), size):
        part = found[start : start + size]
        path = folder / prediction_log.name_of(part[0].time)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(prediction_log.pack(part))


class Scene:
    """A repository in which version 1 of a toy model is in production, made of 4,000 rows."""

    def __init__(self, commit: Callable[..., str], monkeypatch: Any, folder: Path) -> None:
        self.rows = people(4000)
        text = data(self.rows)
        first = self._first(commit, text)
        bundle_folder = folder / "bundle"
        make_bundle(bundle_folder, -2.0)
        made = json.loads((bundle_folder / "manifest.json").read_bytes())
        origin = {name: made[name] for name in ("model", "problem", "threshold", "parameters", "libraries")}
        digest = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
        self.digest = bundle.write_manifest(bundle_folder, data_digest=digest, **origin)
        monkeypatch.setattr(store, "find", lambda digest, address: bundle_folder)
        self.now = Pointer("toy", 1, self.digest, "store", first, "mona", metrics={"roc_auc": 0.66})
        pointer.write(Path("models/production.yaml"), self.now)

    def _first(self, commit: Callable[..., str], text: str) -> str:
        Path("data").mkdir()
        Path("data/toy.csv").write_text(text)
        Path("params.yaml").write_text(yaml.safe_dump(PARAMS))
        return commit("first")

    def params(self, **monitoring: Any) -> Params:
        """Main's parameters now."""
        return params.parse(yaml.safe_dump(PARAMS | {"monitoring": PARAMS["monitoring"] | monitoring}))


class GitHub:
    """Issues and pull requests in memory; it refuses what it does not know."""

    def __init__(self) -> None:
        self.issues: list[Row] = []
        self.pulls: list[Row] = []
        self.comments: list[tuple[int, str]] = []
        self.refusal: GitHubError | None = None

    def get_all(self, path: str, **query: Any) -> list[Row]:
        assert path == "issues"
        if self.refusal:
            raise self.refusal
        return [one for one in self.issues if one["state"] == query["state"]]

    def get(self, path: str, **query: Any) -> list[Row]:
        assert path == "pulls"
        return [one for one in self.pulls if one["state"] == query["state"]]

    def send(self, method: str, path: str, body: Row) -> Row:
        kind, _, rest = path.partition("/")
        held = {"issues": self.issues, "pulls": self.pulls}[kind]
        if method == "POST" and not rest:
            held.append({"number": len(self.issues) + len(self.pulls) + 1, "state": "open", "user": {"type": "Bot"}} | body)
            if kind == "pulls":
                here = {"full_name": "octo/toy"}
                held[-1] |= {"head": {"ref": body["head"], "repo": here}, "base": {"repo": here}, "merged_at": None}
            return held[-1]
        number = int(rest.partition("/")[0])
        if rest.endswith("/comments"):
            self.comments.append((number, body["body"]))
            return {}
        next(one for one in held if one["number"] == number).update(body)
        return {}
