"""The command line."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from ..baking import ROOT, bake, package
from ..errors import RehearseError
from . import page
from .chromium import find_chromium
from .comments import REVIEWS, comments
from .node import run_script

VIEWS = {"light": ("light", 880), "dark": ("dark", 880), "narrow": ("light", 360)}


def main() -> int:
    """Write all pictures; exit code 1 when one cannot be drawn as it should be."""
    out = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "docs/pictures").resolve()
    try:
        chromium = find_chromium()
        with tempfile.TemporaryDirectory() as folder:
            texts = comments(package(bake(Path(folder))), sorted(REVIEWS.glob("*.json")))
        found = draw(texts, out, chromium) | page.draw(out, chromium)
    except RehearseError as error:
        print(f"not run: pictures, {error}", file=sys.stderr)
        return 1
    return told(found, out)


def told(found: dict[str, list[str]], out: Path) -> int:
    """Say of each picture in ``out`` how large it is and what went wrong; exit code 1 when anything did."""
    for name, problems in found.items():
        print(f"{out / name}.png, {(out / f'{name}.png').stat().st_size // 1000} kB")
        for problem in problems:
            print(f"error: {name}: {problem}", file=sys.stderr)
    return int(any(found.values()))


def draw(texts: dict[str, str], out: Path, chromium: str, views: dict[str, tuple[str, int]] = VIEWS) -> dict[str, list[str]]:
    """Write ``<name>-<view>.png`` into ``out`` for each Markdown text and view (theme, width in px).

    Returns for each picture what went wrong while it was drawn: a chart with an error, a request to another host, a page that is wider
    than its window.
    """
    out.mkdir(parents=True, exist_ok=True)
    pictures = [
        {"name": f"{name}-{view}", "markdown": text, "theme": theme, "width": width}
        for name, text in texts.items()
        for view, (theme, width) in views.items()
    ]
    return run_script("draw.mjs", {"chromium": chromium, "out": str(out), "pictures": pictures})


if __name__ == "__main__":
    sys.exit(main())
