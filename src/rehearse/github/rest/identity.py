"""OpenID Connect: a job that may asks for a token that says which run it belongs to; whoever trusts GitHub can have it checked."""

from __future__ import annotations

import secrets

from ...actions.runs import Run
from ...errors import Refused
from .. import views
from ..server import Reply
from .router import Context, route


@route("GET", "/identity-token")
def issue(context: Context) -> Reply:
    run = context.call.caller.run
    if run is None:
        raise Refused(401, "identity tokens are for running workflows only")
    context.core.allow(context.call.caller, run.repository, (("id-token", "write"),), "an identity token")
    token = f"oidc_{secrets.token_hex(20)}"
    audience = context.call.query.get("audience") or f"https://github.com/{run.repository.split('/')[0]}"
    context.core.identities[token] = {"aud": audience, "sub": subject(context, run), "repository": run.repository}
    return Reply.of(200, {"value": token})


def subject(context: Context, run: Run) -> str:
    """As GitHub writes it since July 2026: with the numbers of owner and repository, which no later namesake has."""
    state = context.core.repositories[run.repository]
    where = "pull_request" if run.event == "pull_request" else f"ref:{run.ref}"
    return f"repo:{state.owner}@{views.user(state.owner)['id']}/{state.name}@{state.id}:{where}"
