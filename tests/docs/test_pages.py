"""What README and the pages in ``docs`` name exists: links, make targets, options, files, and the keys of ``params.yaml`` in examples."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rehearse.cli import main

from ..conftest import ROOT, TEMPLATE, BakedProject

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
WRITTEN = [page for page in PAGES if "reference" not in page.parts]  # by a person
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^()\s]+(?:\([^()\s]*\)[^()\s]*)?)\)|\b(?:src|srcset|href)=\"([^\"]+)\"")
CODE = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"[\w.<>{}-]*(?:/[\w.<>{}-]*)+|[\w-]+\.(?:yml|yaml|md|py|json|toml|ini)")
# Made by the commands that the pages describe, or names of something that is no file here.
MADE = re.compile(r"(?:build|reports|refs|comments|issues|models/(?:bundle|<scenario>))(?:/.*)?|models/(?:<environment>|production)\.yaml")
ROUTE = re.compile(r"/(?:predict|model|metrics|v2|health)(?:/.*)?")
FOREIGN = re.compile(r"(?:timeline|review)\.json|google-github-actions/auth|azure/login|actions/[\w-]+|/mnt/models")
NO_FILES = (MADE, ROUTE, FOREIGN)


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def commands(page: Path) -> Iterator[str]:
    """What the page gives to type: lines of ``console`` blocks, and code in its sentences."""
    text = page.read_text(encoding="utf-8")
    for language, body in FENCE.findall(text):
        yield from (line.removeprefix("$ ") for line in body.splitlines() if language == "console" and line.startswith("$ "))
    yield from CODE.findall(FENCE.sub("", text))


def anchors(page: Path) -> set[str]:
    """The fragments that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text(encoding="utf-8")), flags=re.MULTILINE)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings)
    return {re.sub(r"[^\w -]", "", heading).replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_inside_the_repository_lead_somewhere(page: Path, record_property: Callable[[str, object], None]) -> None:
    broken = []
    for link in (one or other for one, other in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8")))):
        if link.startswith("https://"):
            record_property("link", link)
            continue
        path, _, fragment = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (fragment and fragment not in anchors(target)):
            broken.append(link)
    assert not broken


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in PAGES if path.parent != ROOT} - {"README.md"}
    assert pages <= {link for link, _ in LINK.findall(index)}


@pytest.mark.parametrize("page", WRITTEN, ids=name)
def test_make_targets_exist(page: Path, default_bake: BakedProject) -> None:
    known = {folder: _targets(folder / "Makefile") for folder in (default_bake.root, ROOT, ROOT / "bench")}
    unknown = []
    for command in commands(page):
        for bench, target in re.findall(r"^(?:.*&& )?make (-C bench )?([a-z][\w-]*)", command):
            found = known[ROOT / "bench"] if bench else known[ROOT] | known[default_bake.root]
            unknown += [] if target in found else [command]
    assert not unknown


def _targets(makefile: Path) -> set[str]:
    rules = re.findall(r"^([a-z][\w -]*):(?!=)", makefile.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {word for rule in rules for word in rule.split()}


@pytest.mark.parametrize("page", WRITTEN, ids=name)
def test_options_and_programs_exist(page: Path, default_bake: BakedProject) -> None:
    files = [*default_bake.files("src/**/*.py"), *(ROOT / "src/rehearse").glob("*.py")]
    sources = "".join(path.read_text(encoding="utf-8") for path in files)
    known = {*re.findall(r'"(--[a-z][a-z-]+)"', sources), "--help"}
    unknown = []
    for command in commands(page):
        if found := re.match(r"(?:\.venv/bin/)?rehearse (\w+)", command):
            unknown += [] if found[1] in main.commands else [command]
        if command.startswith(("make ", "rehearse ", ".venv/bin/rehearse ", "python -m <package>")):
            unknown += sorted(set(re.findall(r"(--[a-z][a-z-]+)", command)) - known)
        if command.startswith("make adopt"):
            unknown += [word for word in re.findall(r"\b([A-Z]+)=", command) if not re.search(rf"\b{word}\b", sources)]
    assert not unknown


@pytest.mark.parametrize("page", WRITTEN, ids=name)
def test_files_exist(page: Path, default_bake: BakedProject) -> None:
    ours = [path for folder in ("docs", "src", "tests") for path in (ROOT / folder).rglob("*.*")]
    names = {path.name for path in [*default_bake.files(), *ours]}
    missing = []
    for code in CODE.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if not PATH.fullmatch(code) or any(pattern.fullmatch(code) for pattern in NO_FILES):
            continue
        path = code.replace("<package>", default_bake.package.name).replace("<environment>", "production").rstrip("/")
        places = (default_bake.root, default_bake.package, TEMPLATE, ROOT)  # the default bake has no Kubernetes
        if not any((place / path).exists() for place in places) and not ("/" not in path and path in names):
            missing.append(code)
    assert not missing


def test_examples_of_params_are_read(default_bake: BakedProject) -> None:
    read = "import sys; from churn import params; params.parse(sys.stdin.read())"
    env = {**os.environ, "PYTHONPATH": str(default_bake.root / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    for page in WRITTEN:
        for body in (body for language, body in FENCE.findall(page.read_text(encoding="utf-8")) if language == "yaml"):
            text = default_bake.text("params.yaml")
            for key in re.findall(r"^(\w+):", body, flags=re.MULTILINE):
                text = re.sub(rf"^{key}:.*?(?=^\S|\Z)", "", text, flags=re.MULTILINE | re.DOTALL)
            given = {"input": f"{text}\n{body}", "capture_output": True, "text": True, "encoding": "utf-8"}
            done = subprocess.run([sys.executable, "-c", read], env=env, **given)
            assert done.returncode == 0, f"{name(page)}: {body}{done.stderr.splitlines()[-1]}"
