"""``python -m scenarios.picture FOLDER``: draws the comment of all scenarios in Chromium, from two real measurements in ``pictured/``."""

from __future__ import annotations

import sys
from pathlib import Path

from rehearse.baking import ROOT
from rehearse.errors import RehearseError
from rehearse.pictures import __main__ as pictures
from rehearse.pictures.chromium import find_chromium

from . import ScenarioError
from .compare import compare
from .judge import conclude
from .measured import Measured, parse
from .report import Told, render
from .settings import PARAMS, tolerance

PICTURED = Path(__file__).with_name("pictured")  # <scenario>-here.json as measured, <scenario>-main.json where it is not new
VIEWS = {"light": ("light", 880), "dark": ("dark", 880)}


def comment() -> str:
    """The comment of a pull request that these measurements are of. Raises ScenarioError where one cannot be read."""
    limits = tolerance((ROOT / PARAMS).read_text(encoding="utf-8"))
    told: dict[str, Told] = {}
    for path in sorted(PICTURED.glob("*-here.json")):
        name = path.stem.removesuffix("-here")
        here, main = (_measured(f"{name}-{side}.json") for side in ("here", "main"))
        if here is not None:
            told[name] = compare(here, main, limits)
    conclusion = conclude(told)
    return render(told, conclusion.passed, conclusion.line, limits)


def _measured(name: str) -> Measured | None:
    path = PICTURED / name
    return parse(path.read_text(encoding="utf-8"), name) if path.exists() else None


def main() -> int:
    """Write ``scenarios-<view>.png``; exit code 1 when one cannot be drawn as it should be."""
    out = Path(sys.argv[1]).resolve()
    try:
        found = pictures.draw({"scenarios": comment()}, out, find_chromium(), VIEWS)
    except (RehearseError, ScenarioError) as error:
        print(f"not run: the picture of the scenarios, {error}", file=sys.stderr)
        return 1
    return pictures.told(found, out)


if __name__ == "__main__":
    sys.exit(main())
