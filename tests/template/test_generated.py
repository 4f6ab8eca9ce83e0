"""The generated repository on a machine of its own: its commands, its tests, and its package under ours."""

import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from uv import find_uv_bin

from ..conftest import ROOT, BakedProject

pytestmark = pytest.mark.slow

PATH = f"{Path(find_uv_bin()).parent}{os.pathsep}{os.environ['PATH']}"
PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull)
SCORING = sorted(map(str, (ROOT / "tests/generated").glob("test_scoring*.py")))  # their libraries are in a lock of their own
SOURCES = [str(ROOT / "tests/generated/test_adopt_sources.py")]  # these as well
RAN = re.compile(r"Running stage '(\w+)'")


def _train(project: BakedProject, **environment: str) -> list[str]:
    """The stages that ``make train`` really ran."""
    return RAN.findall(project.run("make", "train", PATH=PATH, **environment).stdout)


def _status(project: BakedProject) -> str:
    return project.run("git", "status", "--porcelain").stdout


@pytest.fixture(scope="session")
def trained(default_repository: BakedProject, tmp_path_factory: pytest.TempPathFactory) -> BakedProject:
    """The default bake after ``make train`` and nothing else: the command sets up what it lacks."""
    made = default_repository.copy(tmp_path_factory.mktemp("generated") / "project")
    assert _train(made) == ["prepare", "train", "export", "evaluate"]
    return made


def test_train_test_and_report_leave_nothing_to_commit(trained: BakedProject) -> None:
    trained.run("make", "test", PATH=PATH)
    report = trained.run("make", "report", PATH=PATH).stdout
    assert report.startswith("## ✅ Promote: ROC AUC 0.8508 [0.8286, 0.8729]\n")
    assert "There is no champion yet, so only absolute gates apply." in report
    assert _status(trained) == ""


def test_our_tests_of_its_package_pass(trained: BakedProject) -> None:
    folder = str(ROOT / "tests/generated")
    python = str(trained.root / ".venv/bin/python")
    more = ["--require-hashes", "--no-deps", "--requirement", f"{folder}/requirements.txt"]
    trained.run(find_uv_bin(), "pip", "install", "--quiet", "--python", python, *more)
    ours = [path for path in map(str, sorted((ROOT / "tests/generated").glob("test_*.py"))) if path not in SCORING + SOURCES]
    print(trained.run(python, *PYTEST, "--rootdir", folder, *ours).stdout)


def test_types_hold_strictly(trained: BakedProject) -> None:
    folder = ROOT / "tests/generated"
    python = str(trained.root / ".venv/bin/python")
    more = ["--require-hashes", "--no-deps", "--requirement", f"{folder}/types.txt"]
    trained.run(find_uv_bin(), "pip", "install", "--quiet", "--python", python, *more)
    trained.run(python, "-m", "mypy", "--config-file", f"{folder}/mypy.ini", "--cache-dir", os.devnull, "src")


def test_our_tests_of_scoring_pass_where_it_runs(trained: BakedProject) -> None:
    trained.run("make", "score", "ARGS=--help", PATH=PATH)
    python = str(trained.root / ".venv-batch/bin/python")
    locked = str(trained.root / "requirements/train.txt")
    trained.run(find_uv_bin(), "pip", "install", "--quiet", "--python", python, "--constraint", locked, "onnx", "pytest")
    print(trained.run(python, *PYTEST, "--rootdir", str(ROOT / "tests/generated"), *SCORING).stdout)


def test_our_tests_of_other_sources_pass_where_they_are_read(trained: BakedProject) -> None:
    trained.run("make", ".venv-adopt/.ready", PATH=PATH)
    print(trained.run(".venv-adopt/bin/python", *PYTEST, "--rootdir", str(ROOT / "tests/generated"), *SOURCES).stdout)


def test_adopted_data_train(trained: BakedProject, new_repository: Callable[[str], BakedProject]) -> None:
    project = new_repository("adopted")
    (project.root / ".venv").symlink_to(trained.root / ".venv")
    source = ROOT / "tests/generated/data/penguins.csv"
    shown = project.run("make", "adopt", f"DATA={source}", "TARGET=species", PATH=PATH).stdout
    assert "multi-class: species" in shown
    assert _train(project) == ["prepare", "train", "export", "evaluate"]
    changed = {line[3:] for line in _status(project).splitlines()} - {".venv"}
    assert changed == {"README.md", "data/SOURCE.md", "data/penguins.csv", "data/telco_churn.csv", "params.yaml", "pyproject.toml"}


def test_a_change_runs_what_it_must_and_nothing_else(trained: BakedProject) -> None:
    params = trained.root / "params.yaml"
    before = params.read_text()
    try:
        params.write_text(before.replace("{metric: roc_auc, min: 0.80}", "{metric: roc_auc, min: 0.81}"))
        assert {"prepare", "train", "export", "evaluate"}.isdisjoint(_train(trained)), "a gate retrains nothing"
        params.write_text(before.replace("C: 1.0", "C: 0.9"))
        assert _train(trained)[:3] == ["train", "export", "evaluate"], "a model parameter prepares nothing"
        params.write_text(before)
        assert {"prepare", "train", "export"}.isdisjoint(_train(trained)), "what was made once is not made again"
    finally:
        params.write_text(before)
    assert _status(trained) == ""


def test_two_clean_trainings_give_the_same_bytes(trained: BakedProject, new_repository: Callable[[str], BakedProject]) -> None:
    other = new_repository("another-place")
    assert "train" in _train(other, PYTHONHASHSEED="12345")
    for name in ("model.onnx", "manifest.json"):
        ours, theirs = (hashlib.sha256((p.root / "models/bundle" / name).read_bytes()).hexdigest() for p in (trained, other))
        assert ours == theirs, name


def test_serve_answers_with_the_digest_of_what_was_trained(trained: BakedProject) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    clean = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL")} | {"PATH": PATH}
    command = ["make", "serve", f"ARGS=--port {port} --cache {trained.root.parent / 'cache'}"]
    server = subprocess.Popen(command, cwd=trained.root, env=clean, start_new_session=True)
    try:
        model = _ask(port, "/model")
        answer = _ask(port, "/predict", json.loads(trained.text("models/bundle/golden.json"))["records"][0])
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(20)
    digest = f"sha256:{hashlib.sha256((trained.root / 'models/bundle/manifest.json').read_bytes()).hexdigest()}"
    assert model["digest"] == answer["digest"] == digest
    assert answer["predictions"][0]["prediction"] in ("Yes", "No")


def _ask(port: int, path: str, body: object = None) -> dict:
    data = None if body is None else json.dumps(body).encode()
    end = time.monotonic() + 90
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", data=data, timeout=10) as answer:
                return json.load(answer)
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def test_the_hook_keeps_promoted_files_out_and_one_command_drops_them(trained: BakedProject) -> None:
    (trained.root / "dvc.lock").write_text("schema: '2.0'\n")
    trained.run("git", "add", "--all")
    refused = trained.run("git", "commit", "--message", "mine", check=False)
    assert refused.returncode != 0
    assert "error: dvc.lock: only promotion commits these; drop them from this commit with `make drop-promoted`" in refused.stderr
    trained.run("make", "drop-promoted", PATH=PATH)
    assert _status(trained) == ""


SLIPS: dict[str, tuple[tuple[str, str], str]] = {
    "a column misspelt": (("    - tenure\n", "    - tenur\n"), "'tenur' is not a column"),
    "an unknown estimator": (("estimator: LogisticRegression", "estimator: LogisticRegresion"), "did you mean 'LogisticRegression'"),
    "an unknown parameter": (("{C: 1.0, ", "{CC: 1.0, "), "model.parameters.CC"),
    "text where a number belongs": (("test: 0.2", "test: lots"), "split.test"),
    "text in a parameter": (("{C: 1.0, ", "{C: high, "), "'C' parameter"),
    "a gate on an unknown metric": (("metric: roc_auc, min", "metric: rocauc, min"), "did you mean 'roc_auc'"),
    "a bracket missing": (("gates:\n", "gates: [\n"), "line "),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_in_params_is_one_line(trained: BakedProject, slip: str) -> None:
    (old, new), words = SLIPS[slip]
    params = trained.root / "params.yaml"
    before = params.read_text()
    assert old in before
    params.write_text(before.replace(old, new, 1))
    try:
        _one_line(trained, words, "params.yaml")
    finally:
        params.write_text(before)
    assert _status(trained) == ""


def test_a_deleted_data_file_is_one_line(trained: BakedProject) -> None:
    data = trained.root / "data/telco_churn.csv"
    content = data.read_bytes()
    data.unlink()
    try:
        _one_line(trained, "no such file", "data/telco_churn.csv")
    finally:
        data.write_bytes(content)


def test_outside_git_is_one_line(trained: BakedProject) -> None:
    hidden = trained.root / ".git"
    hidden.rename(trained.root.parent / "hidden")
    try:
        _one_line(trained, "is not a git repository", "git init")
    finally:
        (trained.root.parent / "hidden").rename(hidden)


def _one_line(project: BakedProject, *words: str) -> None:
    """``make train`` ends badly with exactly one line that is not make's own or a stage's that went well."""
    done = project.run("make", "train", check=False, PATH=PATH)
    assert done.returncode != 0
    complaints = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert len(complaints) == 1, done.stderr
    assert complaints[0].startswith("error: ")
    assert all(word in complaints[0] for word in words), complaints[0]
    assert "Traceback" not in done.stdout + done.stderr
    assert "ERROR" not in done.stdout + done.stderr


def test_the_root_measures_a_trained_project_from_inside(trained: BakedProject) -> None:
    """The scripts of src/scenarios/inside, in the environments that they are written for."""
    scripts = ROOT / "src/scenarios/inside"
    subject = json.loads(trained.run(".venv/bin/python", str(scripts / "headline.py"), trained.package.name).stdout)
    assert subject["headline"] == "roc_auc"
    assert subject["lower_is_better"] == ["brier", "ece", "log_loss"]
    trained.run("make", "setup-serve", PATH=PATH)
    command = (".venv-serve/bin/python", str(scripts / "request_cost.py"), trained.package.name, "models/bundle")
    cost = json.loads(trained.run(*command, PYTHONPATH=str(ROOT / "bench"), ROUNDS="1").stdout)
    assert cost["lowest"] == cost["ratio"] == cost["highest"] > 1
