"""Which version of the changelog is released, and with which words."""

import pytest

from scenarios import ScenarioError
from scenarios.release import Release, newest

LOG = "# Changelog\n\nWords.\n\n{first}\n\n- New.\n\nAfter updating: run it.\n\n## v1.0.0 (2026-01-01)\n\n- Old.\n"


@pytest.mark.parametrize("heading", ["## v1.1.0", "## 1.1.0 (2026-11-22)", "## [1.1.0] - 2026-11-22"])
def test_the_version_at_the_head_is_released_with_its_own_notes(heading: str) -> None:
    assert newest(LOG.format(first=heading)) == Release("v1.1.0", "- New.\n\nAfter updating: run it.")


@pytest.mark.parametrize("heading", ["## Unreleased", "## v1.1.0 (unreleased)"])
def test_what_is_not_finished_is_not_released(heading: str) -> None:
    assert newest(LOG.format(first=heading)) is None


def test_a_changelog_without_a_version_is_told() -> None:
    with pytest.raises(ScenarioError, match="has no version"):
        newest("# Changelog\n")
