"""The local GitHub's releases refuse what the real one refuses."""

import json
from typing import Any

import pytest

from .conftest import Stage

RELEASES = "repos/acme/toy/releases"
UPLOADS = "https://uploads.github.com/repos/acme/toy/releases"


@pytest.fixture
def stage(make_stage: Any) -> Stage:
    made: Stage = make_stage({})
    (made.desk.folder / "file").write_bytes(b"content")
    return made


def _api(stage: Stage, *words: str, check: bool = True) -> Any:
    """What ``gh api`` answers, or what it complains."""
    done = stage.desk.run("gh", "api", *words, check=check)
    if done.returncode:
        return done.stderr
    return json.loads(done.stdout) if done.stdout else None


def _draft(stage: Stage, tag: str = "v1") -> Any:
    return _api(stage, RELEASES, "-f", f"tag_name={tag}", "-F", "draft=true")


def _upload(stage: Stage, number: int, name: str, host: str = UPLOADS, check: bool = True) -> Any:
    words = ("-X", "POST", "-H", "Content-Type: text/plain", "--input", "file")
    return _api(stage, f"{host}/{number}/assets?name={name}", *words, check=check)


def test_a_draft_has_no_tag_and_is_seen_by_writers_alone(stage: Stage) -> None:
    made = _draft(stage)
    assert (made["draft"], made["published_at"]) == (True, None)
    assert stage.desk.run("git", "ls-remote", "origin", "refs/tags/*").stdout == ""
    assert [one["id"] for one in _api(stage, RELEASES)] == [made["id"]]
    assert "404" in _api(stage, f"{RELEASES}/tags/v1", check=False)
    reader = stage.world.env(stage.hub.person("reader"))
    stage.desk.env = reader
    assert _api(stage, RELEASES) == []
    assert "404" in _api(stage, f"{RELEASES}/{made['id']}", check=False)


def test_drafts_may_share_a_tag_and_published_releases_may_not(stage: Stage) -> None:
    first, second = _draft(stage), _draft(stage)
    publish = ("-X", "PATCH", "-F", "draft=false")
    assert _api(stage, f"{RELEASES}/{first['id']}", *publish)["published_at"]
    assert stage.repo.sha("v1") == stage.repo.sha("main")
    assert "already_exists" in _api(stage, f"{RELEASES}/{second['id']}", *publish, check=False)
    assert "already_exists" in _api(stage, RELEASES, "-f", "tag_name=v1", check=False)
    assert [one.draft for one in stage.repo.releases] == [False, True]


def test_files_go_to_their_own_host_and_each_name_once(stage: Stage) -> None:
    number = _draft(stage)["id"]
    assert "404" in _upload(stage, number, "a.txt", host=RELEASES, check=False)
    made = _upload(stage, number, "a.txt")
    assert (made["state"], made["size"]) == ("uploaded", 7)
    assert made["digest"] == "sha256:ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"
    assert "already_exists" in _upload(stage, number, "a.txt", check=False)
    assert _upload(stage, number, "two%20words.txt")["name"] == "two.words.txt"
    _api(stage, "-X", "DELETE", f"{RELEASES}/assets/{made['id']}")
    assert [one["name"] for one in _api(stage, f"{RELEASES}/{number}/assets")] == ["two.words.txt"]


def test_an_upload_that_broke_off_takes_the_name(stage: Stage) -> None:
    number = _draft(stage)["id"]
    stage.hub.interrupt("POST releases/.*/assets", "during", lambda: None)
    assert "503" in _upload(stage, number, "a.txt", check=False)
    (left,) = _api(stage, f"{RELEASES}/{number}/assets")
    assert (left["state"], left["size"], left["digest"]) == ("starter", 0, None)
    assert "already_exists" in _upload(stage, number, "a.txt", check=False)
