"""What the all-default bake consists of."""

import json
import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from ..conftest import ROOT, TEMPLATE, BakedProject, Baker, lines

EXPECTED_FILES = Path(__file__).with_name("default_files.txt")
NOT_RENDERED = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))["_copy_without_render"]
OTHER_MARKS = ("deploy/prometheus/alertmanager.yml", "{{ ")  # Alertmanager's own
# Which registry or mirror serves packages, and where somebody's files are, is the reader's business.
REGISTRY = re.compile(r"pypi\.org|pythonhosted|npmjs|(?<!emit-)(index-url|find-links)|file://(?!/etc/)|https?://[^\s/]*/simple\b")
MACHINE_PATH = re.compile(r"(?<![\w.~/}-])/(work|tmp|root|home|Users|opt)/")
WINDOWS_NAME = re.compile(r"(?!(con|prn|aux|nul|com\d|lpt\d)(\.|$))[^<>:\"|?*\\\x00-\x1f]+(?<![. ])", re.IGNORECASE)


def own_files() -> list[Path]:
    """The root's files outside the template folder and outside what tools made."""
    skipped = {".git", ".venv", "build", "node_modules", "__pycache__", ".ruff_cache", ".pytest_cache", "tmp", "cache", TEMPLATE.name}
    found = (path for path in ROOT.rglob("*") if path.is_file() and not path.is_symlink())
    return [path for path in found if not skipped & set(path.relative_to(ROOT).parts)]


def test_exact_files(default_bake: BakedProject) -> None:
    expected = EXPECTED_FILES.read_text(encoding="utf-8").splitlines()

    assert default_bake.names() == expected, f"if this is meant, change {EXPECTED_FILES.relative_to(ROOT)}"


def test_few_files(default_bake: BakedProject) -> None:
    """A person meets the first kind; the package is many small rooms: stores, promotion, server, scoring, watch, adopting."""
    names = [name for name in default_bake.names() if not name.startswith("data/")]

    assert len([name for name in names if not name.startswith("src/")]) <= 48
    assert len([name for name in names if name.startswith("src/")]) <= 200


def test_no_empty_folder_and_no_link(default_bake: BakedProject) -> None:
    folders = [path for path in default_bake.root.rglob("*") if path.is_dir()]

    assert [str(folder) for folder in folders if not any(folder.iterdir())] == []
    assert [str(path) for path in default_bake.root.rglob("*") if path.is_symlink()] == []


def test_names_are_legal_on_windows(default_bake: BakedProject) -> None:
    names = default_bake.names()

    assert [name for name in names for part in name.split("/") if not WINDOWS_NAME.fullmatch(part)] == []
    assert [name for name in names if len(name) > 120] == []
    assert len({name.lower() for name in names}) == len(names)


def test_files_are_utf8_with_plain_line_ends(default_bake: BakedProject) -> None:
    for path in default_bake.files():
        content = path.read_bytes()
        content.decode("utf-8")
        assert b"\r" not in content and not content.startswith(b"\xef\xbb\xbf"), path
        assert not content or content.endswith(b"\n"), f"{path} does not end its last line"


def test_nothing_is_left_of_the_template_language(default_bake: BakedProject) -> None:
    for name in default_bake.names():
        text = default_bake.text(name)
        assert "{{cookiecutter" not in text and "{{ cookiecutter" not in text, name
        if name == OTHER_MARKS[0]:
            text = text.replace(OTHER_MARKS[1], "")
        if not any(fnmatch(name, pattern) for pattern in NOT_RENDERED):
            assert not re.search(r"\{\{|\{%|\{#", text), name


def test_unrendered_files_are_the_templates_own_bytes(default_bake: BakedProject) -> None:
    copied = [name for name in default_bake.names() if any(fnmatch(name, pattern) for pattern in NOT_RENDERED)]
    package = default_bake.package.name

    assert any(name.startswith(".github/workflows/") for name in copied)
    for name in copied:
        source = TEMPLATE / name.replace(f"src/{package}/", "src/{{cookiecutter.package_name}}/", 1)
        assert source.read_bytes() == (default_bake.root / name).read_bytes(), name
        if not name.startswith("data/"):
            assert "cookiecutter" not in default_bake.text(name), name


def test_workflows_do_not_know_the_package(default_bake: BakedProject) -> None:
    for path in default_bake.files(".github/workflows/*"):
        assert default_bake.package.name not in re.findall(r"\w+", path.read_text(encoding="utf-8")), path


def test_data_formats_parse(default_bake: BakedProject) -> None:
    for path in default_bake.files():
        text = path.read_text(encoding="utf-8")
        if path.suffix in (".yaml", ".yml"):
            documents = list(yaml.safe_load_all(text))  # Kubernetes manifests hold several
            assert documents and None not in documents, path
        elif path.suffix == ".toml":
            tomllib.loads(text)
        elif path.suffix == ".json":
            json.loads(text)
        elif path.suffix == ".py":
            compile(text, str(path), "exec")


@pytest.mark.parametrize("pattern", [REGISTRY, MACHINE_PATH], ids=["registry", "machine path"])
def test_no_file_names_a_registry_or_a_machine(default_bake: BakedProject, pattern: re.Pattern[str]) -> None:
    here = Path(__file__)
    found = [
        f"{path}:{number}: {line.strip()[:100]}"
        for path in [*default_bake.files(), *own_files()]
        if path != here and path.suffix != ".csv"
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found, lines(found)


def test_shipped_lock_files_have_hashes(default_bake: BakedProject) -> None:
    locks = [*default_bake.files("requirements/*.txt"), ROOT / "requirements.txt"]

    assert len(locks) == 5
    for path in locks:
        blocks = re.split(r"(?m)^(?=\S)", path.read_text(encoding="utf-8"))
        pins = [block for block in blocks if block.strip() and not block.startswith("#")]
        assert pins, path
        assert [pin for pin in pins if "==" not in pin or "--hash=sha256:" not in pin] == [], path


def test_no_lock_of_dvc_is_shipped(default_bake: BakedProject) -> None:
    assert "dvc.lock" not in default_bake.names()


def test_baking_twice_gives_the_same_bytes(default_bake: BakedProject, baker: Baker, tmp_path: Path) -> None:
    again = baker.bake(tmp_path)

    assert again.names() == default_bake.names()
    assert [p.read_bytes() for p in again.files()] == [p.read_bytes() for p in default_bake.files()]
