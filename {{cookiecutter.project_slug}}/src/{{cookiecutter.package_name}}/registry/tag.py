"""The tag of a promoted version, ``<model>@v3.0.0``, for people and tools; the pointer files are the truth, a tag is a convenience.

The grammar is that of GTO 1.10 (``artifact@v`` and a semantic version), so that ``gto show`` lists the versions and
``dvc artifacts get . <model> --rev v3.0.0`` finds a version's model: our version 3 is its 3.0.0.
"""

import re
from typing import NamedTuple

from .. import ProblemError
from ..git import GitError, git
from ..pointer import Pointer

_TAGGER = "github-actions[bot] <41898282+github-actions[bot]@users.noreply.github.com>"


class TagError(ProblemError):
    """A version's tag cannot be made, or names something else."""


class _Remote(NamedTuple):
    """The tags of a model on ``origin``, by name: the object that the ref names, and the commit behind it."""

    objects: dict[str, str]
    commits: dict[str, str]


def slug(model: str) -> str:
    """A model's name in tags: small letters, digits and single dashes, as GTO and DVC want the name of an artifact."""
    return re.sub(r"[^a-z0-9]+", "-", model.lower()).strip("-")


def name(pointer: Pointer) -> str:
    """The tag of a version: ``churn@v3.0.0``."""
    return f"{slug(pointer.model)}@v{pointer.version}.0.0"


def ensure(pointer: Pointer, commit: str) -> str:
    """Make sure that ``origin`` has the annotated tag of ``pointer`` at ``commit``; returns the tag's name.

    ``commit`` is the one that recorded the promotion: its ``dvc.lock`` names the model. Equal calls make the same tag object, so the
    call can be repeated and cut off anywhere.

    Raises:
        TagError: the tag names another commit, the commit carries another version of the model, or ``origin`` refuses the tag.
    """
    wanted = name(pointer)
    found = _remote(pointer)
    if wanted not in found.objects:
        _refuse_second_version(found, wanted, commit)
        _push(wanted, _object(wanted, pointer, commit))
        found = _remote(pointer)
    if found.commits.get(wanted) != commit:
        there = found.commits.get(wanted, "nothing")
        raise TagError(
            f"tag {wanted} names {there} and not {commit}, which promoted version {pointer.version}; "
            f"if {there[:9]} is wrong, delete the tag (`git push origin :refs/tags/{wanted}`) and run the workflow again"
        )
    return wanted


def _remote(pointer: Pointer) -> _Remote:
    """What ``origin`` has; a ref that names an annotated tag is listed twice, the second time as ``^{}`` with its commit."""
    try:
        listing = git("ls-remote", "origin", f"refs/tags/{slug(pointer.model)}@v*")
    except GitError as error:
        raise TagError(f"the tags of {pointer.model} cannot be read: {error}; run the workflow again") from None
    pairs = [line.split("\t", 1) for line in listing.splitlines()]
    named = {ref.removeprefix("refs/tags/"): sha for sha, ref in pairs}
    objects = {ref: sha for ref, sha in named.items() if not ref.endswith("^{}")}
    return _Remote(objects, {ref: named.get(f"{ref}^{{}}", sha) for ref, sha in objects.items()})


def _refuse_second_version(found: _Remote, wanted: str, commit: str) -> None:
    others = sorted(one for one, its in found.commits.items() if its == commit)
    if others:
        raise TagError(
            f"commit {commit[:9]} carries the tag {others[0]}, and GTO reads no repository in which one commit has two versions of a "
            f"model; {wanted} belongs to the commit that promoted it"
        )


def _object(wanted: str, pointer: Pointer, commit: str) -> str:
    """Write the tag object, dated like its commit so that it is the same one each time; no ref of this clone names it."""
    when = git("show", "-s", "--format=%cd", "--date=raw", commit)
    origin = f" from pull request #{pointer.pull_request}" if pointer.pull_request else ""
    text = f"{pointer.model} version {pointer.version}{origin}\n\n{pointer.digest}"
    return git("mktag", stdin=f"object {commit}\ntype commit\ntag {wanted}\ntagger {_TAGGER} {when}\n\n{text}\n")


def _push(wanted: str, tag_object: str) -> None:
    try:
        git("push", "-q", "origin", f"{tag_object}:refs/tags/{wanted}")
    except GitError as error:
        raise TagError(f"origin did not take the tag {wanted}: {error}; give this workflow the right to push tags, run it again") from None
