"""What a run of the pipeline took, read from DVC's own words while they come: ``reports/run.json``."""

import json
import os
import platform
import re
import time
from pathlib import Path

from .. import bundle
from . import PARITY, REPORTS

RUN = REPORTS / "run.json"
_SAID = (
    ("run", re.compile(r"Running stage '(\w+)'")),
    ("unchanged", re.compile(r"Stage '(\w+)' didn't change")),
    ("restored", re.compile(r"Stage '(\w+)' is cached|Pulling data for stage: '(\w+)'")),
)


class Recorder:
    """Hears every line of ``dvc repro`` and knows afterwards which stages ran, were restored or did not change, and for how long."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._stages: list[tuple[str, str, float]] = []

    def hear(self, line: str) -> None:
        """One line of output."""
        for outcome, pattern in _SAID:
            if match := pattern.match(line):
                self._begin(next(name for name in match.groups() if name), outcome)

    def _begin(self, name: str, outcome: str) -> None:
        """A stage whose data was pulled may be said to run after that: its last word counts, its first began it."""
        began = time.monotonic()
        if self._stages and self._stages[-1][0] == name:
            began = self._stages.pop()[2]
        self._stages.append((name, outcome, began))

    def write(self) -> None:
        """Write the run's stages, seconds, machine, and the largest difference between scikit-learn and ONNX."""
        ends = [began for *_, began in self._stages[1:]] + [time.monotonic()]
        stages = [
            {"name": name, "outcome": outcome, "seconds": round(end - began, 1)}
            for (name, outcome, began), end in zip(self._stages, ends, strict=False)
        ]
        seconds = round(time.monotonic() - self._began, 1)
        REPORTS.mkdir(exist_ok=True)
        RUN.write_bytes(bundle.to_json({"stages": stages, "seconds": seconds, "runner": _machine(), "parity": _parity()}))


def _machine() -> str:
    name = os.environ.get("RUNNER_NAME") or ("GitHub Actions" if os.environ.get("GITHUB_ACTIONS") else "at home")
    return f"{name}: {platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def _parity(path: Path = PARITY) -> float | None:
    return json.loads(path.read_bytes())["largest_difference"] if path.exists() else None
