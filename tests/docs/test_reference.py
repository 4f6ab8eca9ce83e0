"""The pages of ``docs/reference`` say what the code says now, and leave nothing unexplained."""

import json
import re
from pathlib import Path

import pytest

from reference import __main__ as reference

from ..conftest import ROOT, BakedProject, lines

FOLDER = ROOT / "docs/reference"


@pytest.fixture(scope="module")
def pages(default_bake: BakedProject) -> dict[str, str]:
    return reference.pages(default_bake.root)


def test_the_committed_pages_are_current(pages: dict[str, str]) -> None:
    stale = [name for name, content in pages.items() if not _same(FOLDER / name, content)]
    assert not stale, f"run `make docs` and commit docs/reference: {', '.join(stale)} no longer says what the code says"
    assert {path.name for path in FOLDER.iterdir()} == set(pages)


def _same(path: Path, content: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == content


def test_each_key_of_params_is_explained(pages: dict[str, str]) -> None:
    sections = re.split(r"^## ", pages["params.md"], flags=re.MULTILINE)[1:]
    silent = []
    for section in sections:
        prose, table, rows = section.partition("| key |")
        keys = re.findall(r"^\| `(\w+)` \|", rows, flags=re.MULTILINE) if table else []
        silent += [f"{section.splitlines()[0]}: {key}" for key in keys if f"`{key}`" not in prose and f"`{key}:" not in prose]
    assert not silent, f"their docstrings in params.py and gate.py do not name these keys: {lines(silent)}"


def test_each_key_of_the_example_is_there(pages: dict[str, str], default_bake: BakedProject) -> None:
    assert {f"| `{key}` |" for key in default_bake.yaml("params.yaml")} <= set(re.findall(r"\| `\w+` \|", pages["params.md"]))


def test_each_permission_and_each_value_has_its_reason(pages: dict[str, str], default_bake: BakedProject) -> None:
    page = pages["workflows.md"]
    texts = [path.read_text(encoding="utf-8") for path in default_bake.files(".github/workflows/*.yml")]
    granted = [level for text in texts for level in re.findall(r"^ {6}([\w-]+: (?:read|write))\b", text, flags=re.MULTILINE)]
    told = re.findall(r"^\| `([\w-]+: (?:read|write))` \| \S.* \|$", page, flags=re.MULTILINE)
    assert sorted(told) == sorted(granted)
    values = re.findall(r"^\| `([A-Z_]+)` \| (?:secret|variable) \| \S", page, flags=re.MULTILINE)
    assert set(values) == set(re.findall(r"(?:secrets|vars)\.([A-Z_]+)", "".join(texts)))


def test_the_bundle_has_each_of_its_files(pages: dict[str, str], default_bake: BakedProject) -> None:
    source = (default_bake.package / "bundle.py").read_text(encoding="utf-8")
    files = json.loads(re.findall(r"^FILES = \((.*)\)$", source, flags=re.MULTILINE)[0].join("[]"))
    for name in ("manifest.json", *files):
        assert f"* `{name}`: " in pages["bundle.md"]
        assert name == "model.onnx" or f"## `{name}`" in pages["bundle.md"]


def test_each_route_that_the_server_lists_is_there(pages: dict[str, str], default_bake: BakedProject) -> None:
    source = (default_bake.package / "serving/routes.py").read_text(encoding="utf-8")
    for route in re.findall(r'^    "((?:GET|POST) /\S*)":', source, flags=re.MULTILINE):
        assert f"| `{route}` |" in pages["server.md"]
