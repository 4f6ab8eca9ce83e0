"""One repository, for the one who tells the story."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..actions.checks import Checker
from ..actions.runs import Run
from ..actions.tree import Tree
from ..actions.workflow import parse, workflows_of
from ..errors import Refused, RehearseError
from . import dispatching, git, labelling, merging, queue
from .hosts import GIT_URL
from .model import (
    Artifact,
    CheckRun,
    Comment,
    Deployment,
    Environment,
    Issue,
    Protection,
    Pull,
    Release,
    RepositoryState,
    Status,
)

if TYPE_CHECKING:
    from .core import Core


class Repository:
    """Handle on a repository of a :class:`LocalGitHub`. Records come oldest first."""

    def __init__(self, core: Core, state: RepositoryState) -> None:
        self._core, self.state = core, state

    @property
    def full_name(self) -> str:
        """``owner/name``."""
        return self.state.full_name

    @property
    def url(self) -> str:
        """Address to clone from, through the world's proxy."""
        return f"{GIT_URL}/{self.full_name}"

    @property
    def git_dir(self) -> Path:
        """The bare repository on disk."""
        return self.state.git_dir

    def protect(
        self,
        branch: str,
        required_statuses: Iterable[str] = (),
        *,
        require_pull: bool = False,
        bypass: Iterable[str] = (),
    ) -> None:
        """Protect a branch: required statuses before a merge or push, no force push, no deletion.

        Logins in ``bypass`` are free of all of it.
        """
        self.state.protections[branch] = Protection(list(required_statuses), require_pull, frozenset(bypass))

    def add_secret(self, name: str, value: str) -> None:
        """Add a repository secret. Raises ``RehearseError`` for a name GitHub reserves."""
        if name.upper().startswith("GITHUB_"):
            raise RehearseError(f"secret {name}: GitHub reserves names that begin with GITHUB_")
        self.state.secrets[name] = value

    def add_variable(self, name: str, value: str) -> None:
        """Add a repository variable (``vars.NAME``)."""
        self.state.variables[name] = value

    def add_environment(
        self,
        name: str,
        branches: list[str] | None = None,
        secrets: Mapping[str, str] | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Add a deployment environment; ``branches`` are patterns of who may deploy."""
        self.state.environments[name] = Environment(name, branches, dict(secrets or {}), dict(variables or {}))

    def leave_out(self, workflow: str, reason: str) -> None:
        """Do not play a workflow file, for a reason that is kept in ``state.left_out``."""
        self.state.left_out[workflow] = reason

    def check(self, ref: str | None = None) -> list[str]:
        """Check every workflow of a ref; return their files. Raises ``PlayError``."""
        tree = Tree(self.git_dir, self.sha(ref))
        checked = [parse(path, text) for path, text in workflows_of(tree).items() if path.rsplit("/", 1)[-1] not in self.state.left_out]
        for workflow in checked:
            Checker(tree, self._core.standins).check(workflow)
        return [workflow.file for workflow in checked]

    def open_pull(self, head: str, title: str, body: str = "", author: str = "", base: str | None = None) -> int:
        """Open a pull request from ``branch`` or ``owner:branch`` and return its number.

        Raises ``Refused`` (422).
        """
        chosen = author or head.rpartition(":")[0] or self.state.owner
        return merging.open_pull(
            self._core,
            self.state,
            head=head,
            base=base or self.state.default_branch,
            title=title,
            body=body,
            author=chosen,
        ).number

    def auto_merge(self, number: int, actor: str | None = None) -> None:
        """Merge the moment nothing required is missing, at once if nothing is. Raises ``Refused`` (404)."""
        pull = self.pull(number)
        pull.auto_merge = actor or pull.author
        merging.try_auto_merge(self._core, self.state, pull.head_sha)

    def merge(self, number: int, actor: str, method: str = "merge") -> str:
        """Merge now; return the merge commit. Raises ``Refused`` (404, 405, 409)."""
        return merging.merge_pull(self._core, self.state, number, actor, method=method)

    def close(self, number: int, actor: str = "") -> None:
        """Close an issue or a pull request without merging. Raises ``Refused`` (404)."""
        self._set_state(number, "closed", actor)

    def reopen(self, number: int, actor: str = "") -> None:
        """Open a closed issue or pull request again. Raises ``Refused`` (404, 422)."""
        self._set_state(number, "open", actor)

    def _set_state(self, number: int, wanted: str, actor: str) -> None:
        with self._core.lock:
            found = self._issue(number)
            if isinstance(found, Pull):
                merging.set_state(self._core, self.state, found, actor or self.state.owner, wanted)
            else:
                found.state = wanted

    def merge_group(self, number: int, actor: str = "github-merge-queue[bot]") -> str:
        """Put a pull request into the merge queue: emits ``merge_group``; return the commit tested.

        Raises ``Refused`` (404, 405) where it cannot be merged.
        """
        return queue.enter(self._core, self.state, number, actor)

    def land(self, number: int, tested: str, actor: str = "github-merge-queue[bot]") -> None:
        """Let the merge queue take up its tested commit: it becomes main if nothing required is missing, else it is dropped.

        Raises ``Refused`` (404, 405).
        """
        queue.leave(self._core, self.state, number, tested, actor)

    def label(self, number: int, name: str, actor: str) -> None:
        """Put a label on an issue or pull request as a person. Raises ``Refused`` (404)."""
        with self._core.lock:
            labelling.put(self._core, self.state, self._issue(number), name, actor)

    def unlabel(self, number: int, name: str, actor: str) -> None:
        """Take a label off as a person. Raises ``Refused`` (404)."""
        with self._core.lock:
            labelling.take_off(self._core, self.state, self._issue(number), name, actor)

    def edit_pull(self, number: int, actor: str, *, title: str | None = None, body: str | None = None) -> None:
        """Change the title or text of a pull request as a person. Raises ``Refused`` (404)."""
        with self._core.lock:
            merging.edit_pull(self._core, self.state, self.pull(number), actor, title=title, body=body)

    def _issue(self, number: int) -> Issue:
        found = self.state.issues.get(number)
        if found is None:
            raise Refused(404, f"{self.full_name} has no issue or pull request {number}")
        return found

    def dispatch(self, workflow: str, inputs: Mapping[str, Any] | None = None, actor: str = "", ref: str | None = None) -> Run:
        """Start a workflow by hand. Raises ``Refused`` (404, 422)."""
        return dispatching.dispatch(self._core, self.state, workflow, inputs or {}, actor or self.state.owner, ref)[0]

    def schedule(self, workflow: str, cron: str | None = None) -> Run:
        """Let a workflow's schedule come due now. Raises ``Refused`` (404, 422)."""
        return dispatching.schedule(self._core, self.state, workflow, cron)[0]

    def sha(self, ref: str | None = None) -> str:
        """Commit of a branch, tag or sha, of the default branch by default. Raises ``RehearseError``."""
        found = git.resolve(self.git_dir, ref or self.state.default_branch)
        if found is None:
            raise RehearseError(f"{self.full_name} has no commit {ref or self.state.default_branch}")
        return found

    def read(self, path: str, ref: str | None = None) -> str | None:
        """Text of a file at a ref, None when it is not there."""
        return Tree(self.git_dir, self.sha(ref)).read(path)

    @property
    def runs(self) -> list[Run]:
        """Every workflow run, by the time it was queued."""
        return list(self.state.runs)

    @property
    def pulls(self) -> dict[int, Pull]:
        """Every pull request by its number."""
        return {one.number: one for one in self.state.pulls}

    def pull(self, number: int) -> Pull:
        """One pull request. Raises ``Refused`` (404)."""
        found = self.state.pull(number)
        if found is None:
            raise Refused(404, f"{self.full_name} has no pull request {number}")
        return found

    @property
    def issues(self) -> list[Issue]:
        """Every issue that is not a pull request."""
        return [one for one in self.state.issues.values() if not isinstance(one, Pull)]

    def comments(self, number: int) -> list[Comment]:
        """Comments of an issue or pull request."""
        return [one for one in self.state.comments.values() if one.number == number]

    def add_comment(self, number: int, body: str, author: str) -> int:
        """Comment as a person, without starting workflows; return the comment's id."""
        with self._core.lock:
            made = Comment(self._core.next_id(), body, author, number=number)
            self.state.comments[made.id] = made
            return made.id

    def statuses(self, sha: str) -> list[Status]:
        """Commit statuses of a commit."""
        return [one for one in self.state.statuses if one.sha == sha]

    def checks(self, sha: str) -> list[CheckRun]:
        """Check runs of a commit, those of finished jobs among them."""
        return [one for one in self.state.checks if one.head_sha == sha]

    @property
    def deployments(self) -> list[Deployment]:
        """Every deployment."""
        return list(self.state.deployments)

    @property
    def releases(self) -> list[Release]:
        """Every release."""
        return list(self.state.releases)

    def artifacts(self, run_id: int | None = None) -> list[Artifact]:
        """Artifacts, of one run when it is given."""
        return [one for one in self.state.artifacts if run_id in (None, one.run_id)]
