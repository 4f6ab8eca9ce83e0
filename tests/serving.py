"""The kit of the generated server's own tests (toy models, a repository that promotes them, a server process), for tests out here."""

import importlib
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

from rehearse.environments import environment
from rehearse.errors import RehearseError

from .conftest import ROOT, BakedProject, not_run


@contextmanager
def serving_kit(project: BakedProject) -> Iterator[ModuleType]:
    """Inside the block, the module ``serving_kit`` with the package of this project."""
    before = set(sys.modules)
    places = [str(project.root / "src"), str(ROOT / "tests/generated")]
    sys.path[:0] = places
    try:
        yield importlib.import_module("serving_kit")
    finally:
        for place in places:
            sys.path.remove(place)
        for name in set(sys.modules) - before:
            if name == "serving_kit" or name.partition(".")[0] == project.package.name:
                del sys.modules[name]


def environments(config: pytest.Config) -> Callable[..., Path]:
    """:func:`rehearse.environments.environment` for tests: with progress on the terminal; what cannot be installed is not run."""
    capture = config.pluginmanager.getplugin("capturemanager")

    def make(*locks: Path) -> Path:
        try:
            with capture.global_and_fixture_disabled():
                return environment(*locks)
        except RehearseError as error:
            not_run(locks[-1].stem, error)

    return make


def free_ports(count: int) -> list[int]:
    """So many ports of 127.0.0.1 that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
