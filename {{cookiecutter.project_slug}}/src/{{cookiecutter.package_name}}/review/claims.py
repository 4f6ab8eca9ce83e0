"""What a train run claims about its candidate. Claims decide nothing; one that is contradicted is a reason to stop."""

import json
from collections.abc import Sequence
from pathlib import Path

import msgspec

from ..bundle import Bundle
from ..intervals import Metric
from ..params import Params
from . import Cost

TOLERANCE = 1e-4


def problem(folder: Path, candidate: Bundle, brought: Params, judged: Sequence[Metric]) -> str | None:
    """The first claim that does not hold: the bundle's parameters and contract against params.yaml, the metrics against the judged ones."""
    return _parameters(candidate, brought) or _contract(candidate, brought) or _metrics(folder / "metrics.json", judged, candidate.digest)


def cost(path: Path) -> Cost | None:
    """What the run says that it took; None where it says nothing that can be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Cost)
    except (OSError, msgspec.MsgspecError):
        return None


def _parameters(candidate: Bundle, brought: Params) -> str | None:
    wanted, found = brought.made_of(), candidate.manifest.parameters
    wrong = [name for name in wanted if found.get(name) != wanted[name]]
    if not wrong:
        return None
    return f"the candidate is another model: its manifest and the pull request's params.yaml differ in {', '.join(wrong)}; train it again"


def _contract(candidate: Bundle, brought: Params) -> str | None:
    if candidate.contract == brought.contract() and candidate.manifest.problem == brought.problem:
        return None
    return "the candidate is another model: its contract is not the one of params.yaml of the pull request; train it again"


def _metrics(path: Path, judged: Sequence[Metric], digest: str) -> str | None:
    """``profit`` is left out: the run counts with its own money, the judge with main's."""
    try:
        stated = json.loads(path.read_bytes())
        told, named = stated["metrics"], stated["digest"]
        same = named == digest and all(_close(told[item.name], item.candidate.value) for item in judged if item.name != "profit")
    except (OSError, ValueError, LookupError, TypeError):
        return "metrics.json of the candidate is missing or unreadable; train again"
    wrong = "metrics.json of the candidate does not say what its bundle scores on the test rows; train again without editing it"
    return None if same else wrong


def _close(told: float | None, found: float | None) -> bool:
    if told is None or found is None:
        return told is None and found is None
    return abs(told - found) <= TOLERANCE * max(1.0, abs(found))
