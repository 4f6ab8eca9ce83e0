"""Combinations of answers in which every two answers meet at least once, and what must be true of each bake."""

import hashlib
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from itertools import combinations
from pathlib import Path
from types import ModuleType

import yaml

from rehearse.containers import tool as installed

from ..conftest import ROOT, TEMPLATE, BakedProject
from ..container.test_manifests import ENVIRONMENTS, NEWEST, validate
from ..container.test_operators import check as operator_reads
from . import test_bake
from .test_workflows import tool

STORES = {
    "git": "git",
    "s3": "s3://bucket/prefix",
    "gs": "gs://bucket/prefix",
    "azure": "azure://container/prefix",
    "ssh": "ssh://mona@host:2222/srv/models",
    "local": "/mnt/models",
}
RUNNERS = ("ubuntu-24.04", "ubuntu-24.04-arm", "self-hosted,linux,gpu")
LABELS = Path(__file__).with_name("actionlint.yaml")
Combination = dict[str, str]


def covering(answers: Mapping[str, Sequence[str]], allowed: Callable[[Combination], bool]) -> list[Combination]:
    """Few combinations that hold every allowed pair of answers; the same ones each time."""
    most_first = sorted(answers, key=lambda question: -len(answers[question]))
    pairs = {pair: None for one, two in combinations(most_first, 2) for pair in _pairs(answers, one, two) if allowed(dict(pair))}
    found = []
    while pairs:
        row = dict(next(iter(pairs)))
        for question in most_first:
            if question not in row:
                options = [value for value in answers[question] if allowed(row | {question: value})]
                row[question] = max(options, key=lambda value: len(_in(row | {question: value}, pairs)))
        for pair in _in(row, pairs):
            del pairs[pair]
        found.append({question: row[question] for question in answers})
    return found


def _pairs(answers: Mapping[str, Sequence[str]], one: str, two: str) -> list[tuple[tuple[str, str], ...]]:
    return [((one, first), (two, second)) for first in answers[one] for second in answers[two]]


def _in(row: Combination, pairs: Iterable[tuple[tuple[str, str], ...]]) -> list[tuple[tuple[str, str], ...]]:
    return [pair for pair in pairs if all(row.get(question) == value for question, value in pair)]


def hook() -> ModuleType:
    """The hook that runs after a bake, as a module: its table, and what it does with it."""
    made = ModuleType("post_gen_project")
    text = (ROOT / "hooks/post_gen_project.py").read_text(encoding="utf-8")
    exec(compile(text.replace("{{ cookiecutter | tojson }}", "{}"), "post_gen_project", "exec"), made.__dict__)
    return made


@cache
def conditional() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Every file of the template that is not for all: which question it belongs to, and which of its answers."""
    names = {path: path.relative_to(TEMPLATE).as_posix() for path in TEMPLATE.rglob("*") if path.is_file()}
    table = hook().BELONGS
    return {name: belongs for name in names.values() for place, belongs in table.items() if f"{name}/".startswith(f"{place}/")}


def expected_files(answers: Mapping[str, str], package: str) -> list[str]:
    """The files of a bake: those of the all-default one, less and more what the table says."""
    default = test_bake.EXPECTED_FILES.read_text(encoding="utf-8").splitlines()
    common = {name.replace("src/churn/", f"src/{package}/", 1) for name in default if name not in conditional()}
    return sorted(common | {name for name, (question, values) in conditional().items() if answers[question] in values})


def _found(look: Callable[[], str]) -> str:
    """What a look finds; a file that cannot be read at all is a finding as well."""
    try:
        return look()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


class Checks:
    """What must be true of a bake. A tool looks at the same bytes once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: dict[tuple[str, str], str] = {}

    def all(self, project: BakedProject, answers: Combination) -> dict[str, str]:
        """What each check has against a project; empty where it has nothing."""
        self.project, self.answers = project, answers
        looks = {
            "files": self._files,
            "no leftovers": self._leftovers,
            "YAML TOML JSON": self._formats,
            "ruff": lambda: self._once("ruff", ("src", "tests", "pyproject.toml"), self._ruff),
            "actionlint": lambda: self._once("actionlint", (".github/workflows",), self._actionlint),
            "schemas": lambda: self._once("schemas", (".github",), self._schemas),
            "compose": lambda: self._once("compose", ("deploy/compose.yaml",), self._compose),
            "zizmor": lambda: self._once("zizmor", (".github",), self._zizmor),
            "hadolint": lambda: self._once("hadolint", ("deploy/Dockerfile",), self._hadolint),
            "kubernetes": lambda: self._once("kubernetes", ("deploy/kubernetes",), self._kubernetes),
        }
        return {name: _found(look) for name, look in looks.items()}

    def _once(self, name: str, places: Sequence[str], look: Callable[[], str]) -> str:
        digest = hashlib.sha256()
        for path in self.project.files():
            file = path.relative_to(self.project.root).as_posix()
            if any(f"{file}/".startswith(f"{place}/") for place in places):
                digest.update(f"{file}\0".encode() + path.read_bytes() + b"\0")
        key = (name, digest.hexdigest())
        if key not in self._seen:
            self._seen[key] = look()
        return self._seen[key]

    def _files(self) -> str:
        found, wanted = set(self.project.names()), set(expected_files(self.answers, self.project.package.name))
        return " ".join([*(f"-{name}" for name in sorted(wanted - found)), *(f"+{name}" for name in sorted(found - wanted))])

    def _leftovers(self) -> str:
        return self._assertions(test_bake.test_no_empty_folder_and_no_link, test_bake.test_nothing_is_left_of_the_template_language)

    def _formats(self) -> str:
        return self._assertions(test_bake.test_data_formats_parse, test_bake.test_files_are_utf8_with_plain_line_ends)

    def _assertions(self, *tests: Callable[[BakedProject], None]) -> str:
        return "".join(_found(lambda test=test: test(self.project) or "") for test in tests)

    def _ruff(self) -> str:
        return self._tool("ruff", "check", "--no-cache", ".") + self._tool("ruff", "format", "--no-cache", "--check", ".")

    def _actionlint(self) -> str:
        return self._tool("actionlint", "-shellcheck=", "-pyflakes=", f"-config-file={LABELS}", *self._workflows())

    def _schemas(self) -> str:
        action = ".github/actions/setup/action.yml"
        return self._schema("github-workflows", *self._workflows()) + self._schema("github-actions", action)

    def _compose(self) -> str:
        return self._schema("compose-spec", "deploy/compose.yaml")

    def _schema(self, name: str, *files: str) -> str:
        return self._tool("check-jsonschema", "-qq", "--builtin-schema", f"vendor.{name}", *files)

    def _zizmor(self) -> str:
        return self._tool("zizmor", "--offline", "--no-progress", "--quiet", "--persona=pedantic", ".github")

    def _hadolint(self) -> str:
        done = subprocess.run([installed("hadolint"), "deploy/Dockerfile"], cwd=self.project.root, capture_output=True, text=True)
        return done.stdout + done.stderr

    def _kubernetes(self) -> str:
        root = self.project.root / "deploy/kubernetes"
        for environment in ENVIRONMENTS if root.exists() else ():
            made = subprocess.run([installed("kubectl"), "kustomize", str(root / "overlays" / environment)], capture_output=True, text=True)
            if found := made.stderr or validate(made.stdout, NEWEST, self._folder):
                return found
        for name in ("argocd", "flux"):
            for document in yaml.safe_load_all((root / f"{name}.yaml").read_text()) if (root / f"{name}.yaml").exists() else ():
                if document["apiVersion"] != "v1":
                    operator_reads(document)
        return ""

    def _workflows(self) -> list[str]:
        return [str(path) for path in self.project.files(".github/workflows/*.yml")]

    def _tool(self, name: str, *arguments: str) -> str:
        done = tool(name, *arguments, cwd=self.project.root)
        return (done.stdout + done.stderr).strip() or f"{name} ended with {done.returncode}" if done.returncode else ""
