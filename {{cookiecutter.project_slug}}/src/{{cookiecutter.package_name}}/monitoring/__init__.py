"""Looks at what production was asked and answered: drift of its inputs and answers, and how well it does where labels have come.

Here: ``reports/monitor.json``, the report, made once. The Markdown, the issue and the retraining pull request read it.
"""

from typing import Literal

import msgspec

from .. import ProblemError
from ..intervals import Estimate, Metric
from ..mermaid import Chart

State = Literal["fine", "drifted", "cannot tell"]


class MonitorError(ProblemError):
    """What monitoring needs cannot be had."""


class ColumnDrift(msgspec.Struct, frozen=True, kw_only=True):
    """A column, or ``predictions``, then (when the model was trained) and now (in the log).

    ``effect`` is D or Cramér's V (see :mod:`..drift`). ``since`` is the Unix time of the first row from which on every part of the log is
    off, None where the newest part is not. ``new_categories`` are those that no training row has. ``chart`` shows both distributions.
    """

    name: str
    drifted: bool
    psi: float
    effect: float
    p_adjusted: float
    missing_then: float
    missing_now: float
    new_categories: list[str] = []
    since: float | None = None
    chart: Chart | None = None


class LiveSlice(msgspec.Struct, frozen=True):
    """The headline metric on a part of the labelled rows; None where it is not defined."""

    name: str
    rows: int
    metric: Estimate | None


class LiveGap(msgspec.Struct, frozen=True):
    """The largest gap between the values of a protected column; 0 is equal treatment."""

    column: str
    measure: Literal["equal_opportunity", "demographic_parity"]
    gap: Estimate


class Live(msgspec.Struct, frozen=True):
    """How well the model does on the rows whose labels have come. ``promised`` are the metrics at its promotion, by name."""

    rows: int
    unmatched: int
    metrics: list[Metric]
    promised: dict[str, float]
    slices: list[LiveSlice]
    gaps: list[LiveGap]
    calibration: Chart | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What was found. ``begin`` and ``end`` are the Unix times of the first and last row; ``findings`` are sentences, none when fine."""

    model: str
    version: int
    digest: str
    state: State
    findings: list[str]
    rows: int
    begin: float | None = None
    end: float | None = None
    columns: list[ColumnDrift] = []
    not_logged: list[str] = []
    live: Live | None = None
    notes: list[str] = []
