"""The container file, compose and Kubernetes files as their own tools read them."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearse.containers import tool

from ..conftest import BakedProject
from .conftest import Package

ENVIRONMENTS = ("staging", "production")
OLDEST, NEWEST = "1.31", "1.37"
IMAGE = "registry.example/churn@sha256:" + "a" * 64


@pytest.fixture
def project(cluster_bake: BakedProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BakedProject:
    made = cluster_bake.copy(tmp_path / "project")
    monkeypatch.chdir(made.root)
    return made


def write(package: Package, environment: str, image: str, version: int) -> Path:
    """Let an overlay name an image, as the commit of a promotion does."""
    file = package.overlay.path(environment)
    file.write_text(package.overlay.rendered(environment, file.read_text(), image, version))
    return file


def render(environment: str) -> str:
    command = [tool("kubectl"), "kustomize", f"deploy/kubernetes/overlays/{environment}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def objects(environment: str) -> dict[str, Any]:
    """The rendered objects of an environment by kind."""
    return {one["kind"]: one for one in yaml.safe_load_all(render(environment))}


def validate(manifest: str, version: str, folder: Path) -> str:
    """What kubernetes-validate has against a manifest; empty when nothing."""
    (folder / "manifest.yaml").write_text(manifest)
    command = [tool("kubernetes-validate"), "--strict", "-k", version, str(folder / "manifest.yaml")]
    done = subprocess.run(command, capture_output=True, text=True)
    told = [line for line in (done.stdout + done.stderr).splitlines() if line.strip() and not line.startswith("INFO")]
    return "\n".join(told) if done.returncode or told else ""


def test_hadolint_has_nothing_against_the_dockerfile(project: BakedProject) -> None:
    done = subprocess.run([tool("hadolint"), "deploy/Dockerfile"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_manifests_are_valid(project: BakedProject, package: Package, tmp_path: Path, environment: str, version: str) -> None:
    write(package, environment, IMAGE, 3)
    assert validate(render(environment), version, tmp_path) == ""


def test_a_misspelt_field_is_found(project: BakedProject, tmp_path: Path) -> None:
    wrong = render("production").replace("readOnlyRootFilesystem", "readOnlyRootFileSystem")
    assert "readOnlyRootFileSystem" in validate(wrong, NEWEST, tmp_path)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_has_all_that_it_needs(project: BakedProject, environment: str) -> None:
    found = objects(environment)
    kinds = {"Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy", "ServiceAccount"}
    assert found.keys() == kinds
    assert {one["metadata"]["namespace"] for one in found.values()} == {environment}
    assert "replicas" not in found["Deployment"]["spec"]  # the autoscaler's business
    assert found["ServiceAccount"]["automountServiceAccountToken"] is False


def test_nothing_selects_the_pods_of_others(project: BakedProject) -> None:
    found = objects("production")
    labels = found["Deployment"]["spec"]["template"]["metadata"]["labels"].items()
    selectors = [
        found["Deployment"]["spec"]["selector"]["matchLabels"],
        found["Service"]["spec"]["selector"],
        found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        found["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
        *(one["labelSelector"]["matchLabels"] for one in found["Deployment"]["spec"]["template"]["spec"]["topologySpreadConstraints"]),
    ]
    assert all(selector and selector.items() <= labels for selector in selectors), selectors


def test_pods_have_no_rights(project: BakedProject) -> None:
    pod = objects("production")["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    assert container["resources"]["requests"].keys() == {"cpu", "memory"} and "memory" in container["resources"]["limits"]


def test_compose_file_is_valid(project: BakedProject) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "deploy/compose.yaml"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_compose_files_prometheus_scrapes_its_own_services(project: BakedProject) -> None:
    services, prometheus = project.yaml("deploy/compose.yaml")["services"], project.yaml("deploy/prometheus/prometheus.yml")
    jobs = {job["job_name"]: job for job in prometheus["scrape_configs"]}
    assert {name: job["static_configs"][0]["targets"] for name, job in jobs.items()} == {
        "server": ["server:8000"],
        "ready": ["http://server:8000/health/ready"],
    }
    assert jobs["ready"]["relabel_configs"][-1]["replacement"].partition(":")[0] in services
    (alerts,) = prometheus["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"]
    assert {"server", alerts.partition(":")[0]} <= set(services)


def test_promotion_writes_the_same_overlay_twice_and_keeps_what_a_person_wrote(project: BakedProject, package: Package) -> None:
    file = package.overlay.path("staging")
    before = file.read_text()
    assert package.overlay.parse("staging", before) is None

    assert write(package, "staging", IMAGE, 3) == file
    first = file.read_bytes()
    assert write(package, "staging", IMAGE, 3) == file

    assert file.read_bytes() == first
    assert first.decode().startswith(before.partition("images:")[0])
    assert tuple(package.overlay.parse("staging", first.decode())) == (IMAGE, 3)
    template = objects("staging")["Deployment"]["spec"]["template"]
    assert template["spec"]["containers"][0]["image"] == IMAGE
    assert template["metadata"]["labels"]["app.kubernetes.io/version"] == "3"
    assert objects("staging")["HorizontalPodAutoscaler"]["spec"]["minReplicas"] == 1


def test_an_older_version_comes_back_byte_for_byte(project: BakedProject, package: Package) -> None:
    older = write(package, "production", IMAGE, 3).read_bytes()
    write(package, "production", IMAGE.replace("a" * 64, "b" * 64), 4)
    assert write(package, "production", IMAGE, 3).read_bytes() == older


@pytest.mark.parametrize(
    ("image", "spoil", "told"),
    [
        ("registry.example/churn:latest", None, "does not name an image by digest"),
        ("registry.example/churn@sha256:" + "A" * 64, None, "does not name an image by digest"),
        (IMAGE, lambda text: text.replace("# What runs", "# What ran"), "the line '# What runs here."),
        (IMAGE, lambda text: "images: []\n" + text, "'images' stands above the marking line; delete it"),
        (IMAGE, lambda text: "- x\n", "the line"),
    ],
)
def test_an_overlay_that_cannot_be_written_says_why_and_stays(
    project: BakedProject, package: Package, image: str, spoil: Any, told: str
) -> None:
    file = package.overlay.path("production")
    file.write_text(spoil(file.read_text()) if spoil else file.read_text())
    before = file.read_bytes()
    with pytest.raises(package.overlay.OverlayError) as caught:
        write(package, "production", image, 1)
    assert told in str(caught.value) and file.read_bytes() == before
