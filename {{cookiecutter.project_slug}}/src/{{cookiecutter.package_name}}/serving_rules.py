"""What ``params.yaml`` says about serving, in words that training and the server share."""

from collections.abc import Iterator
from typing import Any

import msgspec
import yaml

from . import ProblemError


class Shadow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A period of ``seconds`` (1 to 86,400) in which a new model scores a share of the live requests beside the one that answers.

    That share is ``sample`` (0.001 to 1). The new model is refused when more than the share ``errors`` (0 to 1) of the rows break its
    contract or fail, when more than the share ``disagreement`` (0 to 1,000,000) are decided otherwise (of a regression the mean difference
    as a share of the mean value), or when a batch takes it more than ``latency`` (1 to 1,000,000) times as long.
    """

    seconds: float = 60.0
    sample: float = 0.1
    errors: float = 0.0
    latency: float = 3.0
    disagreement: float = 0.1


class Serving(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a promoted model is taken over; without ``shadow`` at once."""

    shadow: Shadow | None = None


def problems(serving: Serving) -> Iterator[str]:
    """Every thing that is wrong, as ``key: what is wrong; what to do``."""
    if (shadow := serving.shadow) is None:
        return
    limits = {"seconds": (1, 86_400), "sample": (0.001, 1), "errors": (0, 1), "disagreement": (0, 1e6), "latency": (1, 1e6)}
    for name, (low, high) in limits.items():
        if not low <= (value := getattr(shadow, name)) <= high:
            yield f"serving.shadow.{name} {value:g} must lie in {low:g} to {high:g}"


def of(text: str, where: str) -> Serving:
    """The part ``serving:`` of a ``params.yaml``; ``where`` names it in errors.

    Raises :class:`ProblemError` when it is not one that can be used: training would have refused it too.
    """
    try:
        raw: Any = yaml.safe_load(text) or {}
        part = (raw.get("serving") or {}) if isinstance(raw, dict) else raw
        serving = msgspec.convert(part, Serving, strict=False)  # to YAML 1.1 a number like 1e-3 is text
    except (yaml.YAMLError, msgspec.ValidationError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ProblemError(f"{where}: serving: cannot be used ({reason[:200]}); correct it in a pull request") from None
    if (problem := next(problems(serving), None)) is not None:
        raise ProblemError(f"{where}: {problem}; correct it in a pull request")
    return serving
