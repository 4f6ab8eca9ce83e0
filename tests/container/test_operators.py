"""Argo CD's and Flux's resources: the fields that they have, and that they follow what promotion writes."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from ..conftest import BakedProject, Baker
from .test_manifests import ENVIRONMENTS, NEWEST, validate

SCHEMAS = json.loads(Path(__file__).with_name("crds.json").read_text(encoding="utf-8"))
OVERLAYS = [f"deploy/kubernetes/overlays/{name}" for name in ENVIRONMENTS]
REPOSITORY = "https://github.com/your-github-name/telco-churn.git"


@pytest.fixture(scope="module")
def bakes(baker: Baker, tmp_path_factory: pytest.TempPathFactory) -> dict[str, BakedProject]:
    """By the answer ``deploy``."""
    return {name: baker.bake(tmp_path_factory.mktemp(name), deploy=name) for name in ("argocd", "flux")}


def documents(project: BakedProject, name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(project.text(f"deploy/kubernetes/{name}.yaml")))


def check(found: dict[str, Any]) -> None:
    """Raise ``jsonschema.ValidationError`` where a custom resource is not as its operator reads it."""
    kind = f"{found['apiVersion']} {found['kind']}"
    one = {
        "properties": {
            "apiVersion": True,
            "kind": True,
            "metadata": {"$ref": "#/$defs/metadata"},
            "spec": {"$ref": f"#/$defs/{kind.replace('/', '~1').replace(' ', '%20')}"},
        },
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "additionalProperties": False,
    }
    assert kind in SCHEMAS["$defs"], kind
    jsonschema.validate(found, SCHEMAS | one, cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize("name", ["argocd", "flux"])
def test_an_operators_resources_have_its_fields(bakes: dict[str, BakedProject], tmp_path: Path, name: str) -> None:
    for found in documents(bakes[name], name):
        if found["apiVersion"] == "v1":
            assert validate(yaml.safe_dump(found), NEWEST, tmp_path) == ""
        else:
            check(found)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("argocd", "selfHeal", "selfheal"),
        ("argocd", "repoURL", "repoUrl"),
        ("argocd", "destination:", "target:"),
        ("flux", "interval: 1m", "interval: 1 minute"),
        ("flux", "path: ./deploy", "path: deploy"),
        ("flux", "kind: GitRepository, name", "kind: Repository, name"),
        ("flux", "  prune: true\n", ""),
    ],
)
def test_a_wrong_field_is_found(bakes: dict[str, BakedProject], name: str, old: str, new: str) -> None:
    text = bakes[name].text(f"deploy/kubernetes/{name}.yaml")
    assert old in text
    with pytest.raises(jsonschema.ValidationError):
        for found in yaml.safe_load_all(text.replace(old, new)):
            if found["apiVersion"] != "v1":
                check(found)


def test_argo_cd_follows_every_overlay_on_main(bakes: dict[str, BakedProject]) -> None:
    project = bakes["argocd"]
    found = [one["spec"] for one in documents(project, "argocd")]
    assert [one["source"] for one in found] == [{"repoURL": REPOSITORY, "targetRevision": "main", "path": path} for path in OVERLAYS]
    assert [one["destination"]["namespace"] for one in found] == [
        project.yaml(f"{path}/kustomization.yaml")["namespace"] for path in OVERLAYS
    ]
    assert all(project.root.joinpath(path, "kustomization.yaml").exists() for path in OVERLAYS)


def test_flux_follows_every_overlay_on_main(bakes: dict[str, BakedProject]) -> None:
    project = bakes["flux"]
    found = documents(project, "flux")
    (source,) = [one for one in found if one["kind"] == "GitRepository"]
    followers = [one for one in found if one["kind"] == "Kustomization"]
    assert (source["spec"]["url"], source["spec"]["ref"]) == (REPOSITORY, {"branch": "main"})
    assert [one["spec"]["path"] for one in followers] == [f"./{path}" for path in OVERLAYS]
    assert {one["spec"]["sourceRef"]["name"] for one in followers} == {source["metadata"]["name"]}
    made = {one["metadata"]["name"] for one in found if one["kind"] == "Namespace"}
    assert made == {project.yaml(f"{path}/kustomization.yaml")["namespace"] for path in OVERLAYS}
