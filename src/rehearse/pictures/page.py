"""The page of a model server in Chromium: what a person sees there, and its pictures."""

from __future__ import annotations

import csv
import io
import json
import tempfile
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..baking import bake
from ..errors import RehearseError
from ..story.play import Story
from ..story.script import Script
from ..story.stage import Stage
from .node import run_script

VIEWS = {"light": ("light", 1100), "dark": ("dark", 1100), "narrow": ("light", 390)}
_PATIENCE = 30.0  # seconds for the server to count rows; it does so when it has nothing else to do
_CUSTOMERS = 600


def visit(chromium: str, visits: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Visit pages one after the other, and tell what each showed.

    A visit has the page's ``address``, and may have ``theme`` (light, dark), ``width`` (px), ``tokens`` to enter one after the other,
    ``records`` to fill into the form, each with the fields to change, and a file for a ``picture``. In what it showed, ``problems`` are
    requests to another host, errors of scripts and of the console, and a page that is wider than its window.
    """
    usual = {"theme": "light", "width": VIEWS["light"][1], "tokens": [], "records": [], "picture": None}
    return run_script("visit.mjs", {"chromium": chromium, "visits": [usual | dict(one) for one in visits]})


def draw(out: Path, chromium: str) -> dict[str, list[str]]:
    """Write ``page-<view>.png`` into ``out``: the default project's first version, promoted on the local GitHub, among new customers.

    Returns for each picture what went wrong. Raises ``RehearseError`` when there is no such server.
    """
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(bake(Path(folder, "project")), Path(folder), lambda _: None)
        try:
            Story(stage, Script({}, {}, {}, {}), Path(folder), lambda *_: None).first_push()
            assert stage.server is not None
            address = f"http://127.0.0.1:{stage.server.port}/"
            send(address, _new_customers(stage.clone.folder / "data/telco_churn.csv"))
            names = {f"page-{view}": {"theme": theme, "width": width} for view, (theme, width) in VIEWS.items()}
            visits = [{"address": address, "records": [{}], "picture": str(out / f"{name}.png")} | how for name, how in names.items()]
            return {name: seen["problems"] for name, seen in zip(names, visit(chromium, visits), strict=True)}
        finally:
            stage.close()


def send(address: str, rows: Sequence[Mapping[str, str]]) -> None:
    """Let a server score rows, of which it takes the columns that it knows, and wait until it has counted them.

    Raises ``RehearseError`` when it does not.
    """
    columns = [one["name"] for one in json.loads(_ask(f"{address}page/about"))["columns"]]
    table = io.StringIO()
    written = csv.DictWriter(table, columns, extrasaction="ignore")
    written.writeheader()
    written.writerows(rows)
    _ask(f"{address}predict", table.getvalue().encode())
    end = time.monotonic() + _PATIENCE
    while _counted(address) < len(rows):
        if time.monotonic() > end:
            raise RehearseError(f"the server counts {_counted(address)} rows, not {len(rows)}, after {_PATIENCE:.0f} s")
        time.sleep(0.1)


def _counted(address: str) -> float:
    lines = _ask(f"{address}metrics").decode().splitlines()
    return next((float(line.split()[1]) for line in lines if line.startswith("model_window_rows ")), 0.0)


def _ask(address: str, table: bytes | None = None) -> bytes:
    request = urllib.request.Request(address, table, {} if table is None else {"content-type": "text/csv"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
        return answer.read()


def _new_customers(data: Path) -> list[dict[str, str]]:
    with data.open(encoding="utf-8", newline="") as stream:
        return [row for row in csv.DictReader(stream) if int(row["tenure"]) < 40][:_CUSTOMERS]
