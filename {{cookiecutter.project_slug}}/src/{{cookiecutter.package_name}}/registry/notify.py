"""One message to chat for each promotion, hold and rollback.

``python -m <package>.registry.notify promotion|hold|rollback``  tells of ``reports/review.json`` and ``models/production.yaml``

Where it goes is secret and optional: ``SLACK_WEBHOOK`` is the address of a Slack incoming webhook, ``WEBHOOK_URL`` that of a Microsoft
Teams workflow ("when a Teams webhook request is received") or of any receiver of JSON. A message that does not arrive stops nothing.
"""

import json
import os
import sys
from http.client import HTTPException
from pathlib import Path
from typing import Any, get_args
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from .. import ProblemError, github, pointer, run
from ..git import git
from ..github import GitHubError
from ..pointer import Pointer
from .message import Kind, Message, line, message, plain, read, slack

REVIEW, POINTER = Path("reports/review.json"), Path("models/production.yaml")
SECONDS = 10.0
_CHANNELS = {"Slack": "SLACK_WEBHOOK", "webhook": "WEBHOOK_URL"}


class NotifyError(ProblemError):
    """A message did not arrive."""


def send(kind: Kind, review_path: Path, now: Pointer | None, main: str = "HEAD") -> None:
    """Tell every configured channel, once: what was told of a commit is noted there as a status, so the call can be repeated.

    ``now`` is production's pointer (None: nothing was promoted yet) and ``main`` the commit that has it. A hold whose review says
    *promote* is none. A channel that is not configured, and one that fails, is a line of the log. A run that is killed between message
    and note tells it again.
    """
    addresses = {channel: os.environ.get(secret, "").strip() for channel, secret in _CHANNELS.items()}
    for channel in (channel for channel, address in addresses.items() if not address):
        print(f"{channel}: not told, the secret {_CHANNELS[channel]} is not set")
    if not any(addresses.values()):
        return
    try:
        review = read(review_path)
        if kind == "hold" and review and review.verdict == "promote":
            print("nothing is held: nobody is told")
            return
        what, commit = message(kind, review, now), _commit(kind, main)
    except ProblemError as error:
        print(f"::warning::nobody was told of this {kind}: {line(error)}")
        return
    for channel, address in addresses.items():
        if address:
            _tell(channel, address, what, commit)


def _commit(kind: Kind, main: str) -> str:
    """What a message is about: a hold is main's newest commit, the others are the newest commit of the pointer."""
    return git("rev-parse", "HEAD") if kind == "hold" else git("log", "-1", "--format=%H", main, "--", str(POINTER))


class _NoRedirect(HTTPRedirectHandler):
    """A webhook's address is a secret: it goes where the secret says and nowhere else."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _tell(channel: str, address: str, what: Message, commit: str) -> None:
    note = f"told {channel}: {what.kind}"
    try:
        if _noted(commit, note):
            print(f"{channel}: told already")
            return
        _post(channel, address, slack(what) if channel == "Slack" else plain(what))
        print(f"{channel}: told of this {what.kind}")
        _write_note(commit, note, what.title)
    except NotifyError as error:
        print(f"::warning::{channel} was not told of this {what.kind}: {line(error)}")


def _noted(commit: str, note: str) -> bool:
    try:
        return any(item["context"] == note for item in github.get_all(f"commits/{commit}/statuses"))
    except GitHubError:
        return False  # better told twice than not at all


def _write_note(commit: str, note: str, title: str) -> None:
    try:
        github.send("POST", f"statuses/{commit}", {"state": "success", "context": note, "description": line(title)[:140]})
    except GitHubError as error:
        print(f"that it was told could not be noted ({line(error)}): a repeated run tells it again")


def _post(channel: str, address: str, body: dict[str, Any]) -> None:
    """POST as JSON.

    Raises:
        NotifyError: the address is not https, cannot be reached in time, or answers anything but 2xx; the text never holds the address.
    """
    secret = _CHANNELS[channel]
    try:
        if urlsplit(address).scheme != "https" or not urlsplit(address).hostname:
            raise NotifyError(f"the secret {secret} is no https:// address; set it again")
        headers = {"Content-Type": "application/json", "User-Agent": "promotion"}
        request = Request(address, json.dumps(body).encode(), headers)  # noqa: S310 - https, see above
        build_opener(_NoRedirect).open(request, timeout=SECONDS).close()
    except HTTPError as error:
        raise NotifyError(f"its server answered {error.code}; check the secret {secret}") from None
    except (OSError, ValueError, HTTPException) as error:
        reason = type(getattr(error, "reason", error)).__name__
        raise NotifyError(f"its server cannot be reached ({reason}); check the secret {secret}") from None


def main() -> None:
    """Send the message that the command line names."""
    kinds: tuple[Kind, ...] = get_args(Kind)
    asked = [kind for kind in kinds if sys.argv[1:] == [kind]]
    if not asked:
        raise ProblemError(f"notify: say one of {', '.join(kinds)}")
    send(asked[0], REVIEW, pointer.read(POINTER))


if __name__ == "__main__":
    run(main)
