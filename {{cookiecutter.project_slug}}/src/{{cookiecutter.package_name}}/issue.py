"""One issue about one thing: opened, kept up to date, closed; never a second one.

Ours is found by a mark in its text. Anybody may write the mark, so only a bot's issue counts.
"""

import os
from typing import Any

from . import github

_SWITCHED_OFF = 410  # what GitHub answers where a repository has no issues


def keep(mark: str, title: str, text: str) -> int:
    """Open the issue with this mark, or bring the open one up to date; its number. Raises GitHubError when GitHub refuses."""
    ours, body = find(mark), f"{mark}\n{text}"
    if ours is None:
        number: int = github.send("POST", "issues", {"title": title, "body": body})["number"]
        print(f"opened issue #{number}: {title}")
        return number
    number = ours["number"]
    github.send("PATCH", f"issues/{number}", {"title": title, "body": body})
    print(f"issue #{number} is up to date: {title}")
    return number


def close(mark: str, comment: str) -> None:
    """Close the open issue with this mark, if there is one, with a last word. Raises GitHubError when GitHub refuses."""
    if (ours := find(mark)) is None:
        return
    github.send("POST", f"issues/{ours['number']}/comments", {"body": comment})
    github.send("PATCH", f"issues/{ours['number']}", {"state": "closed"})
    print(f"closed issue #{ours['number']}")


def find(mark: str) -> dict[str, Any] | None:
    """The open issue with this mark, the oldest of several."""
    found = github.get_all("issues", state="open")
    ours = [item for item in found if "pull_request" not in item and item["user"]["type"] == "Bot" and mark in (item["body"] or "")]
    return min(ours, key=lambda item: item["number"], default=None)


def are_switched_off(error: github.GitHubError) -> bool:
    """Whether GitHub refused because this repository has no issues."""
    return error.status == _SWITCHED_OFF


def run_link() -> str | None:
    """The address of this workflow run; None outside a job."""
    server, number = os.environ.get("GITHUB_SERVER_URL"), os.environ.get("GITHUB_RUN_ID")
    return f"{server}/{github.repository()}/actions/runs/{number}" if server and number else None
