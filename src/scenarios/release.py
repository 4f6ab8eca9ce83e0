"""``python -m scenarios.release``: publishes the newest version of ``CHANGELOG.md`` with its notes, unless it is there already."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from . import ScenarioError, github

CHANGELOG = Path("CHANGELOG.md")
_HEADING = re.compile(r"^## \[?v?(?P<version>\d+\.\d+\.\d+)\]?(?P<rest>.*)$", re.MULTILINE)
_ANY = re.compile(r"^## ", re.MULTILINE)


@dataclass(frozen=True)
class Release:
    """A version as it is tagged, and its notes."""

    tag: str
    notes: str


def newest(text: str) -> Release | None:
    """The version that heads a changelog; None while that is marked as not released. Raises ScenarioError where there is no heading."""
    first = _ANY.search(text)
    if first is None:
        raise ScenarioError(f"{CHANGELOG} has no version: head one with `## v1.2.3`")
    heading = _HEADING.match(text, first.start())
    if heading is None or "unreleased" in heading["rest"].lower():
        return None
    end = _ANY.search(text, heading.end())
    return Release(f"v{heading['version']}", text[heading.end() : end.start() if end else len(text)].strip())


def publish(release: Release, commit: str) -> str:
    """Tag the commit and publish the notes, unless the version is there; what was done. Raises ScenarioError where GitHub refuses."""
    try:
        github.get(f"releases/tags/{release.tag}")
        return f"{release.tag} is released already"
    except github.RefusedError as error:
        if not error.missing:
            raise
    body = {"tag_name": release.tag, "target_commitish": commit, "name": release.tag, "body": release.notes}
    return f"released {release.tag}: {github.send('POST', 'releases', body)['html_url']}"


def main() -> None:
    """Publish what heads the changelog here, for the commit of this run."""
    commit = os.environ.get("GITHUB_SHA")
    if commit is None:
        raise ScenarioError("GITHUB_SHA names no commit: releases are made by the workflow")
    if not CHANGELOG.exists():
        raise ScenarioError(f"{CHANGELOG} is missing")
    found = newest(CHANGELOG.read_text(encoding="utf-8"))
    print("nothing to release: the newest version is not released yet" if found is None else publish(found, commit))


if __name__ == "__main__":
    try:
        main()
    except ScenarioError as error:
        sys.exit(f"error: {error}")
