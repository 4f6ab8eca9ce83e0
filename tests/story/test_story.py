"""The steps of a generated repository's life, played with its own workflow files, and what can go wrong between them."""

import hashlib
import io
import json
import re
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rehearse.actions.runs import Run
from rehearse.story.drifting import ASKED, MACHINE, ask_logged
from rehearse.story.project import Clone
from rehearse.story.rows import Rows
from rehearse.story.server import Server
from rehearse.story.stage import PERSON
from rehearse.story.watched import labels

from .bucket import InS3
from .conftest import Played

pytestmark = pytest.mark.slow

STEPS = [
    "2 first push", "3 pull request", "4 second push", "5 merge", "6 docs pull request", "7 worse model", "8 fork",
    "9 rollback", "10 docs merge after rollback", "11 revert of the rollback",
]  # fmt: skip
DRIFT = ["12 production drifts", "13 monitor", "14 monitor again", "15 retraining merged", "16 monitor after it"]
FIELDS = {"step", "ok", "seconds", "digest", "trained_stages", "detail"}


def test_every_step_is_ok(each_play: Played) -> None:
    timeline = json.loads((each_play.out / "timeline.json").read_text())
    steps = STEPS + (DRIFT if each_play.story.drifting else [])
    assert [(entry["step"], entry["ok"]) for entry in timeline] == [(name, True) for name in steps], timeline[-1]["detail"]
    assert all(set(entry) == FIELDS for entry in timeline)


@pytest.mark.parametrize("number", [5, 6, 9, 10, 11])
def test_nothing_is_trained_where_nothing_has_to_be(each_play: Played, number: int) -> None:
    assert each_play.step(number)["trained_stages"] == 0


def test_a_model_parameter_trains_but_does_not_prepare(each_play: Played) -> None:
    assert each_play.step(3)["trained_stages"] == 2, "train and export, not prepare"


@pytest.mark.parametrize("number", [14, 15, 16])
def test_a_drift_is_trained_for_once(played: Played, number: int) -> None:
    assert played.step(13)["trained_stages"] == 3, "other rows: prepare, train and export"
    assert played.step(number)["trained_stages"] == 0


def test_one_digest_per_version_everywhere(each_play: Played) -> None:
    """Report, comment, status, pointer, stored bundle and the server's answer."""
    stage, pointer = each_play.stage, each_play.stage.pointer() or {}
    digest = each_play.story.digests[pointer["version"]]
    pull = stage.repository.pulls[pointer["pull_request"]]
    (comment,) = stage.repository.comments(pull.number)
    reports = [summary for run in stage.repository.runs if run.workflow == "review.yml" for summary in run.summaries if digest in summary]
    assert reports, "no report of a review names the digest"
    assert digest in comment.body
    assert stage.status(pull.head_sha).description == f"promote {digest}"
    assert pointer["digest"] == digest
    assert stage.stored_digest(digest) == digest
    assert stage.server is not None
    assert stage.server.ask(stage.record(digest))["digest"] == digest


def test_a_drift_is_one_issue_that_ends_with_it(played: Played) -> None:
    """Opened by the first run, brought up to date by the second, closed by the one after the promotion."""
    stage, digests = played.stage, played.story.digests
    runs = [run for run in stage.repository.runs if run.workflow == "monitor.yml"]
    assert [run.conclusion for run in runs] == ["success"] * 3
    (issue,) = stage.repository.issues
    assert (issue.title, issue.author, issue.state) == ("Production has drifted: churn", "github-actions[bot]", "closed")
    assert "- `monthly_charges` drifted: PSI" in issue.body
    assert digests[2] in issue.body
    assert issue.body.count("drifted: PSI") == 1, "no other column was touched"
    assert "### Where labels have come: 600 rows" in issue.body
    assert issue.body.endswith("is closed when production is as the model knows it again.")
    assert f"/actions/runs/{runs[1].id}" in issue.body, "the second run brought it up to date"
    (word,) = stage.repository.comments(issue.number)
    assert word.body == f"Healed: the newest 600 rows are as version 3 knows them (`{digests[3]}`)."
    told = ["\n".join(run.summaries) for run in runs]
    assert ["Production has drifted" in text for text in told] == [True, True, False]
    assert "Nothing has drifted" in told[2]


def test_a_drift_is_one_pull_request_that_a_person_merged(played: Played) -> None:
    """It brings data and nothing else; monitoring itself pushed nothing to main, and version 3 is made of the newest rows."""
    stage, newest = played.stage, (played.out / "watched/newest.csv").read_bytes()
    (pull,) = [one for one in stage.repository.pulls.values() if one.head_ref.startswith("retrain/")]
    assert (pull.author, pull.merged_by) == (MACHINE, PERSON)
    assert "monthly_charges" in pull.body
    assert "open it again" not in pull.body, "its checks began by themselves"
    commit = pull.merge_commit_sha or ""
    assert stage.changed(f"{commit}^1", commit) == ["data/telco_churn.csv"]
    pointer = stage.pointer() or {}
    assert (pointer["version"], pointer["pull_request"], pointer["commit"]) == (3, pull.number, commit)
    manifest = json.loads(stage.stored(played.story.digests[3], "manifest.json") or b"{}")
    assert manifest["data_digest"] == f"sha256:{hashlib.sha256(newest).hexdigest()}"


def test_a_log_in_a_bucket_is_looked_at_with_the_role_that_reads(plays: Callable[[str], Played], tmp_path: Path) -> None:
    """The server writes the log with its own key; the job reads log and labels with its role, and writes nothing there."""
    stage = plays("s3").stage
    storage, pointer = stage.storage, stage.pointer() or {}
    assert isinstance(storage, InS3)
    stage.clone.branch("at-home")
    rows = Rows(stage.clone.folder)
    asked = rows.sample(rows.drifted(), ASKED)
    server = Server(stage.clone.folder, stage.clone.env | storage.writing, tmp_path / "server.log", "s3://models/log")
    try:
        server.wait_for(pointer["digest"])
        ids = ask_logged(server, [rows.record(row) for row in asked])
    finally:
        server.stop()
    storage.put("labels/today.csv", labels(dict(zip(ids, asked, strict=True))))
    stage.world.extra_env["AWS_ENDPOINT_URL_S3"] = storage.server.url
    began = len(storage.server.requests)
    stage.repository.dispatch("monitor.yml", actor=PERSON)
    (run,) = stage.settle().runs
    assert run.conclusion == "success", run.text()
    (issue,) = stage.repository.issues
    assert f"- `{rows.column}` drifted: PSI" in issue.body
    assert "### Where labels have come: 600 rows" in issue.body
    assert not [request for request in storage.server.requests[began:] if request.startswith(("PUT", "POST /models", "DELETE"))]


def test_no_other_host_was_asked(each_play: Played) -> None:
    assert each_play.stage.hub.refused == []


def test_only_the_fork_was_denied_anything(each_play: Played) -> None:
    denied = [entry for entry in each_play.stage.hub.denied if entry["workflow"] != "train.yml"]
    assert denied == []


def test_only_main_assumed_the_role_that_writes(plays: Callable[[str], Played]) -> None:
    storage = plays("s3").stage.storage
    assert isinstance(storage, InS3)
    seen = {(role.rpartition("/")[2], subject.partition("/")[2].partition(":")[2]) for role, subject in storage.server.assumed}
    assert seen == {("writes", "ref:refs/heads/main"), ("reads", "ref:refs/heads/main"), ("reads", "pull_request")}


def test_a_clone_of_main_pulls_the_model_in_production(each_play: Played) -> None:
    stage = each_play.stage
    clone = Clone.of(stage.address, stage.folder / "colleague", stage.clone.env)
    done = subprocess.run(["make", "pull"], cwd=clone.folder, env=clone.env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    manifest = (clone.folder / "models/bundle/manifest.json").read_bytes()
    assert f"sha256:{hashlib.sha256(manifest).hexdigest()}" == (stage.pointer() or {})["digest"]
    assert clone.git("status", "--porcelain") == ""


def test_each_version_left_a_tag_and_a_release_and_no_deployment_is_open(played: Played) -> None:
    stage = played.stage
    releases = {one.tag_name: (one.draft, sorted(one.assets)) for one in stage.repository.releases}
    files = ["SHA256SUMS", "bundle.tar", "card.md", "review.json", "sbom.cdx.json"]
    assert releases == {f"churn@v{version}.0.0": (False, files) for version in (1, 2, 3)}
    told = [(one.environment, one.payload["version"], one.payload["kind"], one.state) for one in stage.repository.deployments]
    assert told == [
        ("staging", 1, "promotion", "inactive"),
        ("production", 1, "promotion", "inactive"),
        ("staging", 2, "promotion", "inactive"),
        ("production", 2, "promotion", "inactive"),
        ("production", 1, "rollback", "inactive"),
        ("production", 2, "edit", "inactive"),
        ("staging", 3, "promotion", "success"),
        ("production", 3, "promotion", "success"),
    ]


def test_dvc_gets_a_version_by_its_tag(played: Played) -> None:
    """The tag is a convenience for tools that know nothing of this repository."""
    stage = played.stage
    clone = Clone.of(stage.address, stage.folder / "tool-user", stage.clone.env)
    clone.git("fetch", "-q", "--tags", "origin")
    assert subprocess.run(["make", "pull"], cwd=clone.folder, env=clone.env, capture_output=True).returncode == 0
    for version in (1, 2):
        command = [".venv/bin/dvc", "artifacts", "get", "-q", ".", "churn", "--rev", f"v{version}.0.0", "-o", f"v{version}.onnx"]
        done = subprocess.run(command, cwd=clone.folder, env=clone.env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        manifest = json.loads(stage.stored(played.story.digests[version], "manifest.json") or b"{}")
        assert hashlib.sha256((clone.folder / f"v{version}.onnx").read_bytes()).hexdigest() == manifest["files"]["model.onnx"]


@pytest.fixture(scope="module")
def judged(played: Played) -> Run:
    """The train run of an open pull request with a good model."""
    stage, clone = played.stage, played.stage.clone
    clone.branch("again")
    clone.set_params({"model.parameters.C": 0.9})
    clone.commit("Tune again")
    clone.push("again")
    stage.repository.open_pull(head="again", title="Tune again", body="", author=PERSON)
    (run,) = stage.settle().of("train.yml")
    assert stage.status(run.head_sha).state == "success"
    return run


@pytest.fixture
def review(played: Played, judged: Run) -> Iterator[Callable[[], Run]]:
    """Judge the open pull request once more; faults end with the test."""

    def again() -> Run:
        played.stage.hub.announce(judged)
        (run,) = played.stage.settle().of("review.yml")
        return run

    yield again
    played.stage.hub.clear_faults()


def _comment(played: Played, run: Run) -> str:
    (number,) = [pull.number for pull in played.stage.repository.pulls.values() if pull.head_sha == run.head_sha]
    (comment,) = played.stage.repository.comments(number)
    return comment.body


def test_comments_down_blocks_the_merge_and_heals(played: Played, judged: Run, review: Callable[[], Run]) -> None:
    played.stage.hub.fail("GET|POST|PATCH", r"/issues/.*comments", status=502)
    assert review().conclusion == "failure"
    status = played.stage.status(judged.head_sha)
    assert (status.state, status.description) == ("error", "the report could not be posted; re-run the review job")
    played.stage.hub.clear_faults()
    assert review().conclusion == "success"
    assert played.stage.status(judged.head_sha).state == "success"


def test_cml_down_the_same_report_comes_without_it(played: Played, judged: Run, review: Callable[[], Run]) -> None:
    """CML asks once and gives up; the package asks before and after it."""
    before = _comment(played, judged)
    played.stage.hub.fail("PATCH", r"/issues/comments/", status=500, times=1)
    run = review()
    assert run.conclusion == "success"
    assert "posting the same report without it" in run.text()
    assert _body(_comment(played, judged)) == _body(before)


def test_our_comment_is_found_behind_a_hundred_others(played: Played, judged: Run, review: Callable[[], Run]) -> None:
    repository = played.stage.repository
    number = next(pull.number for pull in repository.pulls.values() if pull.head_sha == judged.head_sha)
    ours = repository.comments(number)[0]
    earlier = dict(repository.state.comments)
    for place in range(110):
        repository.add_comment(number, f"remark {place}", "mallory")
    repository.state.comments.pop(ours.id)
    repository.state.comments[ours.id] = ours  # now the last of 111
    edits = ours.edits
    try:
        assert review().conclusion == "success"
        assert ours.edits == edits + 1
        assert len(repository.comments(number)) == 111
    finally:
        repository.state.comments.clear()
        repository.state.comments.update(earlier)


def test_store_down_cannot_be_judged(played: Played, judged: Run, review: Callable[[], Run]) -> None:
    played.stage.hub.fail_git("refs/dvc/store")
    assert review().conclusion == "success"
    status = played.stage.status(judged.head_sha)
    assert status.state == "failure"
    assert "cannot judge: the store refs/dvc/store cannot be" in status.description


def _rewritten(change: Callable[[zipfile.ZipFile, dict[str, bytes]], None]) -> Callable[[bytes], bytes]:
    def transform(content: bytes) -> bytes:
        with zipfile.ZipFile(io.BytesIO(content)) as old:
            files = {name: old.read(name) for name in old.namelist()}
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as new:
            change(new, files)
            for name, data in files.items():
                new.writestr(name, data)
        return out.getvalue()

    return transform


def _foreign(_: zipfile.ZipFile, files: dict[str, bytes]) -> None:
    files["bundle/run.sh"] = b"#!/bin/sh\n"


def _link(archive: zipfile.ZipFile, files: dict[str, bytes]) -> None:
    link = zipfile.ZipInfo("metrics.json")
    link.external_attr = 0o120777 << 16
    archive.writestr(link, "/etc/passwd")
    files.pop("metrics.json")


def _outside(_: zipfile.ZipFile, files: dict[str, bytes]) -> None:
    files["../../reports/review.json"] = b"{}"


def _forged(_: zipfile.ZipFile, files: dict[str, bytes]) -> None:
    stated = json.loads(files["metrics.json"])
    stated["metrics"]["roc_auc"] = 0.99
    files["metrics.json"] = json.dumps(stated).encode()


def _number(_: zipfile.ZipFile, files: dict[str, bytes]) -> None:
    files["pull_request.txt"] = b"1\n"


def _threshold(_: zipfile.ZipFile, files: dict[str, bytes]) -> None:
    files["bundle/model.onnx"] += b"\0"


TAMPERED: dict[str, tuple[Any, str]] = {
    "a foreign file": (_foreign, "foreign file 'bundle/run.sh'"),
    "a link": (_link, "holds the link 'metrics.json'"),
    "a path outside": (_outside, "foreign file '../../reports/review.json'"),
    "a forged metrics file": (_forged, "metrics.json of the candidate does not say what its bundle scores"),
    "a wrong pull request number": (_number, "foreign file 'pull_request.txt'"),
    "a changed model": (_threshold, "model.onnx: SHA-256 is"),
}


@pytest.mark.parametrize("case", TAMPERED)
def test_a_tampered_artifact_is_not_judged(played: Played, judged: Run, review: Callable[[], Run], case: str) -> None:
    change, message = TAMPERED[case]
    (artifact,) = played.stage.repository.artifacts(judged.id)
    whole = artifact.path.read_bytes()
    artifact.replace(_rewritten(change)(whole))
    try:
        assert review().conclusion == "success"
    finally:
        artifact.replace(whole)
    assert played.stage.status(judged.head_sha).state == "failure"
    comment = _comment(played, judged)
    assert comment.startswith("## ⚠️ Cannot judge")
    assert message in comment


def test_a_conflict_with_main_cannot_be_judged(played: Played, judged: Run, review: Callable[[], Run]) -> None:
    """GitHub then has no merge commit; the status says what to do."""
    repository = played.stage.repository
    number = next(pull.number for pull in repository.pulls.values() if pull.head_sha == judged.head_sha)
    ref, git_dir = f"refs/pull/{number}/merge", str(repository.git_dir)
    before = subprocess.run(["git", "-C", git_dir, "rev-parse", ref], check=True, capture_output=True, text=True).stdout.strip()
    subprocess.run(["git", "-C", git_dir, "update-ref", "-d", ref], check=True)
    try:
        assert review().conclusion == "success"
    finally:
        subprocess.run(["git", "-C", git_dir, "update-ref", ref, before], check=True)
    assert "conflicts with main; merge main into it" in played.stage.status(judged.head_sha).description


def test_gates_missing_on_main_cannot_be_judged(played: Played, judged: Run, review: Callable[[], Run]) -> None:
    stage, clone = played.stage, played.stage.clone
    before = stage.head("main")
    stage.repository.protect("main", required_statuses=["model review"], bypass=[PERSON])
    clone.branch("no-gates")
    params = clone.folder / "params.yaml"
    params.write_text(re.sub(r"gates:\n(?: *- .*\n)+", "", params.read_text()))
    clone.commit("Lose the gates")
    clone.git("push", "-q", "origin", "HEAD:refs/heads/main")
    stage.settle()
    try:
        assert review().conclusion == "success"
        description = stage.status(judged.head_sha).description
        assert description.startswith("cannot judge: params.yaml")
        assert "gates" in description
    finally:
        clone.git("revert", "--no-edit", "HEAD")
        clone.git("push", "-q", "origin", "HEAD:refs/heads/main")
        stage.settle()
        stage.repository.protect("main", required_statuses=["model review"])
    assert stage.head("main") != before


def test_a_merge_queue_is_judged_too(played: Played, judged: Run) -> None:
    """The queue's commit gets the required status; nobody is sent a comment."""
    stage = played.stage
    number = next(pull.number for pull in stage.repository.pulls.values() if pull.head_sha == judged.head_sha)
    before = stage.repository.comments(number)[0].edits
    queued = stage.repository.merge_group(number)
    assert [run.conclusion for run in stage.settle().runs] == ["success", "success"]
    assert stage.status(queued).description.startswith("promote sha256:")
    assert stage.repository.comments(number)[0].edits == before


def test_store_down_at_promotion_moves_no_pointer_and_is_taken_up(played: Played, judged: Run, review: Callable[[], Run]) -> None:
    stage = played.stage
    assert review().conclusion == "success"
    before = stage.pointer()
    stage.hub.fail_git("refs/dvc/store")
    number = next(pull.number for pull in stage.repository.pulls.values() if pull.head_sha == judged.head_sha)
    stage.repository.merge(number, actor=PERSON)
    (failed,) = stage.settle().of("promote.yml")
    assert failed.conclusion == "failure"
    assert "error: the store refs/dvc/store cannot be" in failed.text()
    assert stage.pointer() == before
    stage.hub.clear_faults()
    stage.repository.dispatch("promote.yml", actor=PERSON)
    again = stage.settle()
    assert [run.conclusion for run in again.runs] == ["success"]
    assert (stage.pointer() or {})["version"] == 4
    assert again.trained_stages == 0


def test_other_code_that_makes_the_same_bundle_is_noted_once(played: Played) -> None:
    """A comment in features.py is an input, but no new model: no version 5, and the next push is quiet."""
    stage, clone = played.stage, played.stage.clone
    before = stage.pointer() or {}
    clone.branch("comment")
    (features,) = clone.folder.glob("src/*/features.py")
    features.write_text(features.read_text() + "\n# A remark.\n")
    clone.commit("Remark on features")
    clone.push("comment")
    number = stage.repository.open_pull(head="comment", title="Remark", body="", author=PERSON)
    stage.repository.auto_merge(number)
    stage.settle()
    after = stage.pointer() or {}
    assert stage.repository.pulls[number].merged
    assert after == before | {"commit": after["commit"]}
    assert after["commit"] != before["commit"]


def _body(comment: str) -> str:
    """The report without what is timed anew each time it is made."""
    lines = comment.split("![](https://cml.dev/watermark")[0].rstrip().splitlines()
    return "\n".join(line for line in lines if "µs" not in line and "p99" not in line and "percentile" not in line)
