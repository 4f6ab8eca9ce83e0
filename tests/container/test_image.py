"""The serving image of a trained bundle: what is in it, what it may do, and that it is the same whoever builds it."""

import json
import os
import re
from pathlib import Path

import pytest

from rehearse.containers import Engine, Registry
from rehearse.errors import RehearseError

from ..conftest import BakedProject
from ..faults.kit import Scene
from .conftest import Package

pytestmark = pytest.mark.slow

MEGABYTES = 320
FOREIGN = ["joblib", "sklearn", "pandas", "scipy", "onnx", "skl2onnx", "dvc", "pip", "ensurepip", "setuptools", "wheel", "uv", "uv_build"]
PROGRAMS = ["gcc", "cc", "g++", "clang", "ld", "make", "pip", "pip3", "uv", "uv-build", "git"]
LOOK = """
import importlib.util, json, os, shutil
def writable(path):
    try:
        open(path + "/planted", "w").close()
    except OSError:
        return False
    return True
status = dict(line.split(":", 1) for line in open("/proc/1/status"))
print(json.dumps({
    "modules": [name for name in %r if importlib.util.find_spec(name)],
    "programs": [name for name in %r if shutil.which(name)],
    "writable": [path for path in ("/", "/app", "/app/bundle", "/tmp", "/var/tmp", "/etc") if writable(path)],
    "user": status["Uid"].split(), "rights": status["CapEff"].strip(), "gains": status["NoNewPrivs"].strip(),
    "source": sorted(name.removesuffix(".py") for name in os.listdir("/app/src/churn") if name != "__pycache__"),
}))
"""


@pytest.fixture
def image(project: BakedProject, package: Package, engine: Engine) -> str:
    """The image of the trained bundle, made by the first test that asks for it."""
    tag = package.image.tag_of(package.bundle.load("models/bundle"))
    if tag not in engine.podman("images", "--format", "{{.Repository}}:{{.Tag}}").split():
        package.image.build(Path("models/bundle"), tag)
    return tag


def identity(engine: Engine, name: str) -> str:
    return "sha256:" + engine.podman("image", "inspect", "--format", "{{.Id}}", name)


def layers(engine: Engine, name: str) -> list[str]:
    return json.loads(engine.podman("image", "inspect", "--format", "{{json .RootFS.Layers}}", name))


def test_it_runs_locked_down_and_answers_the_golden_rows(image: str, package: Package, engine: Engine, project: BakedProject) -> None:
    with package.image_smoke.started(image) as url:
        package.smoke.ask(url, package.bundle.load("models/bundle"))
        found = json.loads(engine.podman("exec", "--latest", "python", "-c", LOOK % (FOREIGN, PROGRAMS)))

    source = set(found.pop("source"))
    assert found == {
        "modules": [],
        "programs": [],
        "writable": [],
        "user": ["10001"] * 4,
        "rights": "0" * 16,
        "gains": "1",
    }
    assert {"serving", "bundle", "contract"} <= source
    assert not {"pipeline", "review", "registry", "features", "model"} & source


def test_it_needs_no_network_and_its_health_check_tells_health(image: str, engine: Engine, project: BakedProject) -> None:
    _, *check = project.yaml("deploy/compose.yaml")["services"]["server"]["healthcheck"]["test"]
    assert json.dumps(check) in project.text("deploy/Dockerfile")
    name = engine.podman("run", "--detach", "--network", "none", "--read-only", "--cap-drop", "all", image)
    try:
        ask = "import time, urllib.request as r\nfor _ in range(300):\n try:\n  r.urlopen('http://127.0.0.1:8000/health/ready'); break\n"
        engine.podman("exec", name, "python", "-c", ask + " except OSError: time.sleep(0.1)")
        engine.podman("exec", name, *check)
        with pytest.raises(RehearseError, match="Connection refused"):
            engine.podman("exec", name, *(word.replace(":8000", ":8001") for word in check))
    finally:
        engine.podman("rm", "--force", "--time", "1", name)


def test_it_is_small(image: str, engine: Engine) -> None:
    assert int(engine.podman("image", "inspect", "--format", "{{.Size}}", image)) <= MEGABYTES * 1_000_000


def test_two_builds_give_one_digest(image: str, package: Package, engine: Engine, registry: Registry, project: BakedProject) -> None:
    first = package.image_push.push(image, identity(engine, image), f"{registry.address}/first")
    for path in [*Path("src").rglob("*"), *Path("models/bundle").iterdir(), Path("requirements/serve.txt")]:
        os.utime(path, (1_000_000_000, 1_000_000_000))
        path.chmod(0o700 if path.is_dir() else 0o600)

    again = package.image.build(Path("models/bundle"), "localhost/again:1", fresh=True)

    assert again == identity(engine, image)
    second = package.image_push.push("localhost/again:1", again, f"{registry.address}/second")
    assert first.partition("@")[2] == second.partition("@")[2]
    assert first.startswith(f"{registry.address}/first@sha256:")


def test_versions_share_every_layer_but_the_bundles(image: str, package: Package, engine: Engine) -> None:
    package.image.build(Path("models/bundle-b"), "localhost/b:1")
    one, other = layers(engine, image), layers(engine, "localhost/b:1")
    assert one[:-1] == other[:-1] and one[-1] != other[-1]
    assert sum(layer not in layers(engine, engine.base) for layer in one) >= 4  # what is shared is more than the base


def test_an_image_of_another_bundle_is_refused(image: str, package: Package) -> None:
    with pytest.raises(package.image_smoke.SmokeError, match=r"answers 200 for sha256:\w{64}: it is not ready with sha256:\w{64}"):
        package.image_smoke.smoke(image, package.bundle.load("models/bundle-b"))


def test_a_server_that_cannot_start_is_told_with_its_last_words(image: str, package: Package, engine: Engine) -> None:
    made = engine.run("buildah", "from", image)
    engine.run("buildah", "config", "--entrypoint", '["python", "-c", "raise SystemExit(\'no model today\')"]', made)
    engine.run("buildah", "commit", "--quiet", "--rm", made, "localhost/broken:1")
    with pytest.raises(package.image_smoke.SmokeError, match=r"not ready .*its log ends with: no model today"):
        package.image_smoke.smoke("localhost/broken:1", package.bundle.load("models/bundle"))


def test_the_base_is_pinned_from_the_registry_and_then_builds(
    project: BakedProject, package: Package, engine: Engine, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    tagged = f"{registry.address}/python:3.11-slim-bookworm"
    engine.run("buildah", "push", "--quiet", engine.base, f"docker://{tagged}")
    monkeypatch.delenv("BASE")
    file = project.root / "deploy/Dockerfile"
    file.write_text(file.read_text().replace("FROM python:3.11-slim-bookworm", f"FROM {tagged}"))
    with pytest.raises(package.image.ImageError, match=r"not pinned by digest: .* run `make pin-base`"):
        package.image.build(Path("models/bundle"), "localhost/pinned:1")

    pinned = package.image.pin()

    assert pinned.startswith(f"{tagged}@sha256:") and f"\nFROM {pinned} AS base\n" in file.read_text()
    assert package.image.pin() == pinned
    name = package.image.build(Path("models/bundle"), "localhost/pinned:1")
    assert name.startswith("sha256:") and engine.podman("image", "inspect", "--format", "{{.Id}}", name)


def test_a_damaged_bundle_is_never_built(project: BakedProject, package: Package) -> None:
    with Path("models/bundle/model.onnx").open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(package.bundle.BundleError, match=r"model.onnx: SHA-256 is"):
        package.image.build(Path("models/bundle"), "localhost/never:1")


def test_a_registry_that_is_not_there_is_told(image: str, package: Package, engine: Engine) -> None:
    with pytest.raises(package.image.ImageError, match=r"buildah push failed: .*connection refused"):
        package.image_push.push(image, identity(engine, image), "127.0.0.1:1/churn")


def test_a_wheel_that_is_not_the_locked_one_is_refused(project: BakedProject, package: Package) -> None:
    lock = Path("requirements/serve.txt")
    lock.write_text(re.sub("[0-9a-f]{64}", "0" * 64, lock.read_text()))
    with pytest.raises(package.image.ImageError, match="buildah build failed"):
        package.image.build(Path("models/bundle"), "localhost/never:1")


def test_without_an_engine_one_line_says_what_to_install(project: BakedProject, package: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(package.image.ImageError, match="buildah is not installed or not on PATH; install it"):
        package.image.build(Path("models/bundle"), "localhost/never:1")


def test_the_makefiles_commands_print_what_they_made(project: BakedProject, engine: Engine, image: str, scene: Scene) -> None:
    python = str(scene.python)
    environment = {"PYTHONPATH": str(project.root / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    built = project.run(python, "-m", "churn.registry.image", "build", **environment).stdout.strip()
    assert built == image and layers(engine, built)
    wrong = project.run(python, "-m", "churn.registry.image", "pull", check=False, **environment)
    assert (wrong.returncode, wrong.stderr.startswith("error: image: say `build`")) == (1, True)
