"""Prometheus' programs, installed where that is allowed, and the generated package under test."""

import importlib
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from rehearse.containers.programs import ready
from rehearse.errors import RehearseError

from ..conftest import ROOT, BakedProject, not_run

PACKAGES = {
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "amtool": "prometheus-alertmanager",
}


@pytest.fixture(scope="session", autouse=True)
def programs() -> None:
    """Every test here needs them."""
    try:
        ready(packages=PACKAGES)
    except RehearseError as error:
        not_run("alerts", error)


@pytest.fixture
def kit(default_bake: BakedProject, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The kit of the tests of watching: a toy model with a profile, rows for it, and (``kit.serving_kit``) a server process."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(default_bake.root / "src")
    monkeypatch.syspath_prepend(ROOT / "tests/generated")
    made = importlib.import_module("watch_kit")
    made.serving_kit = importlib.import_module("serving_kit")
    yield made
    for name in set(sys.modules) - before:
        if name in ("watch_kit", "serving_kit") or name.partition(".")[0] == default_bake.package.name:
            del sys.modules[name]
