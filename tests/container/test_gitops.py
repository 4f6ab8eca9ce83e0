"""The whole loop on a cluster: promotion builds and pushes, one commit, rendered manifests, and the digest that answers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearse.containers import Cluster, Engine, Registry

from ..faults.kit import Case, Scene, killed_at
from .conftest import Package

pytestmark = pytest.mark.slow
OVERLAY = "deploy/kubernetes/overlays/{}/kustomization.yaml"


class Loop:
    """A repository on the local GitHub whose promotions build images, and the cluster that follows its production overlay."""

    def __init__(self, case: Case, cluster: Cluster, engine: Engine, registry: Registry) -> None:
        self.case, self.cluster = case, cluster
        names = ("CONTAINERS_STORAGE_CONF", "CONTAINERS_CONF", "CONTAINERS_REGISTRIES_CONF", "BUILDAH_ISOLATION", "PATH")
        own = {name: engine.build_env[name] for name in names}
        own["PATH"] = f"{case.scene.world.path}:{own['PATH']}"
        self.env = own | {"BASE": engine.base, "HOME": str(engine.home)}
        self.name = f"{registry.address}/acme/churn"

    def merge(self, name: str, old: str, new: str) -> None:
        """Bring another parameter to main, train and judge, as the workflow does before it promotes."""
        path = self.case.work / "params.yaml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")
        self.case.do("git", "commit", "-q", "--no-verify", "-m", name, "params.yaml")
        self.case.do("git", "push", "-q", str(self.case.repository.git_dir), "HEAD:refs/heads/main")
        self.case.good("store")
        self.case.good("pipeline", "--pull", "--keep")
        self.case.good("review.judge", "main")

    def overlay(self, environment: str = "production") -> dict[str, Any]:
        """What the overlay on main runs."""
        (image,) = yaml.safe_load(self.case.repository.read(OVERLAY.format(environment)) or "")["images"]
        return {"image": f"{image['newName']}@{image['digest']}"}

    def pointer(self) -> dict[str, Any]:
        return self.case.pointer() or {}


@pytest.fixture
def loop(scene: Scene, engine: Engine, registry: Registry, tmp_path: Path) -> Iterator[Loop]:
    with scene.trial() as case:
        cluster = Cluster(engine, tmp_path / "cluster", str(case.repository.git_dir), "production")
        made = Loop(case, cluster, engine, registry)
        made.merge("Build images", "image: none", f"image: {made.name}")
        yield made
        cluster.close()


def test_promotion_and_rollback_reach_the_cluster_by_a_commit(loop: Loop, package: Package) -> None:
    case, cluster = loop.case, loop.cluster

    # Cut off after the image was pushed and before anything names it.
    with killed_at(case, "POST deployments", "before", 2) as commands:
        commands.append(case.start("registry.promote", **loop.env))
        assert commands[0].wait().code == -9
    assert loop.pointer()["version"] == 1
    told = case.good("registry.promote", **loop.env)
    two = loop.pointer()
    assert (two["version"], two["image"].partition("@")[0]) == (2, loop.name)
    assert f"{two['image']} is there already" in told
    assert loop.overlay("staging") == loop.overlay() == {"image": two["image"]}
    changed = case.git("show", "--format=", "--name-only", "main").split()
    assert {"models/production.yaml", "models/staging.yaml", *map(OVERLAY.format, ("staging", "production"))} <= set(changed)
    assert cluster.sync() and cluster.ready()["digest"] == two["digest"]

    # A registry that refuses: nothing is named that is not there.
    loop.merge("Tune", "C: 0.5", "C: 0.25")
    before = case.git("rev-parse", "main")
    refused = case.run("registry.promote", **loop.env | {"CONTAINERS_REGISTRIES_CONF": "/dev/null"})
    assert refused.code == 1 and "error: buildah push failed: " in refused.text
    assert case.git("rev-parse", "main") == before

    case.good("registry.promote", **loop.env)
    three = loop.pointer()
    assert three["version"] == 3 and three["image"] not in (two["image"], None)
    assert cluster.ready()["digest"] == two["digest"]  # nothing runs that was not rolled out
    assert cluster.sync() and cluster.ready()["digest"] == three["digest"]
    assert 'app.kubernetes.io/version: "3"' in cluster.render()
    assert not cluster.sync()

    # Back: the image of then, without building one.
    case.good("registry.rollback", GITHUB_RUN_ID="1", **loop.env | {"BASE": "none"})
    assert loop.pointer()["image"] == two["image"] == loop.overlay()["image"]
    assert loop.overlay("staging") == {"image": three["image"]}
    assert cluster.sync() and cluster.ready()["digest"] == two["digest"]
    package.smoke.ask(cluster.url, package.bundle.load(_stored(case, two["digest"])))

    # Version 1 is of before images were wanted.
    told = case.good("registry.rollback", VERSION="1", GITHUB_RUN_ID="2", **loop.env | {"BASE": "none"})
    kept = f"::warning::version 1 was promoted without an image, so {OVERLAY.format('production')} keeps {two['image']}"
    assert kept in told and loop.pointer()["image"] is None
    assert not cluster.sync()


def _stored(case: Case, digest: str) -> Path:
    return case.work / ".dvc-store/bundles" / digest.removeprefix("sha256:")
