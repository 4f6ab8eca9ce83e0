"""GitHub's REST API through ``gh``: in a job with its token, at home with gh's log-in."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from . import ScenarioError


class RefusedError(ScenarioError):
    """GitHub refused a request, or could not be reached; ``missing`` says that there is nothing at that address."""

    def __init__(self, message: str, missing: bool = False) -> None:
        super().__init__(message)
        self.missing = missing


def get(path: str) -> Any:
    """``GET repos/<this repository>/<path>``, decoded. Raises RefusedError."""
    return json.loads(_gh("api", _address(path)))


def every(path: str, key: str | None = None) -> list[Any]:
    """All items of a list over all its pages; ``key`` names the list inside an object page. Raises RefusedError."""
    separator = "&" if "?" in path else "?"
    pages = json.loads(_gh("api", "--paginate", "--slurp", _address(f"{path}{separator}per_page=100")))
    return [item for page in pages for item in (page[key] if key else page)]


def send(method: str, path: str, body: dict[str, Any]) -> Any:
    """POST or PATCH with a JSON body; the decoded answer. Raises RefusedError."""
    return json.loads(_gh("api", "--method", method, _address(path), "--input", "-", given=json.dumps(body)) or "null")


def download_artifact(run_id: int, name: str, folder: Path) -> bool:
    """Unpack an artifact of a workflow run into a folder that does not exist; whether the run has one. Raises RefusedError."""
    kept = every(f"actions/runs/{run_id}/artifacts", "artifacts")
    if not any(one["name"] == name and not one["expired"] for one in kept):
        return False
    _gh("run", "download", str(run_id), "--name", name, "--dir", str(folder), "--repo", repository())
    return True


def repository() -> str:
    """``owner/name``: in a job its own, at home that of the remote. Raises RefusedError where there is none."""
    return os.environ.get("GITHUB_REPOSITORY") or _gh("repo", "view", "--json", "nameWithOwner", "--jq", ".nameWithOwner").strip()


def run_link() -> str | None:
    """The address of this workflow run; None outside a job."""
    server, number = os.environ.get("GITHUB_SERVER_URL"), os.environ.get("GITHUB_RUN_ID")
    return f"{server}/{repository()}/actions/runs/{number}" if server and number else None


def _address(path: str) -> str:
    return f"repos/{repository()}/{path}"


def _gh(*arguments: str, given: str | None = None) -> str:
    try:
        done = subprocess.run(["gh", *arguments], input=given, capture_output=True, text=True, encoding="utf-8")
    except FileNotFoundError:
        raise RefusedError("gh is not on PATH: install GitHub's command line") from None
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise RefusedError(f"GitHub refused `gh {' '.join(arguments[:4])}`: {words[:300]}", missing="HTTP 404" in done.stderr)
    return done.stdout
