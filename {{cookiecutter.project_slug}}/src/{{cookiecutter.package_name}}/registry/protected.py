"""The two ways onto a main that takes no push from a job's own token: a deploy key that may bypass the rule, or a person who merges."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .. import ProblemError, github
from ..git import git

PROPOSAL = "promotion"  # the branch, and so at most one pull request, of what waits for a person
KEY = "PROMOTION_KEY"


class ProtectedError(ProblemError):
    """What a protected main needs is missing."""


def push_with_key(commit: str, branch: str) -> None:
    """Push a commit to ``branch`` over SSH with the deploy key of the secret ``PROMOTION_KEY``.

    Host keys are those that GitHub tells over HTTPS. Raises ProtectedError without the secret, GitError when the push is refused.
    """
    key = os.environ.get(KEY, "")
    if not key.strip():
        raise ProtectedError(f"promotion.push is deploy-key, but the secret {KEY} is not set; see README.md, 'Protected main'")
    with _ssh(key) as command:
        git("-c", f"core.sshCommand={command}", "push", "-q", f"git@{_host()}:{github.repository()}.git", f"{commit}:refs/heads/{branch}")


def propose(commit: str, base: str, title: str, text: str) -> int:
    """Bring the branch ``promotion`` to a commit and return the number of its one open pull request, new or brought up to date.

    Nothing is pushed where the branch has the same content on the same base already.
    """
    there = git("ls-remote", "origin", f"refs/heads/{PROPOSAL}").partition("\t")[0]
    if there:
        git("fetch", "-q", "--no-tags", "origin", f"refs/heads/{PROPOSAL}")
    if not there or _content(there) != _content(commit):
        git("push", "-q", "--force", "origin", f"{commit}:refs/heads/{PROPOSAL}")
    owner = github.repository().partition("/")[0]
    opened = github.get("pulls", state="open", head=f"{owner}:{PROPOSAL}", base=base)
    if opened:
        github.send("PATCH", f"pulls/{opened[0]['number']}", {"title": title, "body": text})
    else:
        opened = [github.send("POST", "pulls", {"title": title, "head": PROPOSAL, "base": base, "body": text})]
    number: int = opened[0]["number"]
    return number


def _content(commit: str) -> str:
    return git("show", "-s", "--format=%T %P", commit)


@contextmanager
def _ssh(key: str) -> Iterator[str]:
    """The ssh command with a key that lies in a file, readable by this user alone, for as long as it is needed."""
    with tempfile.TemporaryDirectory() as folder:
        identity, hosts = Path(folder, "key"), Path(folder, "known_hosts")
        identity.touch(mode=0o600)
        identity.write_text(key.strip() + "\n", encoding="utf-8")
        hosts.write_text("".join(f"{_host()} {line}\n" for line in _host_keys()), encoding="utf-8")
        yield f"ssh -i {identity} -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile={hosts}"


def _host_keys() -> list[str]:
    keys: list[str] = github.meta()["ssh_keys"]
    return keys


def _host() -> str:
    return (os.environ.get("GITHUB_SERVER_URL") or "https://github.com").partition("://")[2]
