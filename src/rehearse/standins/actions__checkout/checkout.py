"""Fetch and check out the way actions/checkout does, with git alone."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

NOT_PLAYED = {"ssh-key": "", "sparse-checkout": "", "lfs": "false", "submodules": "false"}
PULL_REF = re.compile(r"refs/pull/[0-9]+/(?:head|merge)")


def fail(message: str) -> None:
    """End the step with an error that the log shows."""
    print(f"::error::{message}")
    sys.exit(1)


def git(folder: Path, *arguments: str, check: bool = True) -> str:
    """Run git and return what it printed."""
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if check and done.returncode:
        fail(f"git {' '.join(word for word in arguments if 'AUTHORIZATION' not in word)}: {done.stderr.strip()}")
    return done.stdout.strip() if done.returncode == 0 else ""


def refuse_fork_code(repository: str, ref: str, commit: str, allowed: bool) -> None:
    """Refuse a fork's code in a trusted run, as actions/checkout v7 does."""
    event = os.environ["GITHUB_EVENT_NAME"]
    if allowed or event not in ("pull_request_target", "workflow_run"):
        return
    payload = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
    run, pull = payload.get("workflow_run") or {}, payload.get("pull_request") or {}
    if event == "workflow_run" and not str(run.get("event", "")).startswith("pull_request"):
        return
    head = run.get("head_repository") or {} if event == "workflow_run" else (pull.get("head") or {}).get("repo") or {}
    shas = [run.get("head_sha")] if event == "workflow_run" else [(pull.get("head") or {}).get("sha"), pull.get("merge_commit_sha")]
    if head.get("id") in (None, (payload.get("repository") or {}).get("id")):
        return
    if repository.lower() == str(head.get("full_name", "")).lower() or PULL_REF.fullmatch(ref) or commit in shas:
        fail(f"Refusing to check out fork pull request code from a '{event}' workflow. To opt in, set 'allow-unsafe-pr-checkout: true'.")


def target_of(ref: str) -> tuple[str, str]:
    """Local ref and branch name for the ref of the run."""
    if ref.startswith("refs/heads/"):
        return ref.replace("refs/heads/", "refs/remotes/origin/", 1), ref.removeprefix("refs/heads/")
    if ref.startswith("refs/pull/"):
        return ref.replace("refs/pull/", "refs/remotes/pull/", 1), ""
    return ref, ""


def fetch(folder: Path, header: list[str], given: dict[str, str], what: str, target: str) -> None:
    """Fetch one commit or ref into ``target``; everything when the depth is 0."""
    depth = given["fetch-depth"]
    options = [*header, "fetch", "-q", "--force", "--prune"] + ([f"--filter={given['filter']}"] if given.get("filter") else [])
    if depth == "0":
        git(folder, *options, "origin", "+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
        git(folder, *options, "origin", f"+{what}:{target}")
        return
    tags = ["--tags"] if given["fetch-tags"] == "true" else ["--no-tags"]
    git(folder, *options, *tags, f"--depth={depth}", "origin", f"+{what}:{target}")


def choose(folder: Path, header: list[str], given: dict[str, str]) -> tuple[str, str, str]:
    """What to fetch, where to, and the branch to be on ('' for a detached head)."""
    ref, own = given.get("ref", ""), given["repository"].lower() == os.environ["GITHUB_REPOSITORY"].lower()
    if not ref and own:
        target, branch = target_of(os.environ["GITHUB_REF"])
        return os.environ["GITHUB_SHA"], target, branch
    if re.fullmatch(r"[0-9a-f]{40}", ref):
        return ref, "refs/remotes/origin/detached", ""
    listed = git(folder, *header, "ls-remote", "--symref", "origin", ref or "HEAD", f"refs/heads/{ref}", f"refs/tags/{ref}")
    rows = [line.split("\t") for line in listed.splitlines()]
    names = {row[1]: row[0] for row in rows if len(row) == 2 and not row[0].startswith("ref:")}
    symbolic = [row[0].removeprefix("ref: ") for row in rows if row[0].startswith("ref:")]
    for name in [*symbolic] if not ref else [ref, f"refs/heads/{ref}", f"refs/tags/{ref}"]:
        if name in names or name in symbolic:
            target, branch = target_of(name)
            return name, target, branch
    fail(f"A branch or tag with the name '{ref or 'HEAD'}' could not be found in {given['repository']}")
    raise AssertionError


def main() -> None:
    """Do the checkout that the inputs ask for."""
    given = {name: str(value) for name, value in json.loads(os.environ["INPUTS"]).items() if value is not None}
    for name, harmless in NOT_PLAYED.items():
        if given.get(name, harmless) not in ("", harmless):
            fail(f"input '{name}' of actions/checkout is not played in a rehearsal")
    folder = Path(os.environ["GITHUB_WORKSPACE"], given.get("path", "")).resolve()
    if not folder.is_relative_to(Path(os.environ["GITHUB_WORKSPACE"]).resolve()):
        fail(f"path '{given['path']}' is not below the workspace")
    folder.mkdir(parents=True, exist_ok=True)
    for entry in folder.iterdir() if given.get("clean", "true") == "true" or not (folder / ".git").exists() else ():
        shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    server = os.environ["GITHUB_SERVER_URL"]
    secret = "AUTHORIZATION: basic " + base64.b64encode(f"x-access-token:{given['token']}".encode()).decode()
    header = ["-c", f"http.{server}/.extraheader={secret}"]
    git(folder, "init", "-q", ".")
    git(folder, "remote", "remove", "origin", check=False)
    git(folder, "remote", "add", "origin", f"{server}/{given['repository']}")
    what, target, branch = choose(folder, header, given)
    refuse_fork_code(given["repository"], given.get("ref", ""), what, given["allow-unsafe-pr-checkout"] == "true")
    fetch(folder, header, given, what, target)
    commit = git(folder, "rev-parse", f"{target}^{{commit}}")
    refuse_fork_code(given["repository"], given.get("ref", ""), commit, given["allow-unsafe-pr-checkout"] == "true")
    if branch:
        git(folder, "checkout", "-q", "--force", "-B", branch, target)
    else:
        git(folder, "checkout", "-q", "--force", "--detach", target)
    if given["persist-credentials"] == "true":
        git(folder, "config", "--local", f"http.{server}/.extraheader", secret)
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as output:
        output.write(f"commit={commit}\nref={given.get('ref') or os.environ['GITHUB_REF']}\n")
    print(f"checked out {commit[:12]} of {given['repository']}, depth {given['fetch-depth']}")


if __name__ == "__main__":
    main()
