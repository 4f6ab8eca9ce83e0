"""Imports modules of the package as Windows would: without the modules that only POSIX has."""

import builtins
import importlib
import pkgutil
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any
from unittest import mock

import churn

POSIX = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty", "uvloop"}


def imported_on_windows(*parts: str) -> list[str]:
    """The names of the modules of some parts of the package ('': those that belong to none), each imported twice.

    The first time brings everything that they import. The second time, in its absence, ``sys.platform`` is that of Windows, ``msvcrt`` is
    there, and a module of ours that asks for one of :data:`POSIX` is told that there is none.
    """
    names = [name for name, part in _modules() if part in parts]
    for name in names:
        importlib.import_module(name)
    before = {name: sys.modules.pop(name) for name in [*sys.modules] if name.partition(".")[0] == churn.__name__}
    real = builtins.__import__

    def importing(name: str, scope: Any = None, *rest: Any) -> ModuleType:
        if name.partition(".")[0] in POSIX and str((scope or {}).get("__name__")).partition(".")[0] == churn.__name__:
            raise ModuleNotFoundError(f"No module named '{name}' on Windows", name=name)
        return real(name, scope, *rest)

    try:
        windows = mock.patch.object(sys, "platform", "win32"), mock.patch.dict(sys.modules, msvcrt=mock.Mock())
        with mock.patch.object(builtins, "__import__", importing), windows[0], windows[1]:
            for name in names:
                importlib.import_module(name)
    finally:
        for name in [*sys.modules]:
            if name.partition(".")[0] == churn.__name__:
                del sys.modules[name]
        sys.modules.update(before)
    return names


def _modules() -> Iterator[tuple[str, str]]:
    for found in pkgutil.walk_packages(churn.__path__, f"{churn.__name__}.", onerror=lambda _: None):
        in_a_part = found.ispkg or found.name.count(".") > 1
        yield found.name, found.name.split(".")[1] if in_a_part else ""
