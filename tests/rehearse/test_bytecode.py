"""What the jobs of a rehearsal compile is kept for the next ones."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Stage

ONE = """\
name: one
on: [workflow_dispatch, pull_request]
permissions: {}
jobs:
  only:
    runs-on: ubuntu-24.04
    steps:
      - uses: astral-sh/setup-uv@20cfd1bf945f4377ade1205e4dbc17946fc9a30d # v10.0.1
      - run: |
          mkdir -p .venv/lib
          echo 'answer = 42' > .venv/lib/answers.py
          touch -d 2026-01-01 .venv/lib/answers.py
          PYTHONPATH=.venv/lib python3 -v -c 'import answers' 2> trace
          grep -q '^# created .*answers' trace && echo 'library: compiled' || echo 'library: read'
"""


def _last(stage: Stage) -> str:
    stage.hub.wait_idle(60)
    run = stage.repo.runs[-1]
    assert run.conclusion == "success", run.text()
    (word,) = re.findall(r"\| library: (\w+)$", run.text(), re.MULTILINE)
    return str(word)


def test_a_library_is_compiled_once_but_never_for_main_by_a_pull_request(
    make_stage: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REHEARSE_BYTECODE", str(tmp_path / "bytecode"))
    stage = make_stage({"one.yml": ONE})
    stage.pull("change", {"value.txt": "2\n"})
    assert _last(stage) == "compiled"
    stage.repo.dispatch("one.yml", actor="mona")
    assert _last(stage) == "compiled", "main's job reads what a pull request compiled"
    stage.repo.dispatch("one.yml", actor="mona")
    assert _last(stage) == "read"
