"""Images in a registry: pushed once, named by digest, by whoever may. The programs are stand-ins whose registry is a folder."""

import base64
import hashlib
import json
import os
import stat
import sys
from pathlib import Path

import pytest
from churn import bundle
from churn.params import Promotion
from churn.pointer import Pointer
from churn.registry import image, image_push, image_smoke, steps
from churn.registry.engine import ImageError
from churn.registry.smoke import SmokeError
from serving_kit import make_bundle

IDENTITY, OTHER = (f"sha256:{letter * 64}" for letter in "ab")
NAME = "registry.invalid/acme/churn"
STAND_IN = """#!{python}
import json, os, sys
from pathlib import Path
program, arguments, folder = Path(sys.argv[0]).name, sys.argv[1:], Path({folder!r})
auth = arguments[arguments.index("--authfile") + 1] if "--authfile" in arguments else None
seen = {{"program": program, "arguments": arguments, "auth": auth and json.load(open(auth)), "mode": auth and os.stat(auth).st_mode}}
with (folder / "calls").open("a") as calls:
    calls.write(json.dumps(seen) + "\\n")
if (folder / "refuse").exists() and program == (folder / "refuse").read_text():
    sys.exit("time=1 level=error\\nrequested access to the resource is denied")
place = folder / arguments[-1].rpartition(":")[2]
if arguments[0] == "build":
    Path(arguments[arguments.index("--iidfile") + 1]).write_text({identity!r} + "\\n")
elif program == "buildah":
    place.write_text(json.dumps({{"config": {{"digest": (folder / "pushes").read_text()}}}}))
elif place.exists():
    sys.stdout.write(place.read_text())
else:
    sys.exit("manifest unknown")
"""


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the stand-ins have and saw: a file for each tag, and ``calls``."""
    folder, programs = tmp_path / "registry", tmp_path / "programs"
    folder.mkdir()
    programs.mkdir()
    (folder / "pushes").write_text(IDENTITY)
    for name in ("buildah", "skopeo"):
        (programs / name).write_text(STAND_IN.format(python=sys.executable, folder=str(folder), identity=IDENTITY))
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    for name in ("REGISTRY_USER", "REGISTRY_PASSWORD", "GITHUB_ACTIONS", "GH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return folder


def _calls(registry: Path, program: str, word: str = "") -> list[dict]:
    path = registry / "calls"
    seen = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [one for one in seen if one["program"] == program and word in one["arguments"][0]]


def test_a_pushed_image_is_named_by_what_the_registry_has(registry: Path) -> None:
    assert image_push.found(IDENTITY, NAME) is None
    named = image_push.push("localhost/churn:1", IDENTITY, NAME)
    manifest = (registry / IDENTITY[7:19]).read_bytes()
    assert named == f"{NAME}@sha256:{hashlib.sha256(manifest).hexdigest()}"
    assert image_push.found(IDENTITY, NAME) == named


def test_another_image_under_the_tag_is_not_taken_for_it(registry: Path) -> None:
    for content in (json.dumps({"config": {"digest": OTHER}}), "no JSON", "[]", "{}"):
        (registry / IDENTITY[7:19]).write_text(content)
        assert image_push.found(IDENTITY, NAME) is None
    (registry / "pushes").write_text(OTHER)
    with pytest.raises(ImageError, match=f"{NAME} does not give back the image that was pushed, {IDENTITY}"):
        image_push.push("localhost/churn:1", IDENTITY, NAME)


def test_a_refused_push_is_told_in_the_registrys_words(registry: Path) -> None:
    (registry / "refuse").write_text("buildah")
    with pytest.raises(ImageError, match=r"^buildah push failed: requested access to the resource is denied$"):
        image_push.push("localhost/churn:1", IDENTITY, NAME)


@pytest.mark.parametrize(
    ("name", "env", "login"),
    [
        ("ghcr.io/acme/churn", {"GITHUB_ACTIONS": "true", "GH_TOKEN": "t", "GITHUB_ACTOR": "mona"}, ("ghcr.io", "mona:t")),
        ("ghcr.io/acme/churn", {"GH_TOKEN": "t"}, None),
        (NAME, {"GITHUB_ACTIONS": "true", "GH_TOKEN": "t"}, None),
        (NAME, {"REGISTRY_USER": "robot", "REGISTRY_PASSWORD": "p"}, ("registry.invalid", "robot:p")),
        (
            "ghcr.io/acme/churn",
            {"GITHUB_ACTIONS": "true", "GH_TOKEN": "t", "REGISTRY_USER": "r", "REGISTRY_PASSWORD": "p"},
            ("ghcr.io", "r:p"),
        ),
    ],
)
def test_the_jobs_token_goes_to_github_alone_and_never_onto_a_command_line(
    registry: Path, monkeypatch: pytest.MonkeyPatch, name: str, env: dict[str, str], login: tuple[str, str] | None
) -> None:
    for key, value in env.items():
        monkeypatch.setenv(key, value)
    image_push.push("localhost/churn:1", IDENTITY, name)
    (pushed,), (asked,) = _calls(registry, "buildah"), _calls(registry, "skopeo")
    for call in (pushed, asked):
        if login is None:
            assert call["auth"] is None
        else:
            assert call["auth"] == {"auths": {login[0]: {"auth": base64.b64encode(login[1].encode()).decode()}}}
            assert stat.S_IMODE(call["mode"]) == 0o600
            path = Path(call["arguments"][call["arguments"].index("--authfile") + 1])
            assert not path.exists()


@pytest.fixture
def made(tmp_path: Path, registry: Path, monkeypatch: pytest.MonkeyPatch) -> bundle.Bundle:
    """A bundle, in the folder of a repository that can build it."""
    make_bundle(tmp_path / "made")
    root = tmp_path / "repository"
    for name in ("deploy/Dockerfile", "requirements/serve.txt", ".dockerignore", "src/churn/__init__.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("")
    monkeypatch.chdir(root)
    monkeypatch.setenv("BASE", f"python@{IDENTITY}")
    return bundle.load(tmp_path / "made")


def test_what_the_registry_has_is_neither_tried_out_nor_pushed_again(
    made: bundle.Bundle, registry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []
    monkeypatch.setattr(image_smoke, "smoke", lambda tag, _: tried.append(tag))
    first = image.publish(made, NAME)
    assert image.publish(made, NAME) == first
    assert (tried, len(_calls(registry, "buildah", "push")), len(_calls(registry, "buildah", "build"))) == ([image.tag_of(made)], 1, 2)


def test_an_image_that_does_not_answer_is_not_pushed(made: bundle.Bundle, registry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def smoke(tag: str, _: object) -> None:
        raise SmokeError(f"{tag} answers as another")

    monkeypatch.setattr(image_smoke, "smoke", smoke)
    with pytest.raises(SmokeError, match="answers as another"):
        image.publish(made, NAME)
    assert _calls(registry, "buildah", "push") == []


def test_a_pointer_gets_an_image_where_one_is_wanted(made: bundle.Bundle, registry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_smoke, "smoke", lambda *_: None)
    new = Pointer("toy", 1, made.digest, "store", "c" * 40, "mona")
    assert steps.imaged(new, made.folder, Promotion()) is new
    assert not (registry / "calls").exists()
    assert (steps.imaged(new, made.folder, Promotion(image=NAME)).image or "").startswith(f"{NAME}@sha256:")
