"""Scoring on Windows: its modules can be imported, and its lock is msvcrt's."""

import importlib
import sys
from types import SimpleNamespace

import pytest
from churn.scoring import lock
from windows_kit import imported_on_windows


def test_every_module_is_imported() -> None:
    assert {"churn.scoring.engine", "churn.scoring.journal", "churn.scoring.on_dask"} <= set(imported_on_windows("scoring"))


def test_a_lock_that_another_process_has_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def locking(file: int, mode: int, length: int) -> None:
        if file == 7:
            raise PermissionError(13, "Permission denied")

    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(locking=locking, LK_NBLCK=2))
    monkeypatch.setattr(sys, "platform", "win32")
    try:
        on_windows = importlib.reload(lock)
        on_windows.take(3)
        with pytest.raises(BlockingIOError):
            on_windows.take(7)
    finally:
        monkeypatch.undo()
        importlib.reload(lock)
