"""Pull requests: opening, following their branches, merging under protection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import Refused
from . import events, git, rulesets
from .model import Protection, Pull, RepositoryState, now
from .views import closing_numbers

if TYPE_CHECKING:
    from .core import Core

METHODS = ("merge", "squash")
QUEUE_ONLY = "Changes must be made through the merge queue"
PASSING = ("success", "neutral", "skipped")


def open_pull(
    core: Core,
    state: RepositoryState,
    *,
    head: str,
    base: str,
    title: str,
    body: str,
    author: str,
    draft: bool = False,
    quiet: bool = False,
) -> Pull:
    """Open a pull request from ``branch`` or ``owner:branch``. Raises ``Refused`` (422)."""
    owner, _, branch = head.rpartition(":")
    source = _head_repository(core, state, owner)
    head_sha = git.resolve(source.git_dir, f"refs/heads/{branch}")
    base_sha = git.resolve(state.git_dir, f"refs/heads/{base}")
    if head_sha is None or base_sha is None:
        name, value = ("head", head) if head_sha is None else ("base", base)
        raise Refused(422, f"Validation Failed: {name} is invalid ({value} is not a branch)")
    if any(
        one.state == "open" and (one.head_repository, one.head_ref, one.base_ref) == (source.full_name, branch, base) for one in state.pulls
    ):
        raise Refused(422, f"Validation Failed: A pull request already exists for {source.owner}:{branch}.")
    if head_sha == base_sha or git.is_ancestor(state.git_dir, head_sha, base_sha):
        raise Refused(422, f"Validation Failed: No commits between {base} and {head}")
    with state.push_lock, core.lock:
        one = Pull(
            number=next(state.numbers),
            title=title,
            body=body,
            author=author,
            draft=draft,
            head_repository=source.full_name,
            head_ref=branch,
            head_sha=head_sha,
            base_ref=base,
            base_sha=base_sha,
        )
        state.issues[one.number] = one
        refresh(core, state, one)
        core.tell("pull opened", repository=state.full_name, number=one.number, title=title, author=author)
        if not quiet:
            events.pull_request(core, state, one, "opened", author)
    return one


def edit_pull(
    core: Core, state: RepositoryState, one: Pull, actor: str, *, title: str | None = None, body: str | None = None, quiet: bool = False
) -> None:
    """Change title or text of a pull request; what is None stays. With ``quiet`` (a run's token did it) no workflow starts."""
    before = (one.title, one.body)
    one.title, one.body = title or one.title, one.body if body is None else body
    if not quiet and (one.title, one.body) != before:
        events.pull_request(core, state, one, "edited", actor)


def set_state(core: Core, state: RepositoryState, one: Pull, actor: str, wanted: str, *, quiet: bool = False) -> None:
    """Close a pull request without merging, or open it again; a merged one stays closed. With ``quiet`` no workflow starts.

    Raises ``Refused`` (422) where it cannot be opened: its branch is gone, or has another open pull request.
    """
    if one.merged or one.state == wanted:
        return
    if wanted == "open":
        head = git.resolve(core.repositories[one.head_repository].git_dir, f"refs/heads/{one.head_ref}")
        same = (one.head_repository, one.head_ref, one.base_ref)
        taken = any(each.state == "open" and (each.head_repository, each.head_ref, each.base_ref) == same for each in state.pulls)
        if head is None or taken:
            raise Refused(422, "Validation Failed: state cannot be changed")
        one.head_sha = head
        refresh(core, state, one)
    one.state = wanted
    if not quiet:
        events.pull_request(core, state, one, "reopened" if wanted == "open" else "closed", actor)


def _head_repository(core: Core, state: RepositoryState, owner: str) -> RepositoryState:
    if owner in ("", state.owner):
        return state
    for other in core.repositories.values():
        if other.owner == owner and other.parent == state.full_name:
            return other
    raise Refused(422, f"Validation Failed: {owner} has no fork of {state.full_name}")


def refresh(core: Core, state: RepositoryState, one: Pull) -> None:
    """Point refs/pull/N/head and /merge at the present head and base."""
    source = core.repositories[one.head_repository]
    if source is not state:
        git.git(
            state.git_dir,
            "fetch",
            "-q",
            "--no-tags",
            str(source.git_dir),
            f"+{one.head_sha}:refs/pull/{one.number}/head",
        )
    one.base_sha = git.resolve(state.git_dir, f"refs/heads/{one.base_ref}") or one.base_sha
    git.update_ref(state.git_dir, f"refs/pull/{one.number}/head", one.head_sha)
    merged = git.merge(state.git_dir, one.base_sha, one.head_sha, f"Merge {one.head_sha} into {one.base_sha}")
    if merged is None:
        git.git(state.git_dir, "update-ref", "-d", f"refs/pull/{one.number}/merge")
    else:
        git.update_ref(state.git_dir, f"refs/pull/{one.number}/merge", merged)
    one.merge_commit_sha = merged


def branch_moved(core: Core, state: RepositoryState, ref: str, old: str, new: str, actor: str, *, by_run: bool) -> None:
    """What GitHub does after a ref changed. An event made with a run's token starts nothing."""
    branch = ref.removeprefix("refs/heads/")
    with core.lock:
        core.tell("pushed", repository=state.full_name, ref=ref, old=old, new=new, actor=actor, by_run=by_run)
        if ref.startswith("refs/heads/") and new != git.ZERO:
            _follow_head(core, state, branch, new, actor, by_run=by_run)
            _follow_base(core, state, branch, new, actor)
        if not by_run:
            events.push(core, state, ref, old, new, actor)


def _follow_head(core: Core, state: RepositoryState, branch: str, new: str, actor: str, *, by_run: bool) -> None:
    for target in list(core.repositories.values()):
        for one in target.pulls:
            if one.state == "open" and (one.head_repository, one.head_ref) == (state.full_name, branch):
                one.head_sha = new
                refresh(core, target, one)
                if not by_run:
                    events.pull_request(core, target, one, "synchronize", actor)


def _follow_base(core: Core, state: RepositoryState, branch: str, new: str, actor: str) -> None:
    for one in state.pulls:
        if one.state != "open" or one.base_ref != branch:
            continue
        if git.is_ancestor(state.git_dir, one.head_sha, new):
            _close_as_merged(core, state, one, new, actor)
        else:
            refresh(core, state, one)


def protection_of(state: RepositoryState, branch: str) -> Protection | None:
    """Rules of a branch, None when it is not protected."""
    return rulesets.protection(state, branch)


def missing_statuses(state: RepositoryState, required: list[str], sha: str) -> list[str]:
    """Required contexts without a newest status of success or a passing check run."""
    latest = {one.context: one.state == "success" for one in state.statuses if one.sha == sha}
    latest |= {one.name: one.conclusion in PASSING for one in state.checks if one.head_sha == sha and one.name not in latest}
    return [context for context in required if not latest.get(context)]


def why_not_push(state: RepositoryState, ref: str, new: str, login: str) -> str | None:
    """Why a direct push of ``new`` to ``ref`` is declined, None when it is not."""
    if ref.startswith("refs/pull/"):
        return "deny updating a hidden ref"
    rules = protection_of(state, ref.removeprefix("refs/heads/")) if ref.startswith("refs/heads/") else None
    if rules is None or login in rules.bypass:
        return None
    if rules.queue:
        return QUEUE_ONLY
    if rules.require_pull:
        return "Changes must be made through a pull request."
    missing = missing_statuses(state, rules.required_statuses, new)
    return (
        "".join(
            f'Required status check "{missing[0]}" is expected.'
            if len(missing) == 1
            else f"{len(missing)} of {len(rules.required_statuses)} required status checks are expected."
        )
        if missing
        else None
    )


def merge_pull(
    core: Core,
    state: RepositoryState,
    number: int,
    actor: str,
    *,
    method: str = "merge",
    by_run: bool = False,
    sha: str | None = None,
) -> str:
    """Merge a pull request and return the merge commit. Raises ``Refused`` (404, 405, 409)."""
    with state.push_lock, core.lock:
        one = state.pull(number)
        if one is None:
            raise Refused(404, "Not Found")
        if one.state != "open" or one.draft:
            raise Refused(405, "Pull Request is not mergeable" if not one.draft else "Pull Request is still a draft")
        if sha is not None and sha != one.head_sha:
            raise Refused(409, "Head branch was modified. Review and try the merge again.")
        if method not in METHODS:
            raise Refused(405, f"{method.capitalize()} merges are not allowed on this repository.")
        rules = protection_of(state, one.base_ref)
        missing = missing_statuses(state, rules.required_statuses, one.head_sha) if rules and actor not in rules.bypass else []
        if rules and rules.queue and actor not in rules.bypass:
            raise Refused(405, QUEUE_ONLY)
        if missing:
            raise Refused(405, "".join(f'Required status check "{name}" is expected. ' for name in missing).strip())
        made = _merge_commit(state, one, method)
        old = git.resolve(state.git_dir, f"refs/heads/{one.base_ref}") or one.base_sha
        move_base(core, state, one, old, made, actor, by_run=by_run)
        return made


def move_base(core: Core, state: RepositoryState, one: Pull, old: str, made: str, actor: str, *, by_run: bool = False) -> None:
    """Move the base branch from ``old`` to ``made``, which merges the pull request."""
    git.git(state.git_dir, "update-ref", f"refs/heads/{one.base_ref}", made, old)
    _close_as_merged(core, state, one, made, actor)
    if not by_run:
        events.pull_request(core, state, one, "closed", actor)
    branch_moved(core, state, f"refs/heads/{one.base_ref}", old, made, actor, by_run=by_run)


def merge_message(one: Pull) -> str:
    """Message of a pull request's merge commit."""
    owner = one.head_repository.split("/")[0]
    return f"Merge pull request #{one.number} from {owner}/{one.head_ref}\n\n{one.title}"


def _merge_commit(state: RepositoryState, one: Pull, method: str) -> str:
    base = git.resolve(state.git_dir, f"refs/heads/{one.base_ref}") or one.base_sha
    if method == "squash":
        made = git.squash(state.git_dir, base, one.head_sha, f"{one.title} (#{one.number})\n\n{one.body}".strip())
    else:
        made = git.merge(state.git_dir, base, one.head_sha, merge_message(one))
    if made is None:
        raise Refused(405, "Pull Request has merge conflicts")
    return made


def _close_as_merged(core: Core, state: RepositoryState, one: Pull, made: str, actor: str) -> None:
    one.state, one.merged, one.merged_by, one.merge_commit_sha, one.merged_at = "closed", True, actor, made, now()
    for number in closing_numbers(one.body):
        if number in state.issues:
            state.issues[number].state = "closed"
    core.tell("merged", repository=state.full_name, number=one.number, sha=made, actor=actor)


def try_auto_merge(core: Core, state: RepositoryState, sha: str) -> None:
    """Merge the pull requests of this head that wait for nothing any more."""
    with state.push_lock, core.lock:
        for one in state.pulls:
            if one.state != "open" or one.auto_merge is None or one.head_sha != sha:
                continue
            rules = protection_of(state, one.base_ref)
            if missing_statuses(state, rules.required_statuses if rules else [], sha):
                continue
            try:
                merge_pull(core, state, one.number, one.auto_merge)
            except Refused as refusal:
                core.tell("auto merge refused", repository=state.full_name, number=one.number, reason=refusal.message)
