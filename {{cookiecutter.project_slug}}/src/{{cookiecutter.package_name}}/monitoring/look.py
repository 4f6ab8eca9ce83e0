"""Makes the report: reads what production was asked, and holds it against what its model was made of."""

import time
from typing import Any

from ..markdown import code
from ..params import Monitoring, Params
from ..pointer import Pointer
from ..prediction_log import Line
from ..psi import FEWEST_ROWS
from . import ColumnDrift, Live, MonitorError, Report, drifting, live, recent, reference

_DAY = 86_400.0


def look(now: Pointer, chosen: Params, clock: float | None = None) -> Report:
    """The report about the version that production names; ``chosen`` are main's parameters now.

    Raises:
        MonitorError: no log is named. ProblemError: log, labels, bundle or training rows cannot be read.
    """
    settings = chosen.monitoring
    if settings.log is None:
        raise MonitorError("params.yaml: monitoring.log is not set; name the folder or bucket that the server writes with --log")
    since = (time.time() if clock is None else clock) - settings.days * _DAY
    log = recent.read(settings.log, since, now.digest)
    if len(log.lines) < FEWEST_ROWS:
        found: dict[str, Any] = {"state": "cannot tell", "findings": [], "rows": len(log.lines), "notes": [_too_few(log, settings)]}
        return Report(model=now.model, version=now.version, digest=now.digest, **found)
    return _report(now, chosen, log.lines)


def _too_few(log: recent.Found, settings: Monitoring) -> str:
    if not log.is_log:
        return f"{settings.log} holds no file of a prediction log: monitoring.log must name what the server is given as --log"
    few = f"{len(log.lines):,} rows of the last {settings.days:g} days are too few: {FEWEST_ROWS} are needed"
    return few + (f" ({log.others:,} rows are of other versions)" if log.others else "")


def _report(now: Pointer, chosen: Params, lines: list[Line]) -> Report:
    then = reference.load(now)
    known = recent.labels(chosen.monitoring.labels, then.params.data.target) if chosen.monitoring.labels else {}
    rows = recent.typed(lines, then.model.contract)
    columns = drifting.columns(then, rows)
    found = [sentence(item, float(rows.times[0])) for item in columns if item.drifted]
    measured = None
    if known:
        labelled = recent.typed(recent.filled(lines, known, then.model.contract), then.model.contract)
        measured = live.measure(labelled, known, then.model, then.params, now.metrics)
        worse = live.fall(measured, then.params.headline, chosen.review.min_n, chosen.monitoring.fall)
        found += [worse] if worse else []
    return Report(
        model=now.model,
        version=now.version,
        digest=now.digest,
        state="drifted" if found else "fine",
        findings=found,
        rows=len(rows.keys),
        begin=float(rows.times[0]) if len(rows.times) else None,
        end=float(rows.times[-1]) if len(rows.times) else None,
        columns=columns,
        not_logged=[column.name for column in then.model.contract.columns if column.name not in rows.frame],
        live=measured,
        notes=[*_notes(len(lines), len(rows.keys)), *_about_labels(chosen, measured)],
    )


def sentence(column: ColumnDrift, begin: float) -> str:
    """What has changed in a column, in words; ``begin`` is the time of the first row that was looked at."""
    name = "the predictions" if column.name == drifting.PREDICTIONS else code(column.name)
    told = [f"{name} drifted: PSI {column.psi:.2f}, effect {column.effect:.2f}"]
    if abs(column.missing_now - column.missing_then) >= 0.01:
        told.append(f"missing in {column.missing_now:.1%} of the rows, and in {column.missing_then:.1%} of the training rows")
    if column.new_categories:
        told.append(f"{len(column.new_categories)} categories that training never had")
    if column.since is not None:
        when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(column.since))
        told.append(f"since before {when}, the first row" if column.since == begin else f"since about {when}")
    return ", ".join(told)


def _notes(read: int, used: int) -> list[str]:
    notes = [f"The log has more rows; these are the newest {read:,}."] if read == recent.MOST_ROWS else []
    return notes + ([f"{read - used:,} lines have answers that do not fit the contract and were left out."] if read > used else [])


def _about_labels(chosen: Params, measured: Live | None) -> list[str]:
    if chosen.monitoring.labels is None:
        return []
    if measured is None:
        return [f"{chosen.monitoring.labels} holds no labels yet."]
    least = chosen.review.min_n
    few = f"{measured.rows:,} labelled rows are too few to judge by: {least:,} are needed (review.min_n)."
    return [few] if measured.rows < least else []
