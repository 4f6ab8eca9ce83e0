"""What is watched, how much of it, and where the prediction log goes: options of the server."""

import argparse
import re
from dataclasses import dataclass

from ... import ProblemError
from ...psi import FEWEST_ROWS


class WatchError(ProblemError):
    """An option of watching has a value that cannot work."""


@dataclass(frozen=True)
class LogSettings:
    """The prediction log.

    ``url`` is a folder or a bucket (``s3://…``), ``share`` the part of rows that is logged, 0 to 1. ``columns`` are logged besides
    the answers: None for every one that the contract does not call protected. A file is written after ``seconds`` or ``rows``, and
    deleted after ``days`` (None: never).
    """

    url: str
    share: float = 1.0
    columns: tuple[str, ...] | None = None
    seconds: float = 300.0
    rows: int = 50_000
    days: float | None = 90.0


@dataclass(frozen=True)
class Settings:
    """The window of drift, at most ``rows`` rows and ``seconds`` long, and the log, if one is kept."""

    rows: int = 10_000
    seconds: float = 86_400.0
    log: LogSettings | None = None


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what :func:`from_options` reads."""
    add = parser.add_argument_group("watching").add_argument
    add("--drift-rows", type=int, default=10_000, metavar="N", help="drift is that of the newest N rows (default: %(default)s)")
    add("--drift-hours", type=float, default=24.0, metavar="H", help="… of the last H hours (default: %(default)s)")
    add("--log", metavar="DIR_OR_URL", help="keep a log of predictions in this folder or bucket (default: none is kept)")
    add("--log-share", type=float, default=1.0, metavar="SHARE", help="log this share of rows, 0 to 1 (default: %(default)s)")
    add("--log-columns", metavar="A,B", help="columns to log (default: all that the contract does not call protected; '' for none)")
    add("--log-minutes", type=float, default=5.0, metavar="M", help="write a file at least every M minutes (default: %(default)s)")
    add("--log-days", type=float, default=90.0, metavar="D", help="delete files after D days, 0 for never (default: %(default)s)")


def from_options(options: argparse.Namespace) -> Settings:
    """The settings that a command line asks for; raises :class:`WatchError` for those that cannot work."""
    _within("--drift-rows", options.drift_rows, FEWEST_ROWS, 10_000_000)
    _within("--drift-hours", options.drift_hours, 0.001, 24 * 365)
    if options.log is None:
        return Settings(options.drift_rows, 3600 * options.drift_hours)
    _within("--log-share", options.log_share, 0, 1)
    _within("--log-minutes", options.log_minutes, 0.01, 24 * 60)
    _within("--log-days", options.log_days, 0, 36_500)
    columns = None if options.log_columns is None else tuple(name for name in re.split(r"\s*,\s*", options.log_columns.strip()) if name)
    kept = LogSettings(options.log, options.log_share, columns, 60 * options.log_minutes, days=options.log_days or None)
    return Settings(options.drift_rows, 3600 * options.drift_hours, kept)


def _within(option: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise WatchError(f"{option} {value:g} must lie in {low:g} to {high:g}")
