"""How objects look in REST answers and event payloads."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from ..actions.runs import Run
from .hosts import API_URL, GIT_URL, UPLOADS_HOST
from .model import Artifact, Asset, CheckRun, Comment, Deployment, Issue, IssueEvent, Pull, Release, RepositoryState, Status

View = dict[str, Any]


def user(login: str) -> View:
    """A user, or a bot when the login ends in [bot]."""
    bot = login.endswith("[bot]")
    number = 41898282 if login == "github-actions[bot]" else 1000 + sum(map(ord, login))
    return {
        "login": login,
        "id": number,
        "node_id": f"U_{number}",
        "type": "Bot" if bot else "User",
        "html_url": f"{GIT_URL}/{login}",
        "site_admin": False,
    }


def repository(state: RepositoryState) -> View:
    """A repository."""
    return {
        "id": state.id,
        "node_id": f"R_{state.id}",
        "name": state.name,
        "full_name": state.full_name,
        "private": state.private,
        "visibility": "private" if state.private else "public",
        "owner": user(state.owner) | ({"type": "Organization"} if state.organisation else {}),
        "default_branch": state.default_branch,
        "fork": state.parent is not None,
        "html_url": f"{GIT_URL}/{state.full_name}",
        "clone_url": f"{GIT_URL}/{state.full_name}.git",
        "url": f"{API_URL}/repos/{state.full_name}",
        "allow_merge_commit": True,
        "allow_squash_merge": True,
        "allow_rebase_merge": False,
        "allow_auto_merge": True,
        "has_issues": True,
    }


def issue(state: RepositoryState, one: Issue) -> View:
    """An issue, or a pull request the way the issues interface shows it."""
    kind = "pull" if isinstance(one, Pull) else "issues"
    view = {
        "id": 7_000_000 + one.number,
        "node_id": f"I_{state.id}_{one.number}",
        "number": one.number,
        "title": one.title,
        "body": one.body,
        "state": one.state,
        "user": user(one.author),
        "labels": [label(state, name) for name in one.labels],
        "created_at": one.created_at,
        "html_url": f"{GIT_URL}/{state.full_name}/{kind}/{one.number}",
        "url": f"{API_URL}/repos/{state.full_name}/issues/{one.number}",
        "comments": sum(1 for comment in state.comments.values() if comment.number == one.number),
        "assignees": [],
    }
    if isinstance(one, Pull):
        view["pull_request"] = {"url": f"{API_URL}/repos/{state.full_name}/pulls/{one.number}"}
    return view


def issue_event(state: RepositoryState, one: IssueEvent) -> View:
    """An event of an issue or pull request."""
    shown = label(state, one.label)
    return {
        "id": one.id,
        "node_id": f"LE_{one.id}",
        "url": f"{API_URL}/repos/{state.full_name}/issues/events/{one.id}",
        "event": one.event,
        "actor": user(one.actor),
        "label": {"name": shown["name"], "color": shown["color"]},
        "commit_id": None,
        "created_at": one.created_at,
    }


def label(state: RepositoryState, name: str) -> View:
    """A label."""
    known = state.labels.get(name, {})
    return {"name": name, "color": known.get("color", "ededed"), "description": known.get("description")}


def pull(state: RepositoryState, one: Pull, head: RepositoryState | None, mergeable: bool | None = None) -> View:
    """A pull request; ``head`` is the head's repository (None once deleted)."""
    url = f"{API_URL}/repos/{state.full_name}/pulls/{one.number}"
    head_owner = one.head_repository.split("/")[0]
    return {
        "id": 5_000_000 + one.number,
        "node_id": f"PR_{state.id}_{one.number}",
        "number": one.number,
        "title": one.title,
        "body": one.body,
        "state": one.state,
        "draft": one.draft,
        "user": user(one.author),
        "labels": [label(state, name) for name in one.labels],
        "url": url,
        "html_url": f"{GIT_URL}/{state.full_name}/pull/{one.number}",
        "created_at": one.created_at,
        "merged_at": one.merged_at,
        "merged": one.merged,
        "mergeable": mergeable,
        "merge_commit_sha": one.merge_commit_sha,
        "author_association": "CONTRIBUTOR",
        "merged_by": user(one.merged_by) if one.merged_by else None,
        "auto_merge": {"enabled_by": user(one.auto_merge)} if one.auto_merge else None,
        "head": {
            "ref": one.head_ref,
            "sha": one.head_sha,
            "label": f"{head_owner}:{one.head_ref}",
            "user": user(head_owner),
            "repo": repository(head) if head else None,
        },
        "base": {
            "ref": one.base_ref,
            "sha": one.base_sha,
            "label": f"{state.owner}:{one.base_ref}",
            "user": user(state.owner),
            "repo": repository(state),
        },
        "statuses_url": f"{API_URL}/repos/{state.full_name}/statuses/{one.head_sha}",
        "comments_url": f"{API_URL}/repos/{state.full_name}/issues/{one.number}/comments",
    }


def comment(state: RepositoryState, one: Comment) -> View:
    """A comment on an issue, pull request or commit."""
    base = f"{API_URL}/repos/{state.full_name}"
    if one.sha is not None:
        url, page = f"{base}/comments/{one.id}", f"commit/{one.sha}#commitcomment-{one.id}"
    else:
        kind = "pull" if state.pull(one.number or 0) else "issues"
        url, page = f"{base}/issues/comments/{one.id}", f"{kind}/{one.number}#issuecomment-{one.id}"
    view = {
        "id": one.id,
        "node_id": f"IC_{one.id}",
        "url": url,
        "html_url": f"{GIT_URL}/{state.full_name}/{page}",
        "body": one.body,
        "user": user(one.author),
        "created_at": one.created_at,
        "updated_at": one.updated_at,
        "author_association": "NONE",
    }
    return view | ({"commit_id": one.sha} if one.sha else {"issue_url": f"{base}/issues/{one.number}"})


def status(one: Status) -> View:
    """A commit status."""
    return {
        "id": one.id,
        "node_id": f"SC_{one.id}",
        "state": one.state,
        "context": one.context,
        "description": one.description,
        "target_url": one.target_url,
        "creator": user(one.author),
        "created_at": one.created_at,
        "updated_at": one.created_at,
    }


def check(state: RepositoryState, one: CheckRun) -> View:
    """A check run."""
    return {
        "id": one.id,
        "name": one.name,
        "head_sha": one.head_sha,
        "status": one.status,
        "conclusion": one.conclusion,
        "output": {"title": None, "summary": None, **one.output},
        "started_at": one.started_at,
        "completed_at": one.started_at if one.conclusion else None,
        "html_url": f"{GIT_URL}/{state.full_name}/runs/{one.id}",
        "app": {"slug": "github-actions"},
    }


def run(state: RepositoryState, one: Run, head: RepositoryState | None, pulls: list[Pull]) -> View:
    """A workflow run; ``pulls`` is empty for a head in a fork, as on GitHub."""
    url = f"{API_URL}/repos/{state.full_name}/actions/runs/{one.id}"
    return {
        "id": one.id,
        "node_id": f"WFR_{one.id}",
        "name": one.name,
        "display_title": one.name,
        "path": one.path,
        "run_number": one.number,
        "run_attempt": 1,
        "event": one.event,
        "status": one.status,
        "conclusion": one.conclusion,
        "workflow_id": workflow_id(one.path),
        "head_branch": one.head_branch,
        "head_sha": one.head_sha,
        "head_commit": {"id": one.head_sha},
        "actor": user(one.actor),
        "triggering_actor": user(one.actor),
        "created_at": one.created_at,
        "updated_at": one.updated_at,
        "run_started_at": one.created_at,
        "url": url,
        "artifacts_url": f"{url}/artifacts",
        "jobs_url": f"{url}/jobs",
        "html_url": f"{GIT_URL}/{state.full_name}/actions/runs/{one.id}",
        "repository": repository(state),
        "head_repository": repository(head) if head else None,
        "pull_requests": [
            {
                "number": p.number,
                "head": {"ref": p.head_ref, "sha": p.head_sha},
                "base": {"ref": p.base_ref, "sha": p.base_sha},
            }
            for p in pulls
        ],
    }


def job(one: Run, name: str, number: int) -> View:
    """A job of a run."""
    result = one.jobs.get(name)
    shown = str((one.definition.jobs[name] if one.definition else {}).get("name", name))
    state = "completed" if result else "in_progress" if name in one.running_jobs.values() else "queued"
    return {
        "id": one.id * 100 + number,
        "run_id": one.id,
        "name": shown,
        "status": state,
        "conclusion": result,
        "head_sha": one.head_sha,
    }


def workflow_id(path: str) -> int:
    """A number that belongs to a workflow's path."""
    return 100_000 + sum(index * ord(char) for index, char in enumerate(path, start=1))


def artifact(state: RepositoryState, one: Artifact, head_sha: str) -> View:
    """An artifact."""
    url = f"{API_URL}/repos/{state.full_name}/actions/artifacts/{one.id}"
    return {
        "id": one.id,
        "node_id": f"A_{one.id}",
        "name": one.name,
        "size_in_bytes": one.path.stat().st_size,
        "url": url,
        "archive_download_url": f"{url}/zip",
        "expired": False,
        "digest": f"sha256:{one.digest}",
        "created_at": one.created_at,
        "workflow_run": {"id": one.run_id, "head_sha": head_sha},
    }


def deployment(state: RepositoryState, one: Deployment) -> View:
    """A deployment."""
    url = f"{API_URL}/repos/{state.full_name}/deployments/{one.id}"
    return {
        "id": one.id,
        "node_id": f"DE_{one.id}",
        "url": url,
        "sha": one.sha,
        "ref": one.ref,
        "task": one.task,
        "environment": one.environment,
        "description": one.description,
        "payload": one.payload,
        "creator": user(one.creator),
        "created_at": one.created_at,
        "statuses_url": f"{url}/statuses",
    }


def release(state: RepositoryState, one: Release) -> View:
    """A release with its assets."""
    url = f"{API_URL}/repos/{state.full_name}/releases/{one.id}"
    return {
        "id": one.id,
        "node_id": f"RE_{one.id}",
        "tag_name": one.tag_name,
        "target_commitish": one.target,
        "name": one.name,
        "body": one.body,
        "draft": one.draft,
        "prerelease": one.prerelease,
        "author": user(one.author),
        "created_at": one.created_at,
        "published_at": one.published_at,
        "assets": [asset(state, one, item) for item in one.assets.values()],
        "url": url,
        "html_url": f"{GIT_URL}/{state.full_name}/releases/tag/{f'untagged-{one.id}' if one.draft else one.tag_name}",
        "assets_url": f"{url}/assets",
        "upload_url": f"https://{UPLOADS_HOST}/repos/{state.full_name}/releases/{one.id}/assets{{?name,label}}",
    }


def asset(state: RepositoryState, one: Release, item: Asset) -> View:
    """A file of a release."""
    whole = item.state == "uploaded"
    return {
        "id": item.id,
        "node_id": f"RA_{item.id}",
        "name": item.name,
        "label": "",
        "state": item.state,
        "created_at": item.created_at,
        "updated_at": item.created_at,
        "download_count": 0,
        "content_type": item.kind,
        "size": len(item.content),
        "digest": f"sha256:{hashlib.sha256(item.content).hexdigest()}" if whole else None,
        "uploader": user(one.author),
        "url": f"{API_URL}/repos/{state.full_name}/releases/assets/{item.id}",
        "browser_download_url": f"{GIT_URL}/{state.full_name}/releases/download/{one.tag_name}/{item.name}",
    }


def closing_numbers(text: str) -> list[int]:
    """Issue numbers that a text closes ("fixes #3")."""
    return [int(found) for found in re.findall(r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)\s+#(\d+)", text, re.IGNORECASE)]
