"""Concurrency groups: one run at a time, and who waits or gives way.

Source: GitHub documentation, "Control the concurrency of workflows and jobs".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from ..errors import PlayError
from ..values import Value
from .expressions import as_text, truth, value_of


@dataclass(frozen=True)
class Group:
    """A concurrency group as one run sees it. Names compare without case."""

    name: str
    cancel_in_progress: bool = False
    keep_queue: bool = False


class Grouped(Protocol):
    """A run, as far as this module needs it."""

    status: str
    groups: list[Group]


def read_group(value: Value, contexts: Mapping[str, Any], where: str) -> Group:
    """Group of a ``concurrency:`` value (text or mapping). Raises ``PlayError``."""
    entry = value if isinstance(value, Mapping) else {"group": value}
    unknown = set(entry) - {"group", "cancel-in-progress", "queue"}
    if unknown or not entry.get("group"):
        raise PlayError(f"{where}: concurrency needs 'group' and knows 'cancel-in-progress' and 'queue'; found {sorted(map(str, entry))}")
    queue = value_of(entry.get("queue", "single"), contexts)
    if queue not in ("single", "max"):
        raise PlayError(f"{where}: concurrency.queue is {queue!r}; it can be 'single' or 'max'")
    cancel = truth(value_of(entry.get("cancel-in-progress", False), contexts))
    if cancel and queue == "max":
        raise PlayError(f"{where}: concurrency.queue 'max' and cancel-in-progress exclude each other")
    return Group(as_text(value_of(entry["group"], contexts)).lower(), cancel, queue == "max")


R = TypeVar("R", bound=Grouped)


def sharing(run: R, others: Sequence[R], status: str) -> list[tuple[R, Group]]:
    """Other runs of ``status`` in a group of ``run``, with the run's view of that group."""
    found = []
    for group in run.groups:
        found += [
            (one, group) for one in others if one is not run and one.status == status and any(g.name == group.name for g in one.groups)
        ]
    return found


def gives_way(run: R, others: Sequence[R]) -> list[R]:
    """Runs to cancel because ``run`` arrives: pending ones it replaces, running ones it stops."""
    replaced = [one for one, group in sharing(run, others, "queued") if not group.keep_queue]
    stopped = [one for one, group in sharing(run, others, "in_progress") if group.cancel_in_progress]
    return [*replaced, *stopped]


def may_start(run: R, others: Sequence[R]) -> bool:
    """Whether no run of its groups is at work and none of them was queued before it."""
    if sharing(run, others, "in_progress"):
        return False
    earlier = list(others[: others.index(run)])
    return not sharing(run, earlier, "queued")
