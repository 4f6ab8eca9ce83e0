"""Which events start which workflows."""

from __future__ import annotations

import pytest
import yaml

from rehearse.actions.globs import matches
from rehearse.actions.triggers import Happening, starts


@pytest.mark.parametrize(
    ("patterns", "value", "expected"),
    [
        ("main", "main", True),
        ("main", "maintenance", False),
        ("feature/*", "feature/a", True),
        ("feature/*", "feature/a/b", False),
        ("feature/**", "feature/a/b", True),
        ("*", "a/b", False),
        ("**", "a/b", True),
        ("v[12].[0-9]+.[0-9]+", "v1.10.1", True),
        ("v[12].[0-9]+.[0-9]+", "v3.1.1", False),
        ("*.jsx?", "page.js", True),
        ("*.jsx?", "page.jsx", True),
        ("*.jsx?", "page.j", False),
        ("docs/**", "docs/a/b.md", True),
        ("docs/**", "docs", False),
        ("**/README.md", "README.md", True),
        ("**/README.md", "a/b/README.md", True),
        ("**.js", "src/js/app.js", True),
        ("*.js", "src/app.js", False),
        ("a.b", "axb", False),
        (["**", "!docs/**"], "docs/x", False),
        (["**", "!docs/**", "docs/keep"], "docs/keep", True),
        (["!docs/**", "**"], "docs/x", True),
    ],
)
def test_globs(patterns: str | list[str], value: str, expected: bool) -> None:
    assert matches([patterns] if isinstance(patterns, str) else patterns, value) is expected


@pytest.mark.parametrize(
    ("on", "happening", "expected"),
    [
        ("{push: {branches: [main]}}", Happening("push", branch="main"), True),
        ("{push: {branches: [main]}}", Happening("push", branch="dev"), False),
        ("{push: {branches: [main]}}", Happening("push", tag="v1"), False),
        ("{push: {tags: ['v*']}}", Happening("push", tag="v1"), True),
        ("{push: {tags: ['v*']}}", Happening("push", branch="v1"), False),
        ("{push: {branches: [main], tags: ['v*']}}", Happening("push", tag="v1"), True),
        ("{push: }", Happening("push", tag="v1"), True),
        ("{push: {branches-ignore: [dev]}}", Happening("push", branch="dev"), False),
        ("{push: {branches-ignore: [dev]}}", Happening("push", branch="main"), True),
        ("{push: {paths: [src/**]}}", Happening("push", branch="main", files=["src/a", "b"]), True),
        ("{push: {paths: [src/**]}}", Happening("push", branch="main", files=["b"]), False),
        ("{push: {paths-ignore: [docs/**]}}", Happening("push", branch="main", files=["docs/a"]), False),
        ("{push: {paths-ignore: [docs/**]}}", Happening("push", branch="main", files=["docs/a", "b"]), True),
        ("{push: {paths: ['**', '!docs/**']}}", Happening("push", branch="main", files=["docs/a"]), False),
        ("{push: {paths: [src/**], tags: ['v*']}}", Happening("push", tag="v1", files=["b"]), True),
        ("{push: }", Happening("push", branch="main", message="x [skip ci]"), False),
        ("{pull_request: }", Happening("pull_request", "opened", message="x\n\nskip-checks: true\n"), False),
        ("{pull_request: }", Happening("pull_request", "opened", branch="main"), True),
        ("{pull_request: }", Happening("pull_request", "closed", branch="main"), False),
        ("{pull_request: {types: [closed]}}", Happening("pull_request", "closed"), True),
        ("{pull_request: {types: closed}}", Happening("pull_request", "opened"), False),
        ("{pull_request: {branches: ['release/**']}}", Happening("pull_request", "opened", branch="main"), False),
        ("{merge_group: }", Happening("merge_group", "checks_requested", branch="main"), True),
        (
            "{workflow_run: {workflows: [train], types: [completed]}}",
            Happening("workflow_run", "completed", workflow="train"),
            True,
        ),
        (
            "{workflow_run: {workflows: [train], types: [completed]}}",
            Happening("workflow_run", "requested", workflow="train"),
            False,
        ),
        ("{workflow_run: {workflows: [train]}}", Happening("workflow_run", "completed", workflow="other"), False),
        (
            "{workflow_run: {workflows: [train], branches: [main]}}",
            Happening("workflow_run", "completed", branch="dev", workflow="train"),
            False,
        ),
        ("{repository_dispatch: {types: [go]}}", Happening("repository_dispatch", "stop"), False),
        ("{issue_comment: {types: [created]}}", Happening("issue_comment", "created"), True),
        ("{schedule: [{cron: '0 4 * * 1'}]}", Happening("schedule", cron="0 4 * * 1"), True),
        ("{schedule: [{cron: '0 4 * * 1'}]}", Happening("schedule", cron="0 5 * * 1"), False),
        ("{push: }", Happening("pull_request", "opened"), False),
    ],
)
def test_starts(on: str, happening: Happening, expected: bool) -> None:
    assert starts(yaml.safe_load(on), happening) is expected
