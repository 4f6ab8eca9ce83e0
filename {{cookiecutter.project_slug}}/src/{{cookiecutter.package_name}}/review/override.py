"""An override: someone with write access asks that a pull request's model is promoted against the gates.

It takes the label ``promote anyway``, put on after the train run of the present head started, and a line ``Override: <reason>`` in the
pull request's text. A push starts a new train run and so ends it.
"""

import re
from typing import Any

import msgspec

from .. import github
from ..github import GitHubError

LABEL = "promote anyway"
LONGEST = 500
_LINE = re.compile(r"^[ \t]*override:[ \t]*(\S.*?)\s*$", re.IGNORECASE | re.MULTILINE)
_WRITE = ("admin", "write")  # GitHub reports the role maintain as write here, and triage as read


class Asked(msgspec.Struct, frozen=True):
    """A valid override: the login of who put the label, and the reason in the pull request's text, one line."""

    by: str
    reason: str


class Refused(msgspec.Struct, frozen=True):
    """The label is there but does not count; ``why`` says what is wrong and, where it helps, what to do."""

    why: str


def find(number: int, run_created_at: str) -> Asked | Refused | None:
    """The override of pull request ``number``; None without the label.

    ``run_created_at`` is GitHub's time of the train run that made the candidate (ISO 8601, UTC). A label of that very second is
    refused: which came first cannot be told.

    Raises:
        GitHubError: GitHub cannot be asked.
    """
    pull = github.get(f"pulls/{number}")
    if LABEL not in (item["name"] for item in pull["labels"]):
        return None
    put = _newest(github.get_all(f"issues/{number}/events"))
    if put is None or put["actor"] is None:
        return Refused(f"nobody can be named who put the label '{LABEL}'; take it off and put it on again")
    by = put["actor"]["login"]
    if not _may_write(put["actor"]):
        return Refused(f"the label '{LABEL}' was put by {by}, who has no write access")
    if put["created_at"] <= run_created_at:
        return Refused(
            f"the label '{LABEL}' was put by {by} before the candidate of this push was trained; take it off and put it on again"
        )
    return _with_reason(by, pull["body"] or "")


def _newest(events: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The event that put the label where it is, if it was not taken off since."""
    ours = [item for item in events if item["event"] in ("labeled", "unlabeled") and item["label"]["name"] == LABEL]
    last = max(ours, key=lambda item: item["id"], default=None)
    return last if last and last["event"] == "labeled" else None


def _may_write(actor: dict[str, Any]) -> bool:
    """Whether an account is a person's and may write. A bot's label is whoever's code ran under its token."""
    if actor["type"] != "User":
        return False
    try:
        return github.get(f"collaborators/{actor['login']}/permission")["permission"] in _WRITE
    except GitHubError as error:
        if error.status == 404:
            return False
        raise


def _with_reason(by: str, text: str) -> Asked | Refused:
    found = _LINE.search(re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL))
    if found is None:
        return Refused("the pull request's text has no line 'Override: <reason>'")
    reason = " ".join(found[1].split())
    if len(reason) > LONGEST:
        return Refused(f"the reason in the line 'Override: <reason>' has {len(reason)} characters; say it in {LONGEST}")
    return Asked(by, reason)
