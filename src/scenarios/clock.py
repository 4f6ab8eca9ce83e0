"""How long a command takes, by the clock and in processor time, beside a piece of work that shows how fast the machine is just then."""

from __future__ import annotations

import hashlib
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from . import ScenarioError

YARDSTICK = Path(__file__).with_name("inside") / "yardstick.py"
TURNS = 5


@dataclass(frozen=True)
class Lap:
    """Seconds by the clock, and those that processors worked for the command and everything that it started and waited for."""

    seconds: float
    processor_seconds: float


def timed(command: Sequence[str], folder: Path, log: Path, env: Mapping[str, str] | None = None) -> Lap:
    """Run a command, its output into ``log``.

    Raises:
        ScenarioError: it failed; the text has its last words and names the log.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    with log.open("a", encoding="utf-8") as stream:
        process = subprocess.Popen(command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
    seconds, process.returncode = time.perf_counter() - began, os.waitstatus_to_exitcode(status)
    if process.returncode:
        last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
        raise ScenarioError(f"`{' '.join(command[:4])}` ended with {process.returncode} in {folder}: {last[0][:300]}; its log: {log}")
    return Lap(round(seconds, 3), round(used.ru_utime + used.ru_stime, 3))


def yardstick(log: Path) -> list[Lap]:
    """How long the same small work takes here and now, a few times."""
    return [timed([sys.executable, "-I", str(YARDSTICK)], YARDSTICK.parent, log) for _ in range(TURNS)]


def yardstick_name() -> str:
    """Which work, by which Python: times may be compared only where these are the same."""
    work = hashlib.sha256(YARDSTICK.read_bytes()).hexdigest()[:8]
    return f"{work} on Python {'.'.join(platform.python_version_tuple()[:2])}"


def told(laps: Sequence[Lap]) -> dict[str, Any]:
    """Laps as they are written down: for clock and processor the median, lowest and highest."""
    columns = {name: [asdict(lap)[name] for lap in laps] for name in ("seconds", "processor_seconds")}
    return {name: spread(values) for name, values in columns.items()}


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, lowest and highest of some values."""
    return {"median": round(statistics.median(values), 3), "lowest": min(values), "highest": max(values)}
