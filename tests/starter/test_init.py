"""What init.py makes of the starter: what cookiecutter makes of the same answers, or nothing."""

import ast
import json
import os
import pty
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from starter.init import QUESTIONS

from ..conftest import BakedProject, Baker
from ..template.test_answers import BAD, GOOD_TEXTS
from .conftest import contents, run_init

Init = Callable[..., subprocess.CompletedProcess[str]]
OTHER = {
    "project_name": "House Prices",
    "project_slug": "house-prices",
    "package_name": "prices",
    "description": "Predicts the price of a house.",
    "author": "Ada Lovelace",
    "github_owner": "octo-org",
}
# An answer that another one is by default, and names that are the same up to their marks.
SWAPPED = OTHER | {"project_name": "Churn", "project_slug": "churn-churn", "package_name": "telco_churn", "github_owner": "telco-churn"}
TEXTS = ("project_name", "description", "author")
NASTY = (("quotes", "backslashes", "Markdown"), ("markup", "quotes", "triple quotes"), ("Markdown", "other scripts", "backslashes"))
BAD_HERE = {name: case for name, case in BAD.items() if case[0] in QUESTIONS}


@pytest.mark.parametrize(
    "answers",
    [OTHER, SWAPPED, *(OTHER | {question: GOOD_TEXTS[name] for question, name in zip(TEXTS, names, strict=True)} for names in NASTY)],
    ids=["other", "swapped", *map(", ".join, NASTY)],
)
def test_the_tree_is_what_cookiecutter_makes(
    starter: BakedProject, init: Init, baker: Baker, tmp_path: Path, answers: dict[str, str]
) -> None:
    done = init(answers)

    assert done.returncode == 0, done.stderr
    assert contents(starter) == contents(baker.bake(tmp_path / "baked", **answers))
    assert "Changed by hand" not in done.stdout


def test_without_answers_it_is_the_default_bake(starter: BakedProject, init: Init, default_bake: BakedProject) -> None:
    assert init({}).returncode == 0
    assert contents(starter) == contents(default_bake)


def test_the_remote_suggests_names(starter: BakedProject, init: Init, baker: Baker, tmp_path: Path) -> None:
    starter.git_init().run("git", "remote", "add", "origin", "https://github.com/Octo-Org/House_Prices.git")
    answers = {"project_name": "House Prices", "project_slug": "house-prices", "package_name": "house_prices", "github_owner": "Octo-Org"}

    assert init({}).returncode == 0
    assert contents(starter) == contents(baker.bake(tmp_path / "baked", **answers))


def test_a_person_is_asked(starter: BakedProject, baker: Baker, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    asking = subprocess.Popen([sys.executable, "-I", "init.py"], cwd=starter.root, stdin=theirs, stdout=subprocess.PIPE, text=True)
    os.close(theirs)
    os.write(ours, b"House Prices\n\nprices\n\n\nocto-org\n")  # an empty line takes what is suggested
    shown = asking.communicate(timeout=60)[0]
    os.close(ours)

    assert asking.returncode == 0
    assert [shown.count(f"{question} (") for question in QUESTIONS.values()] == [1] * 6 and "(house-prices)" in shown
    answers = {name: OTHER[name] for name in ("project_name", "project_slug", "package_name", "github_owner")}
    assert contents(starter) == contents(baker.bake(tmp_path / "baked", **answers))


@pytest.mark.parametrize(("question", "answer", "example"), BAD_HERE.values(), ids=BAD_HERE)
def test_a_bad_answer_is_one_line_and_changes_nothing(made: BakedProject, question: str, answer: str, example: str) -> None:
    before = contents(made)
    done = run_init(made, {question: answer})

    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"error: (\w+) ['\"].*['\"] (is|has|must|holds) .*\n", done.stderr)
    assert done.stderr.endswith(f"; an example that passes: {example}\n")
    assert contents(made) == before


def test_it_refuses_in_cookiecutters_words(starter: BakedProject, init: Init, baker: Baker, tmp_path: Path) -> None:
    bad = {"package_name": "numpy"}
    assert init(bad).stderr.strip() == baker.attempt(tmp_path / "out", **bad).stdout.splitlines()[0]


def test_run_again_changes_nothing(starter: BakedProject, init: Init) -> None:
    kit = {path: path.read_bytes() for path in [starter.root / "init.py", *starter.files(".starter/*")]}
    assert init(OTHER).returncode == 0
    named = contents(starter)
    for path, content in kit.items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)

    before = contents(starter)
    assert init({}).stderr == "error: in src/ there must be one folder called churn\n", "these names it does not know"
    assert contents(starter) == before
    assert init(OTHER).returncode == 0
    assert contents(starter) == named


KILLED = """
import os, pathlib
left = {left}
def counted(act):
    def wrapped(*given, **more):
        global left
        left -= 1
        return act(*given, **more) if left else os._exit(9)
    return wrapped
for name in ("replace", "unlink", "rmdir", "write_bytes"):
    setattr(pathlib.Path, name, counted(getattr(pathlib.Path, name)))
"""


def test_killed_anywhere_it_can_be_run_again(
    made: BakedProject, starter: BakedProject, init: Init, baker: Baker, default_bake: BakedProject, tmp_path: Path
) -> None:
    """With the same answers, with others, or with none."""
    wanted: list[tuple[dict[str, str], dict[str, tuple[int, bytes]]]] = [({}, contents(default_bake))]
    wanted += [(answers, contents(baker.bake(tmp_path / answers["package_name"], **answers))) for answers in (OTHER, SWAPPED)]
    kills = 1
    while init(SWAPPED, KILLED.format(left=kills)).returncode == 9:
        answers, expected = wanted[kills // 5 % 3 if (starter.root / ".starter/places.json").exists() else 2]
        if (starter.root / "init.py").exists():
            done = init(answers)
            assert done.returncode == 0 and "Changed by hand" not in done.stdout, (kills, done)
        assert contents(starter) == expected, kills
        shutil.rmtree(starter.root)
        made.copy(starter.root)
        kills += 5  # odd: a file is written and then moved, so that both are cut off in turns
    assert kills > 2 * len(json.loads(made.text(".starter/places.json"))["places"])


def test_a_line_changed_by_hand_stays_and_is_named(starter: BakedProject, init: Init) -> None:
    readme, makefile = starter.root / "README.md", starter.root / "Makefile"
    readme.write_text(starter.text("README.md").replace("# Telco Churn\n", "# Ours\n"), encoding="utf-8")
    makefile.write_text(starter.text("Makefile") + "\nours:\n", encoding="utf-8")
    makefile.chmod(0o755)

    done = init(OTHER)

    assert done.returncode == 0
    assert "README.md: # Telco Churn\n" in done.stdout and done.stdout.count("README.md: ") == 1 and "Makefile" not in done.stdout
    assert starter.text("README.md").startswith("# Ours\n")
    assert "PACKAGE := prices\n" in starter.text("Makefile") and starter.text("Makefile").endswith("ours:\n")
    assert makefile.stat().st_mode & 0o777 == 0o755


def test_a_package_folder_that_is_there_already_is_one_line(starter: BakedProject, init: Init) -> None:
    (starter.root / "src/prices").mkdir()
    before = contents(starter)
    done = init(OTHER)
    assert (done.returncode, done.stderr) == (1, "error: in src/ there must be one folder called churn or prices\n")
    assert contents(starter) == before


def test_it_needs_nothing_but_python(made: BakedProject) -> None:
    tree = ast.parse(made.text("init.py"))
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names
    assert not {"socket", "urllib", "http", "ssl"} & imported
