"""Which part of a generated package may know which: parts meet in files, never in each other's insides."""

import ast
import sys
from pathlib import Path

import pytest

from ..conftest import TEMPLATE

PACKAGE = TEMPLATE / "src" / "{{cookiecutter.package_name}}"
SHARED = {"intervals", "store"}  # folders of their own, known to every part
PARTS = sorted(path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file() and path.name not in SHARED)
SERVE_SET = {"fsspec", "httptools", "msgspec", "numpy", "onnxruntime", "prometheus_client", "starlette", "uvicorn", "uvloop", "yaml"}
SHARED_SET = {"msgspec", "numpy", "yaml"}
SHARED_WITH_SERVING = ["", "contract", "bundle", "pointer", "prediction_log", "psi", "git", "serving_rules"]


def modules() -> dict[str, Path]:
    """Every module of the package, by its name in it: '' is the package itself, 'review.gates' a part's module."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imports(name: str) -> tuple[set[str], set[str]]:
    """What a module imports: modules of its own package, and the top names of everything else."""
    path = MODULES[name]
    base = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    own, foreign = set(), set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            foreign |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            foreign.add(str(node.module).partition(".")[0])
        elif isinstance(node, ast.ImportFrom):
            above = [part for part in base if part][: len([p for p in base if p]) - node.level + 1]
            target = ".".join([*above, *([node.module] if node.module else [])])
            named = {f"{target}.{alias.name}".strip(".") for alias in node.names}
            own |= {module if module in MODULES else target for module in named}
    return own, foreign


def everything_behind(names: set[str]) -> tuple[set[str], set[str]]:
    """All modules of the package that ``names`` load, themselves included, and all foreign names that those import."""
    seen, foreign, waiting = set(), set(), set(names)
    while waiting:
        name = waiting.pop()
        seen.add(name)
        own, outside = imports(name)
        foreign |= outside
        waiting |= own - seen
    return seen, foreign - set(sys.stdlib_module_names)


def test_the_parts_are_those_of_the_design() -> None:
    assert {"pipeline", "registry", "review", "serving"} <= set(PARTS)


@pytest.mark.parametrize("name", sorted(MODULES), ids=lambda name: name or "the package itself")
def test_parts_do_not_know_each_other(name: str) -> None:
    part = name.partition(".")[0]
    known = {module.partition(".")[0] for module in imports(name)[0]} & set(PARTS)

    assert known <= ({part} & set(PARTS)), f"{name} knows {known}"


def test_serving_needs_only_its_light_set() -> None:
    own, foreign = everything_behind({name for name in MODULES if name.partition(".")[0] == "serving"})

    assert foreign - {"dvc", "pyarrow"} <= SERVE_SET
    for name, user in {"dvc": "store.filesystem", "pyarrow": "serving.tables"}.items():
        assert {module for module in own if name in imports(module)[1]} == {user}, f"which uses {name} only where it is installed"
    assert not {"dataset", "features", "model", "params"} & own


@pytest.mark.parametrize("name", SHARED_WITH_SERVING, ids=lambda name: name or "the package itself")
def test_what_serving_shares_is_light(name: str) -> None:
    allowed = SHARED_SET | ({"onnxruntime"} if name == "bundle" else set())

    assert everything_behind({name})[1] <= allowed


def test_scoring_needs_neither_pandas_nor_what_trains() -> None:
    own, foreign = everything_behind({name for name in MODULES if name.partition(".")[0] == "scoring"})

    assert foreign - {"dvc"} <= SERVE_SET | {"distributed", "pyarrow", "tqdm"}
    assert not {"dataset", "features", "model"} & own


def test_plan_needs_nothing_installed() -> None:
    assert everything_behind({"plan"})[1] == set()


def test_code_is_plain_python() -> None:
    for name, path in MODULES.items():
        assert "cookiecutter" not in path.read_text(encoding="utf-8"), name
        assert all(
            not node.names[0].name.startswith("churn")
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Import)
        ), name


def test_nothing_is_unpickled_where_models_are_served_or_judged() -> None:
    for name in MODULES:
        if name.partition(".")[0] in ("serving", "review", "registry", "scoring") or name in SHARED_WITH_SERVING:
            assert not {"pickle", "joblib", "dill", "cloudpickle", "shelve"} & imports(name)[1], name
