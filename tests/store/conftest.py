"""Every kind of store behind one fixture, in clones of a repository with DVC's configuration."""

import importlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest

from ..conftest import ROOT, BakedProject
from ..local_s3 import LocalS3

KINDS = ("git ref", "folder", "s3")
CONFIG = """\
[core]
    analytics = false
    check_update = false
    remote = store
['remote "store"']
    url = {url}
    verify = true
"""


@pytest.fixture(scope="session")
def kit(default_bake: BakedProject) -> Iterator[ModuleType]:
    """The test kit of the generated package: toy bundles. With it ``churn`` can be imported."""
    before, folders = set(sys.modules), [str(ROOT / "tests/generated"), str(default_bake.root / "src")]
    sys.path[:0] = folders
    yield importlib.import_module("serving_kit")
    for folder in folders:
        sys.path.remove(folder)
    for name in set(sys.modules) - before:
        if name == "serving_kit" or name.partition(".")[0] == default_bake.package.name:
            del sys.modules[name]


@pytest.fixture(scope="session")
def s3_server() -> Iterator[LocalS3]:
    with LocalS3() as server:
        yield server


@pytest.fixture
def s3(s3_server: LocalS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalS3]:
    """The local S3 server, and its credentials in the environment; every test has a bucket of its own, see ``places``."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")  # s3fs tries five times itself
    monkeypatch.setenv("HOME", str(tmp_path))  # no profile of the person who runs this
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    yield s3_server
    s3_server.heal()
    s3_server.requests.clear()


@dataclass
class Place:
    """A store that is empty at first, and clones of a repository that use it."""

    kind: str
    url: str
    extra: str
    origin: Path
    clones: Path
    kit: ModuleType
    monkeypatch: pytest.MonkeyPatch
    client: Any = None

    def clone(self, name: str = "clone") -> Path:
        """Make a clone, or go back to it; the test stands in it afterwards."""
        folder = self.clones / name
        if not folder.exists():
            subprocess.run(["git", "clone", "-q", str(self.origin), str(folder)], check=True, capture_output=True)
            (folder / ".gitignore").write_text("/.dvc-store/\n/.dvc/tmp\n/.dvc/cache\n")
            (folder / ".dvc").mkdir()
            (folder / ".dvc/config").write_text(CONFIG.format(url=self.url) + self.extra)
        self.monkeypatch.chdir(folder)
        return folder

    def store(self, name: str = "clone") -> Any:
        """The store as a fresh clone, or one made before, has it configured."""
        self.clone(name)
        return importlib.import_module("churn.store").configured()

    def bundle(self, name: str, bias: float = 0.0) -> tuple[Path, str]:
        """A toy bundle and its digest."""
        return self.clones / name, self.kit.make_bundle(self.clones / name, bias)

    def damage(self, digest: str, name: str, change: Callable[[bytes], bytes | None]) -> None:
        """Change a stored file behind everybody's back; None deletes it."""
        path = f"bundles/{digest.removeprefix('sha256:')}/{name}"
        if self.kind == "s3":
            _damage_object(self.client, *self.url.removeprefix("s3://").split("/", 1), path, change)
        elif self.kind == "folder":
            _damage_file(Path(self.url) / path, change)
        else:
            store = self.store("vandal")
            store.open()
            _damage_file(self.clone("vandal") / ".dvc-store" / path, change)
            subprocess.run(["git", "add", "-A"], cwd=".dvc-store", check=True)
            subprocess.run(["git", "-c", "user.name=v", "-c", "user.email=v@v", "commit", "-qm", "damage"], cwd=".dvc-store", check=True)
            subprocess.run(["git", "push", "-q", "origin", "HEAD:refs/dvc/store"], cwd=".dvc-store", check=True)


def _damage_file(path: Path, change: Callable[[bytes], bytes | None]) -> None:
    content = change(path.read_bytes())
    path.unlink() if content is None else path.write_bytes(content)


def _damage_object(client: Any, bucket: str, prefix: str, path: str, change: Callable[[bytes], bytes | None]) -> None:
    key = f"{prefix}/{path}"
    content = change(client.get_object(Bucket=bucket, Key=key)["Body"].read())
    client.delete_object(Bucket=bucket, Key=key) if content is None else client.put_object(Bucket=bucket, Key=key, Body=content)


@pytest.fixture
def places(tmp_path: Path, kit: ModuleType, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Callable[[str], Place]:
    """Make an empty store of a kind."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("GH_TOKEN", raising=False)
    origin = tmp_path / "origin.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(origin)], check=True)

    def make(kind: str) -> Place:
        place = Place(kind, "../.dvc-store", "", origin, tmp_path, kit, monkeypatch)
        if kind == "folder":
            place.url = str(tmp_path / "disk")
        if kind == "s3":
            server: LocalS3 = request.getfixturevalue("s3")
            bucket = "b" + str(abs(hash(tmp_path)))
            place.client = boto3.client("s3", endpoint_url=server.url)
            place.client.create_bucket(Bucket=bucket)
            place.url, place.extra = f"s3://{bucket}/churn", f"    endpointurl = {server.url}\n"
        return place

    return make


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, places: Callable[[str], Place]) -> Place:
    """Every kind of store in turn."""
    return places(request.param)
