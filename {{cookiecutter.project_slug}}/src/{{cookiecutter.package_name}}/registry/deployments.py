"""GitHub's record of deployments: which bundle goes where, and how that ended."""

import json
import os
from typing import Any, Literal

import msgspec

from .. import github
from ..pointer import Pointer
from . import PRODUCTION

Kind = Literal["promotion", "rollback", "edit"]
_OPEN = ("queued", "pending", "in_progress")
_MOST = 10  # among these is the newest of ours, also where other tools deploy to the same environment


class Deployment(msgspec.Struct, frozen=True):
    """A deployment of ours. ``run`` is the workflow run that began it, ``state`` its newest."""

    number: int
    digest: str
    kind: Kind
    run: str | None
    state: str

    @property
    def is_open(self) -> bool:
        """Whether nobody said yet how it ended."""
        return self.state in _OPEN


def recent(environment: str) -> list[Deployment]:
    """The deployments of ours in an environment that are open, and before them the newest that has ended; newest first.

    Every run ends what is open before it begins another one, so that behind one that has ended no other is open.
    """
    found = []
    for item in github.get("deployments", environment=environment, per_page=_MOST):
        payload = _payload(item["payload"])
        if "digest" in payload:
            kind, state = payload.get("kind", "promotion"), _state(item["id"])
            found.append(Deployment(item["id"], payload["digest"], kind, payload.get("run"), state))
            if not found[-1].is_open:
                break
    return found


def begin(
    environment: str, pointer: Pointer, commit: str, kind: Kind, state: str = "in_progress", known: list[Deployment] | None = None
) -> int:
    """The number of a deployment of ``pointer`` that is under way: the one that is open already, or a new one.

    Others that are open were cut off, and have failed now. ``known`` is what :func:`recent` said, where it was asked already.
    """
    mine = None
    for one in known if known is not None else recent(environment):
        if one.is_open and one.digest == pointer.digest:
            mine = one
        elif one.is_open:
            cut_off(environment, one)
    number = mine.number if mine else _create(environment, pointer, commit, kind)
    if mine is None or mine.state != state:
        _say(number, state)
    return number


def cut_off(environment: str, one: Deployment) -> None:
    """Say that a deployment failed because the run that began it was cut off."""
    end(one.number, "failure", "the run that deployed it was cut off")
    print(f"{environment}: an earlier run was cut off while it deployed {one.digest}; that deployment has failed now")


def end(number: int, state: str, why: str = "") -> None:
    """Say how a deployment ended: ``success`` or ``failure``."""
    _say(number, state, why)


def run_id() -> str | None:
    """The workflow run that this is, the same when it is run again; None at home."""
    return os.environ.get("GITHUB_RUN_ID") or None


def _create(environment: str, pointer: Pointer, commit: str, kind: Kind) -> int:
    about = {"version": pointer.version, "digest": pointer.digest, "metrics": pointer.metrics, "data_digest": pointer.data_digest}
    body = {
        "ref": commit,
        "environment": environment,
        "auto_merge": False,
        "required_contexts": [],
        "production_environment": environment == PRODUCTION,
        "description": f"{pointer.model} version {pointer.version}",
        "payload": about | {"kind": kind, "run": run_id()},
    }
    number: int = github.send("POST", "deployments", body)["id"]
    return number


def _say(number: int, state: str, why: str = "") -> None:
    github.send("POST", f"deployments/{number}/statuses", {"state": state, "auto_inactive": True, "description": why[:140]})


def _state(number: int) -> str:
    newest = github.get(f"deployments/{number}/statuses", per_page=1)
    return newest[0]["state"] if newest else "pending"


def _payload(value: Any) -> dict[str, Any]:
    """GitHub hands a payload back as it was sent, or as the text of it."""
    try:
        found = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
