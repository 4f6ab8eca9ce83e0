"""What a finding leads to: one issue that follows it, and at most one pull request, never a push to main."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from churn import github, params
from churn.github import GitHubError
from churn.monitoring import MonitorError, Report, retrain, run
from churn.params import Params
from monitor_kit import NOW, GitHub, Row, Scene, data, lines, people, write_log

Git = Callable[..., str]
Commit = Callable[..., str]
FINE = Report(model="toy", version=1, digest="sha256:" + "a" * 64, state="fine", findings=[], rows=1000)
DRIFTED = Report(model="toy", version=1, digest="sha256:" + "a" * 64, state="drifted", findings=["`age` drifted"], rows=1000)
UNKNOWN = Report(model="toy", version=1, digest="sha256:" + "a" * 64, state="cannot tell", findings=[], rows=10)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> GitHub:
    made = GitHub()
    for name in ("get", "get_all", "send"):
        monkeypatch.setattr(github, name, getattr(made, name))
    monkeypatch.delenv("RETRAIN_TOKEN", raising=False)
    return made


@pytest.fixture
def scene(commit: Commit, git: Git, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Scene:
    """The scene with an origin, whose main is the first commit; newer data lies in newest.csv."""
    made = Scene(commit, monkeypatch, tmp_path)
    git("init", "-q", "--bare", "-b", "main", str(tmp_path / "origin.git"))
    git("remote", "add", "origin", str(tmp_path / "origin.git"))
    git("push", "-q", "origin", "main")
    (tmp_path / "newest.csv").write_text(data(people(5000, 7, youngest=40)))
    return made


def chosen(scene: Scene, tmp_path: Path, **monitoring: object) -> Params:
    return scene.params(data=str(tmp_path / "newest.csv"), retrain=True, **monitoring)


def branches(git: Git) -> list[str]:
    return [line.partition("refs/heads/")[2] for line in git("ls-remote", "--heads", "origin").splitlines()]


def test_one_issue_is_opened_kept_up_to_date_and_closed(hub: GitHub, scene: Scene) -> None:
    usual = scene.params()
    run.act(FINE, "fine", usual)
    run.act(UNKNOWN, "unknown", usual)
    assert hub.issues == []
    run.act(DRIFTED, "first", usual)
    run.act(DRIFTED, "second", usual)
    assert [(one["title"], one["state"]) for one in hub.issues] == [("Production has drifted: toy", "open")]
    assert "second" in hub.issues[0]["body"]
    assert "first" not in hub.issues[0]["body"]
    run.act(UNKNOWN, "unknown", usual)
    assert hub.issues[0]["state"] == "open", "too little to tell heals nothing"
    run.act(FINE, "fine", usual)
    assert hub.issues[0]["state"] == "closed"
    assert hub.comments[0][1].startswith("Healed: the newest 1,000 rows are as version 1 knows them")
    run.act(DRIFTED, "again", usual)
    assert [one["state"] for one in hub.issues] == ["closed", "open"]
    assert hub.pulls == [], "no pull request unless it is asked for"


def test_an_issue_that_somebody_else_marked_is_not_ours(hub: GitHub, scene: Scene) -> None:
    hub.issues.append({"number": 9, "state": "open", "user": {"type": "User"}, "title": "x", "body": run.MARK})
    run.act(DRIFTED, "text", scene.params())
    assert [one["title"] for one in hub.issues] == ["x", "Production has drifted: toy"]


def test_a_repository_without_issues_is_no_error(hub: GitHub, scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    hub.refusal = GitHubError("GitHub refused issues: Gone (HTTP 410)", 410)
    run.act(DRIFTED, "text", scene.params())
    assert "switched off" in capsys.readouterr().out
    hub.refusal = GitHubError("GitHub refused issues: Bad (HTTP 500)", 500)
    with pytest.raises(GitHubError):
        run.act(DRIFTED, "text", scene.params())


def test_a_drift_becomes_one_pull_request_with_the_newest_data(hub: GitHub, scene: Scene, git: Git, tmp_path: Path) -> None:
    main = git("rev-parse", "main")
    run.act(DRIFTED, "the report", chosen(scene, tmp_path))
    (pull,) = hub.pulls
    assert re.fullmatch(r"retrain/\d{4}-\d\d-\d\d", pull["head"]["ref"])
    assert "the report" in pull["body"]
    assert "close this pull request and open it again" in pull["body"]
    git("fetch", "-q", "origin", pull["head"]["ref"])
    assert git("diff", "--name-only", main, "FETCH_HEAD") == "data/toy.csv"
    assert git("show", "FETCH_HEAD:data/toy.csv") == (tmp_path / "newest.csv").read_text().rstrip("\n")
    assert git("ls-remote", "origin", "refs/heads/main").split()[0] == main, "nothing is pushed to main"
    run.act(DRIFTED, "a newer report", chosen(scene, tmp_path))
    assert len(hub.pulls) == 1
    assert "a newer report" in hub.pulls[0]["body"]
    assert hub.pulls[0]["body"].count("<!-- retrain ") == 1
    assert len(branches(git)) == 2


def test_declined_data_is_not_proposed_again_and_newer_is(hub: GitHub, scene: Scene, git: Git, tmp_path: Path) -> None:
    run.act(DRIFTED, "report", chosen(scene, tmp_path))
    run.act(DRIFTED, "report", chosen(scene, tmp_path))
    hub.pulls[0]["state"] = "closed"
    run.act(DRIFTED, "report", chosen(scene, tmp_path))
    assert len(hub.pulls) == 1
    (tmp_path / "newest.csv").write_text(data(people(5000, 8, youngest=40)))
    run.act(DRIFTED, "report", chosen(scene, tmp_path))
    assert [one["state"] for one in hub.pulls] == ["closed", "open"]


def test_the_branch_of_a_fork_is_none_of_ours(hub: GitHub, scene: Scene, tmp_path: Path) -> None:
    theirs = {"ref": "retrain/2026-01-01", "repo": {"full_name": "mallory/toy"}}
    hub.pulls.append({"number": 1, "state": "open", "head": theirs, "base": {"repo": {"full_name": "octo/toy"}}, "body": "theirs"})
    run.act(DRIFTED, "report", chosen(scene, tmp_path))
    assert [pull["head"]["ref"].partition("/")[0] for pull in hub.pulls] == ["retrain", "retrain"]
    assert hub.pulls[0]["body"] == "theirs"


def test_data_that_main_has_already_is_no_reason(hub: GitHub, scene: Scene, git: Git, capsys: pytest.CaptureFixture[str]) -> None:
    run.act(DRIFTED, "report", scene.params(data="data/toy.csv", retrain=True))
    assert hub.pulls == []
    assert branches(git) == ["main"]
    assert "the newest data is what main has already" in capsys.readouterr().out


def test_data_that_breaks_the_contract_is_not_proposed(hub: GitHub, scene: Scene, git: Git, tmp_path: Path) -> None:
    (tmp_path / "newest.csv").write_text("id,left,age,fee,plan\nC1,Yes,500,1,basic\n")
    with pytest.raises(retrain.dataset.ContractError, match=r"column 'age' must be at most 120"):
        run.act(DRIFTED, "report", chosen(scene, tmp_path))
    assert (hub.pulls, branches(git)) == ([], ["main"])
    assert len(hub.issues) == 1, "the issue is there all the same"


def test_without_a_source_of_newer_data_it_says_so(hub: GitHub, scene: Scene) -> None:
    with pytest.raises(MonitorError, match=r"monitoring\.retrain needs monitoring\.data"):
        run.act(DRIFTED, "report", scene.params(retrain=True))


def test_a_token_of_its_own_opens_the_pull_request(hub: GitHub, scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {}
    send = hub.send

    def noting(method: str, path: str, body: Row) -> Row:
        seen[path] = os.environ.get("GH_TOKEN")
        return send(method, path, body)

    monkeypatch.setattr(github, "send", noting)
    monkeypatch.setenv("GH_TOKEN", "job")
    monkeypatch.setenv("RETRAIN_TOKEN", "own")
    run.act(DRIFTED, "report", chosen(scene, tmp_path))
    assert seen == {"issues": "job", "pulls": "own"}, "an issue of the bot is found again, a person's pull request starts workflows"
    assert os.environ["GH_TOKEN"] == "job"
    assert "open it again" not in hub.pulls[0]["body"]


def test_the_command_looks_and_acts_only_in_a_job(
    hub: GitHub, scene: Scene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_log(Path("log"), lines(people(2000, 1, youngest=60), scene.digest))
    monkeypatch.setattr("churn.monitoring.look.time.time", lambda: NOW)
    monkeypatch.setattr(run.sys, "argv", ["run"])
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    run.main()
    assert "Production has drifted" in capsys.readouterr().out
    assert hub.issues == []
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    run.main()
    assert len(hub.issues) == 1
    assert (tmp_path / "summary").read_text().startswith("## ⚠️ Production has drifted")


def test_a_project_without_a_log_or_a_model_has_nothing_to_look_at(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run.sys, "argv", ["run"])
    monkeypatch.setattr(params, "load", lambda: scene.params(log=None))
    run.main()
    assert "monitoring.log is not set" in capsys.readouterr().out
    Path("models/production.yaml").unlink()
    run.main()
    assert "nothing was promoted yet" in capsys.readouterr().out
