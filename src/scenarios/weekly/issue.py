"""``python -m scenarios.weekly.issue``: keeps one issue while the newest libraries break a bake. Standard library and ``gh`` alone.

It names the library, is brought up to date, and is closed when all works again. Ours is found by a mark; only a bot's issue counts.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from .. import ScenarioError, github
from . import FINDING

MARK = "<!-- weekly -->"


def keep(found: dict[str, Any]) -> str:
    """Open, renew or close the issue; what was done. Raises ScenarioError where GitHub refuses."""
    ours = [one for one in github.every("issues?state=open") if one["user"]["type"] == "Bot" and MARK in (one["body"] or "")]
    if not found["problem"]:
        for issue in ours:
            github.send("POST", f"issues/{issue['number']}/comments", {"body": "The newest libraries work again."})
            github.send("PATCH", f"issues/{issue['number']}", {"state": "closed"})
        return f"closed {', '.join('#' + str(one['number']) for one in ours)}" if ours else "no issue: the newest libraries work"
    body = {"title": title(found), "body": f"{MARK}\n{text(found)}"}
    if ours:
        github.send("PATCH", f"issues/{ours[0]['number']}", body)
        return f"#{ours[0]['number']} is up to date"
    return f"opened #{github.send('POST', 'issues', body)['number']}"


def title(found: dict[str, Any]) -> str:
    """Names what broke it."""
    if not found["culprits"]:
        return "A bake does not work, with the locked libraries either"
    names = [f"{name} {new}" for name, (_, new) in found["culprits"].items()]
    return f"A bake does not work with {', '.join(names[:3])}{' and more' if len(names) > 3 else ''}"


def text(found: dict[str, Any]) -> str:
    """What happened, what broke it, what to do."""
    rows = [f"| `{name}` | {old} | {new} |" for name, (old, new) in found["culprits"].items()]
    broken = ["| broken by | works | does not |", "|---|---|---|", *rows, ""] if rows else []
    advice = (
        "Put an upper bound into `pyproject.toml` of the template, or mend what breaks; then `make lock` in a bake, and copy its "
        "`requirements/` back."
        if rows
        else "It fails with the libraries that the template locks, so none of the newer ones is to blame. `make demo` shows it."
    )
    told = f"{found['tries']} rehearsals; {len(found['upgraded'])} libraries could be newer."
    lines = [f"The rehearsal ends with `{found['problem'].replace('`', chr(39))}`.", "", *broken, advice, "", told]
    link = github.run_link()
    return "\n".join([*lines, *([f"[The run]({link}) has the whole log."] if link else [])])


if __name__ == "__main__":
    try:
        print(keep(json.loads(FINDING.read_bytes())))
    except ScenarioError as error:
        sys.exit(f"error: {error}")
