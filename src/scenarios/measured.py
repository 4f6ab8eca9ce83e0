"""What was measured of a scenario, read from JSON that a pull request's run wrote: data, whose every piece is checked."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import ScenarioError

LARGEST = 100_000  # characters of the file
TIMES = {
    "train": "training",
    "pull_request": "pull request to comment",
    "merge_to_served": "comment to served, by a merge",
    "rehearsal": "whole rehearsal",
}
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_NAME = re.compile(r"(?!.*\]\()[\w .\-\[\]()]{1,60}")  # no link
SCENARIO = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")


@dataclass(frozen=True)
class Spread:
    """A figure that was measured more than once, in seconds or as a ratio; of one measurement all three are the same."""

    median: float
    lowest: float
    highest: float


@dataclass(frozen=True)
class Times:
    """How long something took by the clock and, where that can be told, in processor time; ``yardstick`` is the same of a fixed work."""

    seconds: Spread
    processor: Spread | None
    yardstick_name: str
    yardstick_seconds: float
    yardstick_processor: float


@dataclass(frozen=True)
class Measured:
    """Everything that was measured of one scenario."""

    digest: str
    headline: str
    lower_is_better: frozenset[str]
    quality: Mapping[str, float]
    times: Mapping[str, Times]
    serving: Spread
    files: int
    lines: int
    image_mb: float | None


def parse(text: str, where: str) -> Measured:
    """Read a ``metrics.json``.

    Raises:
        ScenarioError: it is not one; the text names ``where`` and the piece that is wrong.
    """
    if len(text) > LARGEST:
        raise ScenarioError(f"{where} has {len(text):,} characters; a metrics.json has at most {LARGEST:,}")
    try:
        return _measured(json.loads(text))
    except KeyError as error:
        raise ScenarioError(f"{where}: {error} is missing; `make references` writes it") from None
    except (ValueError, TypeError, AttributeError) as error:
        raise ScenarioError(f"{where} is not what `make references` writes: {error}") from None


def _measured(found: dict[str, Any]) -> Measured:
    quality = {_matching(_NAME, name): _number(value, name) for name, value in found["quality"].items()}
    if found["headline"] not in quality:
        raise ValueError(f"the headline {found['headline']!r} is no metric")
    return Measured(
        _matching(_DIGEST, found["digest"]),
        found["headline"],
        frozenset(found["lower_is_better"]) & frozenset(quality),
        quality,
        {name: _times(found["times"][name]) for name in TIMES},
        Spread(*(_positive(found["serving"][name], f"serving.{name}") for name in ("ratio", "lowest", "highest"))),
        int(_positive(found["files"], "files")),
        int(_positive(found["lines"], "lines")),
        None if found["image_mb"] is None else _positive(found["image_mb"], "image_mb"),
    )


def _times(found: dict[str, Any]) -> Times:
    yardstick = found["yardstick"]
    return Times(
        _spread(found["seconds"]),
        _spread(found["processor_seconds"]) if "processor_seconds" in found else None,
        _matching(_NAME, yardstick["name"]),
        _spread(yardstick["seconds"]).median,
        _spread(yardstick["processor_seconds"]).median,
    )


def _spread(found: dict[str, Any]) -> Spread:
    return Spread(*(_positive(found[name], name) for name in ("median", "lowest", "highest")))


def _matching(pattern: re.Pattern[str], value: Any) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError(f"{str(value)[:80]!r} is not of the form {pattern.pattern}")
    return value


def _positive(value: Any, name: str) -> float:
    if (found := _number(value, name)) <= 0:
        raise ValueError(f"{name} is {found}, not above 0")
    return found


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{name} is {str(value)[:80]!r}, not a number")
    return float(value)
