"""Permissions, concurrency, faults and the closed door, on workflows of their own."""

from __future__ import annotations

import io
import itertools
import os
import time
import zipfile
from collections.abc import Callable

import pytest

from rehearse import PlayError, World

from .conftest import Stage

Make = Callable[..., Stage]
CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1"


def workflow(steps: str, *, on: str = "workflow_dispatch", permissions: str = "{}", top: str = "", job: str = "") -> str:
    """A workflow of one job; ``steps`` are shell lines."""
    lines = "\n".join(f"          {line}" for line in steps.splitlines())
    return f"""\
name: one
on: {on}
permissions: {permissions}
{top}
jobs:
  only:
    runs-on: ubuntu-24.04
    {job}
    env: {{GH_TOKEN: "${{{{ github.token }}}}"}}
    steps:
      - run: |
{lines}
"""


def play(stage: Stage, file: str = "one.yml", **inputs: str) -> str:
    """Dispatch, wait, and return the log."""
    run = stage.repo.dispatch(file, inputs=inputs, actor="mona")
    stage.hub.wait_idle(60)
    return f"{run.conclusion}\n{run.text()}"


PERMISSIONS = [
    ("{}", "repos/$GITHUB_REPOSITORY/pulls", False),
    ("{pull-requests: read}", "repos/$GITHUB_REPOSITORY/pulls", True),
    ("{}", "repos/$GITHUB_REPOSITORY/actions/runs", False),
    ("{actions: read}", "repos/$GITHUB_REPOSITORY/actions/runs", True),
    ("{statuses: read}", "repos/$GITHUB_REPOSITORY/statuses/$GITHUB_SHA -f state=success", False),
    ("{statuses: write}", "repos/$GITHUB_REPOSITORY/statuses/$GITHUB_SHA -f state=success", True),
    ("{contents: write}", "repos/$GITHUB_REPOSITORY/deployments -f ref=main", False),
    ("{issues: write}", "repos/$GITHUB_REPOSITORY/issues -f title=drift", True),
    ("write-all", "repos/acme/other/pulls", False),
]


def test_permissions_of_the_token(make_stage: Make) -> None:
    files = {f"p{at}.yml": workflow(f"gh api {call}", permissions=held) for at, (held, call, _) in enumerate(PERMISSIONS)}
    stage = make_stage(files)
    stage.hub.create_repository("acme", "other")
    runs = [stage.repo.dispatch(file, actor="mona") for file in files]
    stage.hub.wait_idle(60)
    for run, (held, call, allowed) in zip(runs, PERMISSIONS, strict=True):
        assert run.conclusion == ("success" if allowed else "failure"), f"{held} {call}: {run.text()}"
        if not allowed and "other" not in call:
            assert "Resource not accessible by integration" in run.text()
    assert sorted(one["workflow"] for one in stage.hub.denied) == ["p0.yml", "p2.yml", "p4.yml", "p6.yml"]
    assert {str(one["jobs"]) for one in stage.hub.denied} == {"['only']"}


TWO_JOBS = """\
name: two
on: workflow_dispatch
permissions: {contents: write}
jobs:
  reader:
    runs-on: ubuntu-24.04
    permissions: {contents: read}
    env: {GH_TOKEN: "${{ github.token }}"}
    steps: [{run: "gh api repos/$GITHUB_REPOSITORY/git/refs -f ref=refs/tags/a -f sha=$GITHUB_SHA"}]
  writer:
    needs: reader
    if: always()
    runs-on: ubuntu-24.04
    env: {GH_TOKEN: "${{ github.token }}"}
    steps: [{run: "gh api repos/$GITHUB_REPOSITORY/git/refs -f ref=refs/tags/b -f sha=$GITHUB_SHA"}]
"""


def test_permissions_follow_the_job_at_work(make_stage: Make) -> None:
    stage = make_stage({"two.yml": TWO_JOBS})
    play(stage, "two.yml")
    [run] = stage.repo.runs
    assert run.jobs == {"reader": "failure", "writer": "success"}
    assert stage.repo.sha("b") == run.sha


def test_pushing_needs_contents_write(make_stage: Make) -> None:
    text = workflow('git push -q "https://x-access-token:$GH_TOKEN@github.com/$GITHUB_REPOSITORY" HEAD:refs/heads/new')
    text = text.replace("    steps:\n", f"    steps:\n      - uses: {CHECKOUT}\n")
    stage = make_stage(
        {
            "one.yml": text.replace("permissions: {}", "permissions: {contents: read}"),
            "two.yml": text.replace("permissions: {}", "permissions: {contents: write}"),
        }
    )
    assert "Permission to acme/toy.git denied to github-actions[bot]" in play(stage)
    assert play(stage, "two.yml").startswith("success")


def test_checkout_is_shallow_and_committed_only(make_stage: Make) -> None:
    text = workflow(
        'test "$(git rev-list --count HEAD)" = 1\ntest "$(git rev-parse HEAD)" = "$GITHUB_SHA"\n'
        'test "$(git branch --show-current)" = main\n! git config --get-regexp extraheader'
    )
    text = text.replace("    steps:\n", f"    steps:\n      - uses: {CHECKOUT}\n        with: {{persist-credentials: false}}\n").replace(
        "permissions: {}", "permissions: {contents: read}"
    )
    stage = make_stage({"one.yml": text})
    stage.desk.commit("main", {"more.txt": "more"})
    assert play(stage).startswith("success")


def test_a_foreign_host_is_refused_and_listed(make_stage: Make) -> None:
    stage = make_stage({"one.yml": workflow("curl -sS --max-time 5 https://example.com")})
    assert play(stage).startswith("failure")
    assert stage.hub.refused == ["example.com"]


def test_steps_see_a_clean_machine(make_stage: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", "leaked")
    script = (
        'test -z "$CANARY"\ntest -z "$(ls -A)"\nif python3 -c "import trustme"; then exit 1; fi\n'
        "cml --version\nuv --version\ngit var GIT_AUTHOR_IDENT && exit 1 || true"
    )
    stage = make_stage({"one.yml": workflow(script)})
    log = play(stage)
    assert log.startswith("success"), log
    assert "stand-in for iterative/cml 0.20.6" in log


def test_the_token_ends_with_the_run(make_stage: Make) -> None:
    stage = make_stage({"one.yml": workflow('echo "$GH_TOKEN" | tr a-z0-9 b-za1-90 > "$OUT"')})
    out = stage.world.folder / "token"
    stage.world.extra_env["OUT"] = str(out)
    play(stage)
    back = str.maketrans("bcdefghijklmnopqrstuvwxyza1234567890", "abcdefghijklmnopqrstuvwxyz0123456789")
    token = out.read_text(encoding="utf-8").strip().translate(back)
    assert token.startswith("ghs_")
    done = stage.desk.run("sh", "-c", f"GH_TOKEN={token} gh api repos/acme/toy", check=False)
    assert "Bad credentials" in done.stdout + done.stderr


def test_secrets_are_masked_wherever_they_are_kept(make_stage: Make) -> None:
    stage = make_stage({"one.yml": workflow('echo "${{ secrets.KEY }}" | tee -a "$GITHUB_STEP_SUMMARY"')})
    stage.repo.add_secret("KEY", 'two "lines"\nof-a-secret')
    assert play(stage).startswith("success")
    [run] = stage.repo.runs
    assert len(run.summaries) == 1
    for kept in (run.text(), str(run.summaries), str(run.steps)):
        assert "of-a-secret" not in kept
        assert "***" in kept


def test_a_server_defect_is_reported(make_stage: Make) -> None:
    stage = make_stage({"one.yml": workflow("true")})
    done = stage.desk.run("gh", "api", "repos/acme/toy/issues", "--input", "-", check=False, stdin='{"title": "x", "labels": [{}]}')
    assert "HTTP 500" in done.stderr
    with pytest.raises(PlayError, match="KeyError"):
        stage.hub.wait_idle(10)


SLOW = """\
name: slow
on: {workflow_dispatch: {inputs: {who: {required: true}}}}
permissions: {}
concurrency: CONCURRENCY
jobs:
  only:
    runs-on: ubuntu-24.04
    steps: [{run: sleep 1}]
"""


@pytest.mark.parametrize(
    ("concurrency", "expected"),
    [
        ("slow", ["success", "cancelled", "success"]),
        ("{group: slow, queue: max}", ["success", "success", "success"]),
        ("{group: 'slow-${{ inputs.who }}'}", ["success", "success", "success"]),
        ("{group: slow, cancel-in-progress: true}", ["cancelled", "cancelled", "success"]),
    ],
)
def test_concurrency_groups(make_stage: Make, concurrency: str, expected: list[str]) -> None:
    stage = make_stage({"slow.yml": SLOW.replace("CONCURRENCY", concurrency)})
    runs = []
    for who in ("a", "b", "c"):
        runs.append(stage.repo.dispatch("slow.yml", inputs={"who": who}, actor="mona"))
        time.sleep(0.2)
    stage.hub.wait_idle(60)
    assert [run.conclusion for run in runs] == expected
    if "who" not in concurrency:
        finished = [run for run in runs if run.conclusion == "success"]
        assert all(one.ended <= other.started for one, other in itertools.pairwise(finished))


def test_planned_faults_strike_and_stop(toy: Stage) -> None:
    fault = toy.hub.fail("POST", r"/issues/\d+/comments$", status=502)
    number = toy.pull("raise", {"value.txt": "2\n"})
    toy.hub.wait_idle(60)
    assert toy.named("review.yml")[0].conclusion == "failure"
    assert (toy.repo.comments(number), fault.hits > 0) == ([], True)
    fault.stop()
    store = toy.hub.fail_git(r"refs/dvc/store", times=1)
    push = toy.desk.run("git", "push", "-q", "origin", "HEAD:refs/dvc/store", check=False)
    assert "503" in push.stderr
    toy.desk.run("git", "push", "-q", "origin", "HEAD:refs/dvc/store")
    store = toy.hub.fail_git(r"refs/dvc/store")
    fetch = toy.desk.run("git", "fetch", "-q", "origin", "refs/dvc/store", check=False)
    assert (fetch.returncode != 0, "503" in fetch.stderr) == (True, True)
    toy.desk.run("git", "fetch", "-q", "origin", "main")
    store.stop()
    toy.desk.run("git", "fetch", "-q", "origin", "refs/dvc/store")


def test_a_tampered_artifact_reaches_the_consumer(toy: Stage) -> None:
    def swap(content: bytes) -> bytes:
        memory = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(memory, "w") as new:
            for name in old.namelist():
                new.writestr(name, b"tampered\n")
        return memory.getvalue()

    tampering = toy.hub.replace_artifact("train.yml", "candidate", swap)
    number = toy.pull("raise", {"value.txt": "2\n"})
    toy.hub.wait_idle(60)
    assert tampering.hits == 1
    assert [one.body.splitlines()[0] for one in toy.repo.comments(number)] == ["candidate tampered"]


def test_a_refused_workflow_is_reported(make_stage: Make) -> None:
    stage = make_stage({"one.yml": workflow("true").replace("ubuntu-24.04", "windows-latest")})
    run = stage.repo.dispatch("one.yml", actor="mona")
    with pytest.raises(PlayError, match=r"one\.yml: job only: runs-on windows-latest"):
        stage.hub.wait_idle(10)
    assert run.conclusion == "startup_failure"
    stage.hub.wait_idle(10)


def test_token_made_events_start_nothing(make_stage: Make) -> None:
    text = workflow(
        'gh api "repos/$GITHUB_REPOSITORY/git/refs" -f ref=refs/heads/made -f sha="$GITHUB_SHA"\n'
        'gh api "repos/$GITHUB_REPOSITORY/issues" -f title=x',
        permissions="{contents: write, issues: write}",
    )
    listener = workflow("true", on="[push, issues]")
    stage = make_stage({"one.yml": text, "listener.yml": listener})
    assert play(stage).startswith("success")
    assert stage.named("listener.yml") == []
    stage.desk.commit("by-hand", {"x": "y"})
    stage.hub.wait_idle(60)
    assert len(stage.named("listener.yml")) == 1


def test_a_required_job_counts_as_a_status(toy: Stage) -> None:
    toy.repo.protect("main", required_statuses=["Train the candidate"])
    number = toy.pull("raise", {"value.txt": "2\n"})
    toy.repo.auto_merge(number)
    toy.hub.wait_idle(60)
    assert toy.repo.pulls[number].merged


def test_closing_leaves_no_process(make_stage: Make) -> None:
    stage = make_stage({"one.yml": workflow('echo $$ > "$OUT"; sleep 300')})
    out = stage.world.folder / "pid"
    stage.world.extra_env["OUT"] = str(out)
    run = stage.repo.dispatch("one.yml", actor="mona")
    for _ in range(100):
        if out.exists() and out.read_text(encoding="utf-8").strip():
            break
        time.sleep(0.1)
    stage.hub.close()
    assert run.conclusion == "cancelled"
    with pytest.raises(ProcessLookupError):
        os.kill(int(out.read_text(encoding="utf-8")), 0)


def test_schedule_runs_now(make_stage: Make) -> None:
    stage = make_stage({"one.yml": workflow('test "$GITHUB_EVENT_NAME" = schedule', on='{schedule: [{cron: "0 4 * * 1"}]}')})
    run = stage.repo.schedule("one.yml")
    stage.hub.wait_idle(30)
    assert run.conclusion == "success"


def test_a_world_does_not_mix_with_files(tmp_path: object) -> None:
    from pathlib import Path

    folder = Path(str(tmp_path))
    (folder / "mine").write_text("x", encoding="utf-8")
    with pytest.raises(Exception, match="is not empty"):
        World.create(folder)
