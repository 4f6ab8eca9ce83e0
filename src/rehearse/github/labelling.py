"""Labels of issues and pull requests: who put them there or took them off, and what that starts.

Source: GitHub documentation, "Issue event types" and "Events that trigger workflows".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..actions.triggers import Happening
from ..errors import Refused
from . import events, views
from .model import Issue, IssueEvent, Pull, RepositoryState

if TYPE_CHECKING:
    from .core import Core


def put(core: Core, state: RepositoryState, one: Issue, name: str, actor: str, *, quiet: bool = False) -> None:
    """Put a label on, made if the repository has none of this name; nothing happens where it is there already.

    With ``quiet`` (a run's token did it) no workflow starts.
    """
    state.labels.setdefault(name, {})
    if name not in one.labels:
        one.labels.append(name)
        _happened(core, state, one, "labeled", name, actor, quiet)


def take_off(core: Core, state: RepositoryState, one: Issue, name: str, actor: str, *, quiet: bool = False) -> None:
    """Take a label off. Raises ``Refused`` (404) where it is not there."""
    if name not in one.labels:
        raise Refused(404, "Label does not exist")
    one.labels.remove(name)
    _happened(core, state, one, "unlabeled", name, actor, quiet)


def _happened(core: Core, state: RepositoryState, one: Issue, what: str, name: str, actor: str, quiet: bool) -> None:
    one.events.append(IssueEvent(core.next_id(), what, actor, name))
    core.tell(what, repository=state.full_name, number=one.number, label=name, actor=actor)
    if quiet:
        return
    if isinstance(one, Pull):
        events.pull_request(core, state, one, what, actor, label=name)
        return
    payload = {"action": what, "issue": views.issue(state, one), "label": views.label(state, name)}
    events.on_default_branch(core, state, Happening("issues", what), payload, actor)
