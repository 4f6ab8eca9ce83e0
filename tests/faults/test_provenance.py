"""Tag, release and messages of a promoted version against the local GitHub: made once, whatever is killed or fails on the way."""

import hashlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from rehearse import LocalGitHub, Repository, World
from rehearse.github.model import Asset, Release
from rehearse.webhooks import Webhooks

from ..conftest import BakedProject

FILES = {"SHA256SUMS", "bundle.tar", "card.md", "review.json", "sbom.cdx.json"}
TAG = "toy@v1.0.0"
# Runs in the clone with the generated package; what it needs of the package it finds by the package's name.
SETUP = """
import json, sys
from importlib import import_module
from pathlib import Path
package = sys.argv[1]
bundle, contract, pointer = (import_module(f"{package}.{name}") for name in ("bundle", "contract", "pointer"))
folder = Path("../bundle")
folder.mkdir()
column = contract.Column("age", "integer", min=0, max=120)
toy = contract.Contract("toy", ("age",), (), (column,), ("No", "Yes"), "Yes")
for name, content in {"model.onnx": b"model", "contract.json": toy.to_json(), "profile.json": b"{}", "golden.json": b"{}"}.items():
    (folder / name).write_bytes(content)
origin = {"data_digest": "sha256:" + "0" * 64, "parameters": {}, "libraries": {"onnx": "1"}}
digest = bundle.write_manifest(folder, model="toy", problem="binary", threshold=0.5, **origin)
made = {"model": "toy", "version": 1, "digest": digest, "bundle": "x", "commit": sys.argv[2], "pull_request": 7}
made |= {"metrics": {"roc_auc": 0.85}, "promoted_by": "mona"}
pointer.write(Path("models/production.yaml"), pointer.Pointer(**made))
Path("../card.md").write_text(f"card of {digest}")
review = {"verdict": "promote", "digest": digest, "model": "toy", "headline": "roc_auc"}
review["metrics"] = [{"name": "roc_auc", "candidate": {"value": 0.85}}]
Path("../review.json").write_text(json.dumps(review))
"""
CALL = """
import sys
from importlib import import_module
from pathlib import Path
package, what, commit, *rest = sys.argv[1:]
now = import_module(f"{package}.pointer").read(Path("models/production.yaml"))
release, notify = (import_module(f"{package}.registry.{name}") for name in ("release", "notify"))
card, review, bundle = Path("../card.md"), Path("../review.json"), Path("../bundle")
def main():
    if what == "prepare":
        release.prepare(now, bundle, card, review)
    elif what == "release":
        release.ensure(now, commit, bundle, card, review)
    elif what == "attest":
        import_module(f"{package}.registry.attestation").main()
    else:
        notify.send(what, review, now)
import_module(package).run(main)
"""


class Scene:
    """A repository on a local GitHub whose main names version 1, a clone of it, and the generated package to call."""

    def __init__(self, hub: LocalGitHub, folder: Path, package: Path, name: str) -> None:
        self.hub, self.package = hub, package
        self.repo: Repository = hub.create_repository("acme", name)
        token = hub.person("mona", write_to=[f"acme/{name}"])
        self.env = hub.world.env(token) | {"GITHUB_REPOSITORY": f"acme/{name}", "GITHUB_SERVER_URL": "https://github.com"}
        self.env |= {"PYTHONPATH": str(package.parent), "PYTHONPYCACHEPREFIX": str(hub.world.folder / "bytecode")}
        self.clone = folder / "clone"
        folder.mkdir()
        self.git("clone", "-q", self.repo.url, str(self.clone), cwd=folder)
        (self.clone / "requirements").mkdir()
        (self.clone / "requirements/serve.txt").write_text(f"numpy==2.4.0 \\\n    --hash=sha256:{'1' * 64}\n")
        start = self.commit("start")
        self.python(SETUP, start)
        self.promoted = self.commit("Promote toy version 1")
        self.git("push", "-q", "origin", "HEAD:main")

    def git(self, *words: str, cwd: Path | None = None) -> str:
        return subprocess.run(
            ["git", *words], cwd=cwd or self.clone, env=self.env, check=True, capture_output=True, text=True
        ).stdout.strip()

    def commit(self, message: str) -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def python(self, script: str, *words: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a script in the clone; it gets the package's name first."""
        started = self.start(script, *words, **environment)
        out, errors = started.communicate()
        done = subprocess.CompletedProcess(words, started.returncode, out, errors)
        assert not check or done.returncode == 0, f"{out}{errors}"
        return done

    def start(self, script: str, *words: str, **environment: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", script, self.package.name, *words]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, cwd=self.clone, env=self.env | environment, start_new_session=True, **streams)

    def release(self, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.python(CALL, "release", self.promoted, check=check)

    def end_state(self) -> dict[str, Any]:
        """All that a promotion leaves: the tag's object, and each release with the bytes of its files."""

        def shown(one: Release) -> dict[str, Any]:
            files = {name: item.content for name, item in one.assets.items()}
            return {"tag": one.tag_name, "draft": one.draft, "target": one.target, "files": files}

        return {"tags": self.git("ls-remote", "origin", "refs/tags/*"), "releases": [shown(one) for one in self.repo.releases]}


# Requests that change something. The commits are at home already, so the tag's push is the first; reading with git is a POST too.
CHANGES = r"push .*|(POST|PATCH|DELETE) (?!.*git-(upload|receive)-pack).*"


def _changes(hub: LocalGitHub, since: int) -> list[str]:
    return [one["name"] for one in hub.requests[since:] if re.fullmatch(CHANGES, one.get("name", ""))]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalGitHub]:
    with LocalGitHub(World.create(tmp_path_factory.mktemp("provenance") / "world")) as made:
        yield made


@pytest.fixture
def scene(hub: LocalGitHub, tmp_path: Path, default_bake: BakedProject, request: pytest.FixtureRequest) -> Iterator[Scene]:
    """A repository of this test alone on the hub that they share."""
    yield Scene(hub, tmp_path / "desk", default_bake.package, f"r{abs(hash(request.node.name))}")
    hub.clear_faults()


def _check(scene: Scene) -> None:
    """One annotated tag at the promotion, one published release with all files, which belong together."""
    lines = scene.git("ls-remote", "origin", "refs/tags/*").splitlines()
    assert [line.split("\t")[1] for line in lines] == [f"refs/tags/{TAG}", f"refs/tags/{TAG}^{{}}"]
    assert lines[1].split("\t")[0] == scene.promoted
    (release,) = scene.repo.releases
    assert (release.tag_name, release.draft, set(release.assets)) == (TAG, False, FILES)
    assert all(item.state == "uploaded" for item in release.assets.values())
    told = dict(reversed(line.split("  ")) for line in release.assets["SHA256SUMS"].content.decode().splitlines())
    assert told == {name: hashlib.sha256(release.assets[name].content).hexdigest() for name in FILES - {"SHA256SUMS"}}
    with tarfile.open(fileobj=io.BytesIO(release.assets["bundle.tar"].content)) as archive:
        manifest = archive.extractfile("bundle/manifest.json").read()
    assert f"digest: sha256:{hashlib.sha256(manifest).hexdigest()}" in (scene.clone / "models/production.yaml").read_text()


def test_a_release_is_made_once_and_stays(scene: Scene) -> None:
    assert f"release {TAG} is complete" in scene.release().stdout
    _check(scene)
    before, requests = scene.end_state(), len(scene.hub.requests)
    scene.release()
    assert scene.end_state() == before
    assert _changes(scene.hub, requests) == [], "a second call changes nothing"
    body = scene.repo.releases[0].body
    assert "Made from pull request #7, promoted by mona." in body
    assert "sha256sum --check SHA256SUMS" in body


def test_the_order_of_the_changes(scene: Scene) -> None:
    requests = len(scene.hub.requests)
    scene.release()
    words = [re.sub(r"(?<=/)\d+", "N", name) for name in _changes(scene.hub, requests)]
    assert words == [f"push refs/tags/{TAG}", "POST releases", *["POST releases/N/assets"] * 5, "PATCH releases/N"]


Moment = Literal["before", "during", "after"]
KILLS = [(number, moment) for number in range(1, 9) for moment in ("before", "after")] + [(1, "during"), (3, "during"), (7, "during")]


@pytest.mark.parametrize(("number", "moment"), KILLS)
def test_killed_at_any_change_and_run_again_it_ends_the_same(
    scene: Scene, number: int, moment: Literal["before", "during", "after"]
) -> None:
    process = scene.start(CALL, "release", scene.promoted)
    scene.hub.interrupt(CHANGES, moment, lambda: (os.killpg(process.pid, signal.SIGKILL), process.wait()), nth=number)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert all(one.draft for one in scene.repo.releases) or (number, moment) == (8, "after"), "nobody sees half a release"
    scene.release()
    _check(scene)


def test_what_the_judging_run_kept_is_enough_for_a_later_run(scene: Scene) -> None:
    scene.python(CALL, "prepare", scene.promoted)
    (draft,) = scene.repo.releases
    assert (draft.draft, set(draft.assets)) == (True, {"bundle.tar", "card.md", "review.json"})
    assert scene.git("ls-remote", "origin", "refs/tags/*") == "", "a draft has no tag"
    review = (scene.clone / "../review.json").read_bytes()
    (scene.clone / "../card.md").unlink()
    (scene.clone / "../review.json").write_text('{"verdict": "hold", "digest": "sha256:another", "champion": {"digest": "x"}}')
    scene.release()
    _check(scene)
    assert scene.repo.releases[0].assets["review.json"].content == review


def test_without_card_or_review_it_says_what_to_do(scene: Scene) -> None:
    (scene.clone / "../review.json").unlink()
    for what in ("prepare", "release"):
        done = scene.python(CALL, what, scene.promoted, check=False)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        assert "judge-main" in done.stderr
    assert all(one.draft for one in scene.repo.releases)


def test_unfinished_and_wrong_files_are_replaced(scene: Scene) -> None:
    scene.python(CALL, "prepare", scene.promoted)
    (draft,) = scene.repo.releases
    for name, state, content in (("bundle.tar", "starter", b""), ("card.md", "uploaded", b"x"), ("SHA256SUMS", "uploaded", b"old")):
        path = scene.hub.world.folder / "releases" / f"planted-{name}"
        path.write_bytes(content)
        draft.assets[name] = Asset(900_000 + len(name), name, path, "text/plain", state)
    same_size = draft.assets["review.json"]
    same_size.path.write_bytes(same_size.content.replace(b"0.85", b"0.99"))
    scene.release()
    _check(scene)
    assert b"0.99" not in scene.repo.releases[0].assets["review.json"].content


def test_a_published_release_that_lost_a_file_gets_it_back(scene: Scene) -> None:
    scene.release()
    before = scene.end_state()
    del scene.repo.releases[0].assets["sbom.cdx.json"]
    scene.release()
    assert scene.end_state() == before


def test_a_refusal_is_one_line_and_a_second_run_heals(scene: Scene) -> None:
    scene.hub.fail("POST", r"/assets$", 502, times=1)
    done = scene.release(check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"error: release {TAG}: GitHub refused POST https://uploads.github.com/")
    scene.release()
    _check(scene)


def test_a_tag_that_names_another_commit_is_refused_with_both(scene: Scene) -> None:
    scene.git("push", "-q", "origin", f"{scene.promoted}~1:refs/tags/{TAG}")
    done = scene.release(check=False)
    assert done.returncode == 1
    assert f"tag {TAG} names {scene.git('rev-parse', 'HEAD~1')} and not {scene.promoted}" in done.stderr
    assert scene.repo.releases == []


@pytest.mark.parametrize(("name", "words"), [("model.onnx", "SHA-256 is"), ("manifest.json", "digest is")])
def test_another_bundle_is_not_released(scene: Scene, name: str, words: str) -> None:
    path = scene.clone / "../bundle" / name
    path.write_bytes(path.read_bytes().replace(b"0.5", b"0.6") if name == "manifest.json" else b"other")
    for what in ("prepare", "release"):
        done = scene.python(CALL, what, scene.promoted, check=False)
        assert done.returncode == 1
        assert words in done.stderr
    assert scene.end_state() == {"tags": "", "releases": []}


# ---- what is attested ----


def _attest(scene: Scene, check: bool = True) -> tuple[str, str]:
    """The step's output, and what it said where it failed."""
    output = scene.clone / "../output"
    output.unlink(missing_ok=True)
    done = scene.python(CALL, "attest", "-", check=check, GITHUB_OUTPUT=str(output))
    return output.read_text().strip() if output.exists() else "", done.stderr


def test_the_files_of_the_release_are_attested_once(scene: Scene) -> None:
    scene.release()
    assert _attest(scene) == ("missing=true", "")
    taken = {path.name: path.read_bytes() for path in (scene.clone / "release").iterdir()}
    assert taken == {name: item.content for name, item in scene.repo.releases[0].assets.items()}
    subject = hashlib.sha256(taken["bundle.tar"]).hexdigest()
    scene.repo.state.attestations[f"sha256:{subject}"] = 1
    assert _attest(scene)[0] == "missing=true", "the bill of materials is not attested yet"
    scene.repo.state.attestations[f"sha256:{subject}"] = 2
    assert _attest(scene)[0] == "missing=false"


@pytest.mark.parametrize(
    ("damage", "words"), [("card", "do not have the sums"), ("bundle", "its bundle is"), ("gone", "is missing"), ("draft", "is not there")]
)
def test_nothing_that_is_not_the_promoted_bundle_is_attested(scene: Scene, damage: str, words: str) -> None:
    scene.release()
    (made,) = scene.repo.releases
    match damage:
        case "card":
            made.assets["card.md"].path.write_bytes(b"another card")
        case "bundle":  # the sums are made to fit
            content = (
                made.assets["bundle.tar"]
                .content.replace(b'"threshold": 0.5', b'"threshold": 0.4')
                .replace(b'"threshold":0.5', b'"threshold":0.4')
            )
            sums = made.assets["SHA256SUMS"].content.decode()
            before = hashlib.sha256(made.assets["bundle.tar"].content).hexdigest()
            made.assets["SHA256SUMS"].path.write_text(sums.replace(before, hashlib.sha256(content).hexdigest()))
            made.assets["bundle.tar"].path.write_bytes(content)
        case "gone":
            del made.assets["sbom.cdx.json"]
        case _:
            made.draft = True
    said, error = _attest(scene, check=False)
    assert (said, error.count("\n")) == ("", 1)
    assert words in error


# ---- messages ----


def test_each_channel_is_told_once(scene: Scene) -> None:
    with Webhooks(scene.hub.world) as slack, Webhooks(scene.hub.world) as teams:
        secrets = {"SLACK_WEBHOOK": slack.address("services/T0/B0/x"), "WEBHOOK_URL": teams.address("workflows/1")}
        for _ in range(2):
            done = scene.python(CALL, "promotion", "-", **secrets)
    assert "Slack: told already" in done.stdout
    (to_slack,), (to_teams,) = slack.posts, teams.posts
    assert to_slack.path == "/services/T0/B0/x"
    assert "roc_auc 0.85" in to_slack.body["blocks"][0]["text"]["text"]
    assert (to_teams.body["event"], to_teams.body["title"]) == ("promotion", "toy version 1 is in production")
    assert all("https://127" not in text for text in (done.stdout, done.stderr)), "addresses are secrets"
    assert {one.context for one in scene.repo.statuses(scene.promoted)} == {"told Slack: promotion", "told webhook: promotion"}


def test_a_webhook_that_fails_is_a_warning_and_is_told_by_the_next_run(scene: Scene) -> None:
    with Webhooks(scene.hub.world, answer=500) as hook:
        secrets = {"SLACK_WEBHOOK": hook.address("secret-path")}
        done = scene.python(CALL, "promotion", "-", **secrets)
        assert "::warning::Slack was not told of this promotion: its server answered 500" in done.stdout
        assert "secret-path" not in done.stdout + done.stderr
        hook.answer = 200
        assert "Slack: told of this promotion" in scene.python(CALL, "promotion", "-", **secrets).stdout
    assert len(hook.posts) == 2


def test_a_redirect_is_not_followed(scene: Scene) -> None:
    with Webhooks(scene.hub.world) as elsewhere, Webhooks(scene.hub.world, answer=302, location=elsewhere.address("x")) as hook:
        done = scene.python(CALL, "promotion", "-", SLACK_WEBHOOK=hook.address("y"))
    assert "its server answered 302" in done.stdout
    assert elsewhere.posts == []


def test_a_certificate_that_nobody_vouches_for_gets_no_message(scene: Scene) -> None:
    with Webhooks(scene.hub.world) as hook:
        done = scene.python(CALL, "promotion", "-", SLACK_WEBHOOK=hook.address("y"), SSL_CERT_FILE=os.devnull)
    assert "cannot be reached (SSLCertVerificationError)" in done.stdout
    assert hook.posts == []


def test_a_server_that_is_gone_stops_nothing(scene: Scene) -> None:
    with Webhooks(scene.hub.world) as hook:
        address = hook.address("y")
    assert "cannot be reached (ConnectionRefusedError)" in scene.python(CALL, "promotion", "-", WEBHOOK_URL=address).stdout


def test_each_hold_and_each_rollback_is_told(scene: Scene) -> None:
    review = {"verdict": "hold", "reasons": ["recall is 0.2"], "model": "toy", "digest": f"sha256:{'2' * 64}"}
    (scene.clone / "../review.json").write_text(json.dumps(review))
    with Webhooks(scene.hub.world) as hook:
        for kind in ("hold", "hold", "rollback"):
            scene.python(CALL, kind, "-", WEBHOOK_URL=hook.address("y"))
        scene.commit("another merge")
        scene.git("push", "-q", "origin", "HEAD:main")
        scene.python(CALL, "hold", "-", WEBHOOK_URL=hook.address("y"))
    assert [post.body["event"] for post in hook.posts] == ["hold", "rollback", "hold"]
