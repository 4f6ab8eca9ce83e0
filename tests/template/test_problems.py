"""The multi-class and the regression example on a machine of their own; the binary one is the default of test_generated.py."""

import os
from pathlib import Path

import pytest
from uv import find_uv_bin

from ..conftest import Baker

pytestmark = pytest.mark.slow
PATH = f"{Path(find_uv_bin()).parent}{os.pathsep}{os.environ['PATH']}"
VERDICTS = {
    "multi-class": "## ✅ Promote: macro F1 0.9",
    "regression": "## ✅ Promote: RMSE ↓ 1.9",
}


@pytest.mark.parametrize("problem", VERDICTS)
def test_an_example_trains_tests_and_reports(baker: Baker, tmp_path: Path, problem: str) -> None:
    project = baker.bake(tmp_path, problem=problem).git_init()
    project.run("make", "train", PATH=PATH)
    tested = project.run("make", "test", f"ARGS=-k {problem}", PATH=PATH).stdout  # the rest is the same in every bake
    assert " passed, " in tested
    assert project.run("make", "report", PATH=PATH).stdout.startswith(VERDICTS[problem])
    assert project.run("git", "status", "--porcelain").stdout == "", "results are not to be committed"
