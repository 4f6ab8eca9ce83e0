"""How sure a number is: every metric of candidate and champion, and their difference, with an interval."""

from typing import Literal

import msgspec


class Estimate(msgspec.Struct, frozen=True):
    """A value with the ends of its interval; None where it is not defined."""

    value: float | None
    low: float | None = None
    high: float | None = None


class Metric(msgspec.Struct, frozen=True):
    """One metric of candidate and champion on the same test rows.

    ``difference`` is candidate minus champion with its paired interval, ``p`` the two-sided p-value that it is 0.
    """

    name: str
    candidate: Estimate
    champion: Estimate | None = None
    difference: Estimate | None = None
    p: float | None = None
    higher_is_better: bool = True
    method: Literal["DeLong", "bootstrap"] = "bootstrap"
