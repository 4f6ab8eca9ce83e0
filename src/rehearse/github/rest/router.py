"""Routes: method, path, the permission needed, the function that answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from ...errors import Refused
from ..model import RepositoryState
from ..permissions import Need
from ..server import Call, Reply

if TYPE_CHECKING:
    from ..core import Core

REPOSITORY = r"/repos/(?P<owner>[^/]+)/(?P<name>[^/]+)"
MAX_PAGE = 100
DEFAULT_PAGE = 30


@dataclass
class Context:
    """What a handler gets: the hub, the repository, the request, the path's parts."""

    core: Core
    state: RepositoryState
    call: Call
    parts: dict[str, str]

    def number(self, part: str) -> int:
        """A path part as a number."""
        return int(self.parts[part])

    @property
    def login(self) -> str:
        """Who asks."""
        return self.call.caller.login

    @property
    def by_run(self) -> bool:
        """Whether a run's token asks: what it makes starts no workflow."""
        return self.call.caller.run is not None

    @property
    def actor(self) -> str:
        """The person behind the request; for a run, who started it."""
        run = self.call.caller.run
        return run.actor if run else self.login


Handler = Callable[[Context], Reply]


@dataclass(frozen=True)
class Rule:
    """One route. ``locked`` handlers run under the hub's lock."""

    method: str
    pattern: re.Pattern[str]
    need: Need
    handler: Handler
    locked: bool


RULES: list[Rule] = []


def route(method: str, path: str, *need: str, locked: bool = True) -> Callable[[Handler], Handler]:
    """Register a handler. ``need`` is ``scope:level`` texts, any one of which is enough.

    In ``path``, ``{n}`` is a number, ``{name}`` one segment, ``{name*}`` the rest; a path
    that begins with ``~`` is below a repository.
    """
    text = re.sub(r"\{n(\w*)\}", r"(?P<n\1>\\d+)", path.replace("~", REPOSITORY, 1))
    text = re.sub(r"\{(\w+)\*\}", r"(?P<\1>.+)", text)
    text = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", text)
    pairs = tuple((scope, level) for scope, _, level in (one.partition(":") for one in need))

    def register(handler: Handler) -> Handler:
        RULES.append(Rule(method, re.compile(text), pairs, handler, locked))
        return handler

    return register


def answer(core: Core, call: Call) -> Reply:
    """Answer a REST request. Raises ``Refused``."""
    method = "GET" if call.method == "HEAD" else call.method
    for rule in RULES:
        found = rule.pattern.fullmatch(call.path)
        if found is None or rule.method != method:
            continue
        parts = {name: value for name, value in found.groupdict().items() if value is not None}
        context = Context(core, _state(core, call, parts, rule), call, parts)
        if not rule.locked:
            return rule.handler(context)
        with core.lock:
            return rule.handler(context)
    raise Refused(404, "Not Found" if not call.caller.anonymous else "Not Found (no credentials were sent)")


def _state(core: Core, call: Call, parts: dict[str, str], rule: Rule) -> RepositoryState:
    if "owner" not in parts:
        return next(iter(core.repositories.values()))
    full_name = f"{parts['owner']}/{parts['name']}"
    if call.caller.anonymous:
        raise Refused(404, "Not Found")
    state = core.repository(full_name)
    core.allow(call.caller, full_name, rule.need, f"{call.method} {call.path}")
    return state


def page(context: Context, items: Sequence[Any], wrap: str | None = None) -> Reply:
    """One page of a list with the Link header GitHub sends; ``wrap`` names the list's key."""
    query = context.call.query
    size = min(MAX_PAGE, max(1, _whole(query.get("per_page"), DEFAULT_PAGE)))
    at = max(1, _whole(query.get("page"), 1))
    last = max(1, -(-len(items) // size))
    chosen = list(items[(at - 1) * size : at * size])
    value = chosen if wrap is None else {"total_count": len(items), wrap: chosen}
    wanted = {"prev": at - 1, "next": at + 1, "last": last, "first": 1}
    links = [f'<{_link(context, number)}>; rel="{name}"' for name, number in wanted.items() if _shown(name, at, last)]
    return Reply.of(200, value, **({"link": ", ".join(links)} if links else {}))


def _shown(name: str, at: int, last: int) -> bool:
    return at > 1 if name in ("prev", "first") else at < last


def _link(context: Context, number: int) -> str:
    query = context.call.query | {"page": str(number)}
    return f"https://{context.call.host}{context.call.path}?{urlencode(query)}"


def _whole(text: str | None, default: int) -> int:
    return int(text) if text and text.isdigit() else default


def required(value: dict[str, Any], *names: str) -> None:
    """Raise ``Refused`` (422) unless the body has all of ``names``."""
    missing = [name for name in names if value.get(name) in (None, "")]
    if missing:
        raise Refused(422, f'Invalid request. "{missing[0]}" wasn\'t supplied.')
