"""Comments from judgements, written by the review code of a baked project."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ..errors import RehearseError

REVIEWS = Path(__file__).parent / "reviews"
_SCRIPT = """
import importlib, json, pathlib, sys
package, how, *paths = sys.argv[1:]
write = getattr(importlib.import_module(f"{package}.review.report.render"), how)
read = importlib.import_module(f"{package}.review").read
json.dump({pathlib.Path(path).stem: write(read(pathlib.Path(path))) for path in paths}, sys.stdout)
"""


def comments(package: Path, reviews: Sequence[Path], how: str = "render") -> dict[str, str]:
    """The comment (``how="summary"``: the job summary) of each ``review.json``, by the file's stem.

    ``package`` is the folder of a baked project's package. Raises ``RehearseError`` when a judgement cannot be read or written.
    """
    environment = os.environ | {"PYTHONPATH": str(package.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", _SCRIPT, package.name, how, *map(str, reviews)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise RehearseError(f"the comments cannot be written: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout)
