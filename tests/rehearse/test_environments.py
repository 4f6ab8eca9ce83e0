"""Environments for other programs are made once for each lock, and say what they lack."""

import subprocess
from pathlib import Path

import pytest

from rehearse.environments import environment
from rehearse.errors import RehearseError


def test_an_environment_is_made_once_and_another_lock_has_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    lock, other = tmp_path / "empty.txt", tmp_path / "other.txt"
    lock.write_text("# nothing\n")
    other.write_text("# nothing at all\n")
    first = environment(lock)
    assert capfd.readouterr().err == "Setting up the environment of empty.txt with uv (once; 0 packages) ...\n"
    told = subprocess.run([first / "python", "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True, check=True)
    assert Path(told.stdout.strip()) == first.parent
    assert environment(lock) == first
    assert capfd.readouterr().err == ""
    assert environment(lock, other) != first


def test_packages_that_cannot_be_installed_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    lock = tmp_path / "open.txt"
    lock.write_text("pip==26.0\n")
    for _ in range(2):  # a try that failed leaves nothing that counts as made
        with pytest.raises(RehearseError, match=r"^needs the packages of open.txt, which uv cannot install: "):
            environment(lock)
