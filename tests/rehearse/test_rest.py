"""The REST interface through real ``gh``, and the CML stand-in held to its contract."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rehearse.values import Value

from .conftest import Stage


@pytest.fixture
def quiet(make_stage: Value) -> Stage:
    """A repository without workflows."""
    stage: Stage = make_stage({"none.yml": "on: workflow_call\njobs: {a: {runs-on: ubuntu-24.04, steps: [{run: 'true'}]}}\n"})
    return stage


def api(stage: Stage, *arguments: str) -> Value:
    """Answer of ``gh api`` as the person."""
    text = stage.desk.run("gh", "api", *arguments).stdout
    return json.loads(text) if text.strip() else None


def cml(stage: Stage, *arguments: str, report: str = "hello\n", check: bool = True, **env: str) -> Value:
    """Run cml as a workflow step of the person would."""
    (stage.desk.folder / "report.md").write_text(report, encoding="utf-8")
    words = [f"{name}={value}" for name, value in ({"REPO_TOKEN": stage.token} | env).items()]
    return stage.desk.run("env", *words, "cml", "comment", *arguments, "--publish=false", "report.md", check=check)


def test_comments_come_in_pages(quiet: Stage) -> None:
    number = quiet.pull("a", {"x": "y"})
    for count in range(35):
        quiet.repo.add_comment(number, f"human {count}", "mona")
    path = f"repos/acme/toy/issues/{number}/comments"
    assert len(api(quiet, path)) == 30
    assert len(api(quiet, f"{path}?per_page=100")) == 35
    assert len(api(quiet, "--paginate", path)) == 35
    shown = quiet.desk.run("gh", "api", "-i", f"{path}?page=2").stdout
    assert 'rel="prev"' in shown
    assert 'rel="next"' not in shown


def test_cml_updates_only_what_is_on_the_first_page(quiet: Stage) -> None:
    number = quiet.pull("a", {"x": "y"})
    for count in range(35):
        quiet.repo.add_comment(number, f"human {count}", "mona")
    for _ in range(2):
        cml(quiet, "update", f"--target=pr/{number}", "--watermark-title=review")
    assert [one.body.splitlines()[0] for one in quiet.repo.comments(number)].count("hello") == 2


def test_cml_contract(quiet: Stage) -> None:
    number = quiet.pull("a", {"x": "y"})
    sha = quiet.repo.pulls[number].head_sha
    target = f"--target=pr/{number}"
    made = cml(
        quiet,
        "create",
        target,
        "--watermark-title={workflow}_x",
        GITHUB_WORKFLOW="train",
        GITHUB_SHA=sha,
        GITHUB_SERVER_URL="https://github.com",
        GITHUB_ACTOR="mona",
    )
    [one] = quiet.repo.comments(number)
    assert made.stdout.strip() == f"https://github.com/acme/toy/pull/{number}#issuecomment-{one.id}"
    assert one.body == f'hello\n\n\n![](https://cml.dev/watermark.png#{sha} "CML watermark train\\_x")'
    cml(quiet, "update", target, "--watermark-title=train_x", report="again\n", GITHUB_SHA="0" * 40)
    cml(quiet, "update", target, "--watermark-title=other", report="third\n")
    assert [(each.body.splitlines()[0], each.edits) for each in quiet.repo.comments(number)] == [
        ("again", 1),
        ("third", 0),
    ]
    asked = [(each["method"], each["path"]) for each in quiet.hub.requests if "cml" in str(each.get("client"))]
    assert asked == [
        ("GET", "/users/mona"),
        ("POST", f"/repos/acme/toy/issues/{number}/comments"),
        ("GET", f"/repos/acme/toy/issues/{number}/comments"),
        ("PATCH", f"/repos/acme/toy/issues/comments/{one.id}"),
        ("GET", f"/repos/acme/toy/issues/{number}/comments"),
        ("POST", f"/repos/acme/toy/issues/{number}/comments"),
    ]
    cml(quiet, "create", f"--target=commit/{sha}", "--repo=https://github.com/acme/toy")
    assert len(api(quiet, f"repos/acme/toy/commits/{sha}/comments")) == 1


@pytest.mark.parametrize(
    ("arguments", "more", "message"),
    [
        (["create", "--target=pr/1"], {"report": "x" * 65_537}, "Body is too long"),
        (["create", "--target=pr/99"], {}, "Not Found"),
        (["create", "--target=nonsense/1"], {}, "invalid target"),
        (["create", "--target=pr/1"], {"REPO_TOKEN": ""}, "token not found"),
        (["create", "--target=pr/1"], {"REPO_TOKEN": "wrong"}, "Bad credentials"),
    ],
)
def test_cml_failures(quiet: Stage, arguments: list[str], more: dict[str, str], message: str) -> None:
    quiet.pull("a", {"x": "y"})
    done = cml(quiet, *arguments, check=False, **more)
    assert (done.returncode, message in done.stderr) == (1, True), done.stderr


def test_pulls_statuses_and_commits(quiet: Stage) -> None:
    number = quiet.pull("a", {"x": "y"})
    base, head = "repos/acme/toy", quiet.repo.pulls[number].head_sha
    shown = api(quiet, f"{base}/pulls/{number}")
    assert (shown["head"]["sha"], shown["head"]["repo"]["fork"], shown["mergeable"], shown["merged"]) == (
        head,
        False,
        True,
        False,
    )
    assert [one["number"] for one in api(quiet, f"{base}/pulls?head=acme:a&state=open&base=main")] == [number]
    assert api(quiet, f"{base}/pulls?head=acme:b") == []
    assert [one["number"] for one in api(quiet, f"{base}/commits/{head}/pulls")] == [number]
    assert [(one["filename"], one["status"]) for one in api(quiet, f"{base}/pulls/{number}/files")] == [("x", "added")]
    for state in ("pending", "success"):
        api(quiet, f"{base}/statuses/{head}", "-f", f"state={state}", "-f", "context=model review")
    assert [one["state"] for one in api(quiet, f"{base}/commits/{head}/statuses")] == ["success", "pending"]
    assert api(quiet, f"{base}/commits/{head}/status")["state"] == "success"
    assert api(quiet, f"{base}/compare/main...{head}")["ahead_by"] == 1
    assert api(quiet, "-X", "PUT", f"{base}/pulls/{number}/merge")["merged"] is True
    assert api(quiet, f"{base}/branches/main")["commit"]["sha"] == quiet.repo.sha("main")
    assert quiet.desk.run("gh", "api", "-H", "accept: application/vnd.github.raw+json", f"{base}/contents/x").stdout == "y"
    assert api(quiet, f"{base}/contents/x?ref=main")["content"].strip() == "eQ=="


def test_issues_labels_and_people(quiet: Stage) -> None:
    base = "repos/acme/toy"
    made = api(quiet, f"{base}/issues", "-f", "title=drift", "-f", "labels[]=monitor")
    api(quiet, f"{base}/issues", "-f", "title=other")
    assert [one["number"] for one in api(quiet, f"{base}/issues?labels=monitor&state=open")] == [made["number"]]
    api(quiet, "-X", "PATCH", f"{base}/issues/{made['number']}", "-f", "state=closed")
    assert api(quiet, f"{base}/issues?labels=monitor") == []
    assert api(quiet, f"{base}/collaborators/mona/permission")["permission"] == "write"
    assert api(quiet, f"{base}")["permissions"]["push"] is True
    assert api(quiet, "user")["login"] == "mona"


def test_releases_through_gh(quiet: Stage, tmp_path: Path) -> None:
    (quiet.desk.folder / "bundle.zip").write_bytes(b"bundle")
    api(quiet, "repos/acme/toy/releases", "-f", "tag_name=v1", "-f", "name=one")
    quiet.desk.run("gh", "release", "upload", "v1", "bundle.zip", "--repo", "acme/toy")
    quiet.desk.run("gh", "release", "download", "v1", "--repo", "acme/toy", "--dir", str(tmp_path / "got"))
    assert (tmp_path / "got" / "bundle.zip").read_bytes() == b"bundle"
    assert api(quiet, "repos/acme/toy/releases/tags/v1")["assets"][0]["name"] == "bundle.zip"
    assert quiet.repo.sha("v1") == quiet.repo.sha("main")


def test_deployments(quiet: Stage) -> None:
    base = "repos/acme/toy/deployments"
    for _ in range(2):
        made = api(quiet, base, "-f", "ref=main", "-f", "environment=production", "-F", "required_contexts[]")
        api(quiet, f"{base}/{made['id']}/statuses", "-f", "state=success")
    assert [one.state for one in quiet.repo.deployments] == ["inactive", "success"]
    assert len(api(quiet, f"{base}?environment=production")) == 2
    assert [one["state"] for one in api(quiet, f"{base}/{made['id']}/statuses")] == ["success"]


def test_strangers_see_nothing(quiet: Stage) -> None:
    done = quiet.desk.run("curl", "-sS", "https://api.github.com/repos/acme/toy")
    assert json.loads(done.stdout)["message"].startswith("Not Found")
    prefixed = quiet.desk.run("curl", "-sS", "-H", f"authorization: token {quiet.token}", "https://api.github.com/api/v3/repos/acme/toy")
    assert json.loads(prefixed.stdout)["full_name"] == "acme/toy"
