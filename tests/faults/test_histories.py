"""Fifty random histories, each from a seed, so that one that fails can be played again: ``python tests/faults/history.py SEED``."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ..conftest import ROOT, BakedProject

pytestmark = pytest.mark.slow

COUNT = 50
Play = Callable[[int], tuple[int, str]]


@pytest.fixture(scope="module")
def play(default_bake: BakedProject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    """Plays a seed's history: its exit code, and what it printed. One process loads the libraries for all of them."""
    paths = (default_bake.root / "src", ROOT / "tests/generated")
    env = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "GH_"))}
    env |= {"PYTHONPATH": os.pathsep.join(map(str, paths)), "TMPDIR": str(tmp_path_factory.mktemp("histories"))}
    command = [sys.executable, str(Path(__file__).with_name("history.py"))]
    with subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as player:
        assert player.stdin
        assert player.stdout

        def played(seed: int) -> tuple[int, str]:
            player.stdin.write(f"{seed}\n")
            player.stdin.flush()
            _, code, log = player.stdout.readline().split()
            return int(code), Path(log).read_text(encoding="utf-8")

        yield played
        player.stdin.close()


@pytest.mark.parametrize("seed", range(COUNT))
def test_what_must_hold_holds_in_every_history(play: Play, seed: int) -> None:
    code, log = play(seed)
    assert code == 0, f"seed {seed}\n{log}"
    assert "ended with" in log
