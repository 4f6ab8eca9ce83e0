"""What a run of the pipeline says that it took."""

import json
from pathlib import Path

import pytest
from churn.pipeline.costs import RUN, Recorder

SAID = """\
Pulling data for stage: 'prepare'
Stage 'train' is cached - skipping run, checking out outputs
Pulling data for stage: 'export'
Running stage 'export':
> python -m churn.pipeline.export
Stage 'evaluate' didn't change, skipping
"""


def test_what_dvc_says_becomes_stages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUNNER_NAME", "runner-7")
    recorder = Recorder()
    for line in SAID.splitlines():
        recorder.hear(line)
    recorder.write()
    written = json.loads(RUN.read_bytes())
    outcomes = {stage["name"]: stage["outcome"] for stage in written["stages"]}
    assert outcomes == {"prepare": "restored", "train": "restored", "export": "run", "evaluate": "unchanged"}
    assert all(stage["seconds"] >= 0 for stage in written["stages"])
    assert written["runner"].startswith("runner-7: ")
    assert written["parity"] is None, "nothing was exported here"


def test_a_run_that_says_nothing_is_written_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Recorder().write()
    assert json.loads(RUN.read_bytes())["stages"] == []
