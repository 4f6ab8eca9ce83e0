"""CHANGELOG.md, which releases and updates are read from."""

import re
import subprocess

from ..conftest import ROOT
from .conftest import HEADING, NOW, changelog, is_here, releases


def test_it_names_the_present_version_first_and_a_commit_for_each_released_one() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = list(changelog())

    assert re.findall(r"(?m)^## .*$", text) == [found[0] for found in HEADING.finditer(text)]
    assert versions[0] == NOW
    assert versions == sorted(versions, key=lambda version: [int(part) for part in version[1:].split(".")], reverse=True)
    assert set(versions) - set(releases()) <= {NOW}
    assert len(releases()) >= 2


def test_every_version_says_what_is_new_and_each_after_updating_what_to_do() -> None:
    for version, text in changelog().items():
        new, *after = text.split("\nAfter updating:\n")
        assert re.search(r"(?m)^\* ", new), version
        assert len(after) <= 1 and all(re.search(r"(?m)^\* ", part) for part in after), version


def test_releases_are_commits_of_this_history() -> None:
    for version, commit in releases().items():
        if is_here(version):
            done = subprocess.run(["git", "-C", str(ROOT), "merge-base", "--is-ancestor", commit, "HEAD"])
            assert done.returncode == 0, version
