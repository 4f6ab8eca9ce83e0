"""The merge queue: a pull request merged into the newest main is tested, and that very commit becomes main, or nothing does.

Source: GitHub documentation, "Managing a merge queue".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import Refused
from . import events, git, merging
from .model import Pull, RepositoryState

if TYPE_CHECKING:
    from .core import Core

BRANCHES = "refs/heads/gh-readonly-queue"


def enter(core: Core, state: RepositoryState, number: int, actor: str) -> str:
    """Put a pull request into the queue: emits ``merge_group``; return the commit to test.

    Raises ``Refused`` (404, 405) where it cannot be merged.
    """
    with state.push_lock, core.lock:
        pull = _pull(state, number)
        base = _base(state, pull)
        merged = git.merge(state.git_dir, base, pull.head_sha, merging.merge_message(pull))
        if merged is None:
            raise Refused(405, "Pull Request has merge conflicts")
        ref = f"{BRANCHES}/{pull.base_ref}/pr-{number}-{base}"
        git.update_ref(state.git_dir, ref, merged)
        events.merge_group(core, state, pull, merged, ref, actor)
        return merged


def leave(core: Core, state: RepositoryState, number: int, tested: str, actor: str) -> None:
    """End a stay in the queue: the tested commit becomes the base branch.

    Raises ``Refused`` (404, 405) where there is no such stay, something required is missing or the base moved on: the pull request
    then stays open, out of the queue.
    """
    with state.push_lock, core.lock:
        pull = _pull(state, number)
        ref = f"{BRANCHES}/{pull.base_ref}/pr-{number}-{git.resolve(state.git_dir, f'{tested}^1')}"
        if git.resolve(state.git_dir, ref) != tested:
            raise Refused(404, f"{tested[:9]} is not in the merge queue for pull request {number}")
        git.git(state.git_dir, "update-ref", "-d", ref)
        rules = merging.protection_of(state, pull.base_ref)
        if missing := merging.missing_statuses(state, rules.required_statuses if rules else [], tested):
            raise Refused(405, f'Required status check "{missing[0]}" is no success on {tested[:9]}')
        old = _base(state, pull)
        if git.resolve(state.git_dir, f"{tested}^1") != old:
            raise Refused(405, f"{pull.base_ref} moved on since {tested[:9]} was made")
        merging.move_base(core, state, pull, old, tested, actor)


def _pull(state: RepositoryState, number: int) -> Pull:
    found = state.pull(number)
    if found is None or found.state != "open":
        raise Refused(404, f"{state.full_name} has no open pull request {number}")
    return found


def _base(state: RepositoryState, pull: Pull) -> str:
    return git.resolve(state.git_dir, f"refs/heads/{pull.base_ref}") or pull.base_sha
