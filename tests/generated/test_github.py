"""Calls of GitHub's REST API: what is sent, to whom, how often, and what a refusal tells."""

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from churn import github, github_access, https
from churn.github import GitHubError

Reply = tuple[int, dict[str, str], bytes]


class Hub(ThreadingHTTPServer):
    """Answers in the order of ``replies`` (a callable answers every time; ``None`` breaks the connection off) and remembers requests."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.replies: list[Reply | None] = []
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.connections = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def finish_request(self, request: object, client_address: object) -> None:
        self.connections += 1
        super().finish_request(request, client_address)  # type: ignore[arg-type]

    def say(self, value: object = None, status: int = 200, **headers: str) -> None:
        self.replies.append((status, {name.replace("_", "-"): text for name, text in headers.items()}, json.dumps(value).encode()))


class Handler(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.seen.append((self.command, self.path, {name.lower(): text for name, text in self.headers.items()}, body))
        reply = self.server.replies.pop(0)
        if reply is None:
            self.close_connection = True
            return
        status, headers, content = reply
        self.send_response(status)
        for name, text in ({"content-length": str(len(content))} | headers).items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(content)
        self.close_connection |= int(headers.get("content-length", 0)) > len(content)

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):
            return self._any
        raise AttributeError(name)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def servers() -> Iterator[Callable[[], Hub]]:
    made: list[Hub] = []

    def make() -> Hub:
        made.append(Hub())
        threading.Thread(target=made[-1].serve_forever, args=(0.02,), daemon=True).start()
        return made[-1]

    yield make
    for one in made:
        one.shutdown()
        one.server_close()


@pytest.fixture
def hub(servers: Callable[[], Hub], monkeypatch: pytest.MonkeyPatch) -> Hub:
    """The GitHub of a job."""
    made = servers()
    for name, value in {"GITHUB_API_URL": made.url, "GITHUB_REPOSITORY": "acme/toy", "GH_TOKEN": "secret", "no_proxy": "127.0.0.1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(github, "_session", https.Session())
    monkeypatch.setattr(https, "PAUSES", (0.0, 0.0))
    return made


def test_a_list_is_read_to_its_end_over_one_connection(hub: Hub) -> None:
    hub.say({"runs": [1, 2]}, link=f'<{hub.url}/repos/acme/toy/x?page=2>; rel="next", <{hub.url}/last>; rel="last"')
    hub.say({"runs": [3]}, link=f'<{hub.url}/repos/acme/toy/x>; rel="prev"')
    assert github.get_all("x", key="runs", state="a b") == [1, 2, 3]
    assert [path for _, path, _, _ in hub.seen] == ["/repos/acme/toy/x?per_page=100&state=a+b", "/repos/acme/toy/x?page=2"]
    assert {(sent["authorization"], sent["accept"]) for _, _, sent, _ in hub.seen} == {("Bearer secret", "application/vnd.github+json")}
    assert hub.connections == 1


def test_what_is_sent_arrives(hub: Hub, tmp_path: Path) -> None:
    hub.say({"id": 7}, status=201)
    hub.replies.append((204, {}, b""))
    hub.say({"size": 3}, status=201)
    (tmp_path / "a.bin").write_bytes(b"abc")
    assert github.send("POST", "issues", {"title": "x"}) == {"id": 7}
    assert github.send("DELETE", "releases/assets/1", {}) is None
    assert github.upload(f"{hub.url}/upload?name=a.bin", tmp_path / "a.bin", "text/x") == {"size": 3}
    assert [(method, path, body) for method, path, _, body in hub.seen] == [
        ("POST", "/repos/acme/toy/issues", b'{"title": "x"}'),
        ("DELETE", "/repos/acme/toy/releases/assets/1", b"{}"),
        ("POST", "/upload?name=a.bin", b"abc"),
    ]
    assert (hub.seen[-1][2]["content-type"], hub.seen[-1][2]["content-length"]) == ("text/x", "3")


def test_the_token_stays_with_github(hub: Hub, servers: Callable[[], Hub], tmp_path: Path) -> None:
    """A download is redirected to storage; the token is not for it. No other host is asked on somebody's word."""
    storage = servers()
    hub.replies.append((302, {"location": f"{storage.url}/signed"}, b""))
    storage.replies.append((200, {}, b"bytes"))
    github.download("actions/artifacts/1/zip", tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == b"bytes"
    assert "authorization" in hub.seen[0][2]
    assert "authorization" not in storage.seen[0][2]
    hub.say([1], link=f'<{storage.url}/more>; rel="next"')
    with pytest.raises(GitHubError, match=r"is not this GitHub .*: the token is not sent there"):
        github.get_all("x")
    (tmp_path / "a").touch()
    with pytest.raises(GitHubError, match="is not this GitHub"):
        github.upload(f"{storage.url}/up", tmp_path / "a", "text/x")
    assert len(storage.seen) == 1


def test_uploads_have_a_host_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_API_URL", "https://api.github.com")
    assert github_access.whole("https://uploads.github.com/x") == "https://uploads.github.com/x"
    for other in ("https://uploads.example.com/x", "http://uploads.github.com/x", "https://uploads.github.com.example.com/x"):
        with pytest.raises(github_access.AccessError):
            github_access.whole(other)


@pytest.mark.parametrize("trouble", [502, 503, None])
def test_a_question_is_asked_again_and_a_change_is_not(hub: Hub, trouble: int | None) -> None:
    def fail() -> None:
        hub.replies.append(None if trouble is None else (trouble, {}, b"<html>"))

    fail(), fail(), hub.say([1])
    assert github.get("x") == [1]
    fail()
    with pytest.raises(GitHubError) as told:
        github.send("POST", "issues", {})
    assert len(hub.seen) == 4, "who knows whether it was done"
    assert told.value.status == (trouble or 0)
    fail(), fail(), fail()
    with pytest.raises(GitHubError):
        github.get("x")
    assert len(hub.seen) == 7


def test_a_limit_is_waited_for_as_long_as_it_says(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(https.time, "sleep", waited.append)
    hub.say({"message": "You have exceeded a secondary rate limit"}, status=403, retry_after="17")
    hub.say({"id": 1}, status=201)
    assert github.send("POST", "issues", {}) == {"id": 1}, "it was refused before anything was done"
    assert waited == [17.0]
    hub.say({"message": "API rate limit exceeded"}, status=429, retry_after="3600")
    with pytest.raises(GitHubError, match=r"API rate limit exceeded \(HTTP 429\); too many requests: run it again later"):
        github.get("x")
    assert waited == [17.0]


def test_a_connection_that_was_closed_meanwhile_is_made_again(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.say([], connection="close")
    hub.say({"id": 1})
    hub.say({"id": 2})
    github.get("x")
    assert github.send("POST", "issues", {}) == {"id": 1}
    monkeypatch.setattr(https, "_KEPT", -1.0)
    assert github.send("POST", "issues", {}) == {"id": 2}
    assert hub.connections == 3


def test_a_download_is_whole_or_not_there(hub: Hub, tmp_path: Path) -> None:
    hub.replies += [(200, {"content-length": "9"}, b"half")] * 3
    with pytest.raises(GitHubError, match="ends 5 bytes too early"):
        github.download("x", tmp_path / "got")
    hub.replies.append((200, {}, b"whole"))
    with pytest.raises(GitHubError, match="No such file or directory"):
        github.download("x", tmp_path / "nowhere/got")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (404, {"message": "Not Found"}, "Not Found (HTTP 404)"),
        (401, {"message": "Bad credentials"}, "Bad credentials (HTTP 401); the token is wrong or has expired: set GH_TOKEN again"),
        (
            403,
            {"message": "Resource not\naccessible"},
            "Resource not accessible (HTTP 403); the token may not do this: look at the job's `perm",
        ),
        (
            422,
            {"message": "Failed", "errors": [{"field": "tag_name", "code": "already_exists"}, "x"]},
            "Failed: tag_name already_exists, x",
        ),
        (500, "<html>", "Internal Server Error (HTTP 500); GitHub has trouble: run it again later"),
    ],
)
def test_a_refusal_says_all_in_one_line(hub: Hub, status: int, body: object, words: str) -> None:
    hub.say(body, status=status)
    with pytest.raises(GitHubError) as told:
        github.send("PATCH", "pulls/1", {})
    assert str(told.value).startswith(f"GitHub refused PATCH repos/acme/toy/pulls/1: {words}")
    assert "\n" not in str(told.value)
    assert told.value.status == status


def test_nobody_there_is_said(hub: Hub) -> None:
    hub.shutdown()
    hub.server_close()
    with pytest.raises(GitHubError, match=rf"GET meta: 127.0.0.1:{hub.server_port} cannot be reached \(.*refused\); check network"):
        github.meta()


def test_a_token_never_goes_out_in_the_clear(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_API_URL", "http://github.example.com/api/v3")
    with pytest.raises(GitHubError, match=r"http://github\.example\.com is no https:// address"):
        github.meta()


@pytest.fixture
def home(git: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A clone outside of a job, with a gh on PATH; called with the address of the remote."""
    for name in ("GITHUB_API_URL", "GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GH_REPO", "GH_HOST", "GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "bin").mkdir()
    text = 'echo asked >> "$0.log"\ntest "$1 $2 $3" = "auth token --hostname" || exit 2\n'
    text += 'test "$4" = example.org && exit 1\necho "token for $4"\n'
    (tmp_path / "bin/gh").write_text(f"#!/bin/sh\n{text}")
    (tmp_path / "bin/gh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    github_access._logged_in.cache_clear()
    return lambda address: git("remote", "add", "origin", address) and None


@pytest.mark.parametrize(
    ("address", "api", "name"),
    [
        ("https://github.com/acme/toy.git", "https://api.github.com", "acme/toy"),
        ("git@github.com:acme/toy.git", "https://api.github.com", "acme/toy"),
        ("ssh://git@ssh.github.com:443/acme/toy.git", "https://api.github.com", "acme/toy"),
        ("https://x-access-token@acme.ghe.com/acme/to.y", "https://api.acme.ghe.com", "acme/to.y"),
        ("git@git.example.com:acme/toy", "https://git.example.com/api/v3", "acme/toy"),
    ],
)
def test_at_home_the_remote_says_where(home: Callable[[str], None], address: str, api: str, name: str) -> None:
    home(address)
    assert (github_access.api(), github.repository()) == (api, name)


def test_at_home_gh_is_asked_once_who_it_is(home: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home("git@github.com:acme/toy.git")
    assert [github_access.token(), github_access.token()] == ["token for github.com"] * 2
    assert (tmp_path / "bin/gh.log").read_text() == "asked\n"
    monkeypatch.setenv("GITHUB_TOKEN", "mine")
    assert github_access.token() == "mine"


def test_a_token_of_github_goes_to_no_host_that_only_a_remote_names(home: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    home("git@git.example.com:acme/toy.git")
    monkeypatch.setenv("GH_TOKEN", "mine")
    assert github_access.token() == "token for git.example.com"
    monkeypatch.setenv("GH_ENTERPRISE_TOKEN", "theirs")
    assert github_access.token() == "theirs"


@pytest.mark.parametrize("address", ["/srv/toy.git", "../toy", "file:///etc/toy.git", None])
def test_a_clone_of_elsewhere_is_told_what_to_set(home: Callable[[str], None], address: str | None) -> None:
    if address:
        home(address)
    with pytest.raises(GitHubError, match=r"git('s remote|\shas no remote) `origin`.*set GITHUB_REPOSITORY"):
        github.get("x")


def test_nobody_logged_in_is_told_how(home: Callable[[str], None], tmp_path: Path) -> None:
    home("git@example.org:acme/toy.git")
    with pytest.raises(GitHubError, match=r"nobody is logged in to example\.org: run `gh auth login --hostname example\.org`, or set"):
        github.meta()
    (tmp_path / "bin/gh").unlink()
    with pytest.raises(GitHubError, match=r"nobody is logged in to example.org: set GH_TOKEN, or install gh \(the GitHub command line\)"):
        github.meta()
    assert subprocess.run(["/bin/sh", "-c", "command -v gh"], capture_output=True).returncode != 0, "this test saw no other gh"
