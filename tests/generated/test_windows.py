"""On Windows: every module can be imported, the server's loop can watch sockets, and output into a pipe never fails on a sign."""

import asyncio
import io
import sys
from importlib import reload

import pytest
from churn import ProblemError, run
from churn.serving import server
from windows_kit import imported_on_windows

PARTS = ("", "adopt", "intervals", "monitoring", "on_github", "pipeline", "registry", "review", "serving", "store")


def test_every_module_is_imported() -> None:
    names = imported_on_windows(*PARTS)

    assert {f"churn.{part}".rstrip(".") for part in PARTS[1:]} <= set(names)
    assert "churn.contract" in names and "churn.serving.watch.window" in names


def test_the_servers_loop_can_watch_a_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual loop of Windows has no ``add_reader``."""
    monkeypatch.setattr(sys, "platform", "win32")
    on_windows = reload(server)
    try:
        config = on_windows.uvicorn.Config("none", loop=on_windows._LOOP)
        assert config.get_loop_factory() is asyncio.SelectorEventLoop
    finally:
        monkeypatch.undo()
        reload(server)


def test_a_sign_that_a_pipe_does_not_know_is_a_question_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    def main() -> None:
        print("✅ Promote")
        raise ProblemError("≥ 0.8 is not reached")

    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="cp1252", newline="\n") for _ in range(2))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    with pytest.raises(SystemExit, match="1"):
        run(main)
    out.flush(), err.flush()

    assert out.buffer.getvalue() == b"? Promote\n"
    assert err.buffer.getvalue() == b"error: ? 0.8 is not reached\n"
