"""Answers are hostile data: a bad one ends with one clear line, a good one is kept to the letter."""

import json
import re
import tomllib
from html import unescape
from pathlib import Path

import pytest

from ..conftest import QUESTIONS, ROOT, BakedProject, Baker

ANSWERS = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))
LONG = "x" * 300
BAD = {
    "slug with a capital": ("project_slug", "Telco", "house-prices"),
    "slug with an underscore": ("project_slug", "telco_churn", "house-prices"),
    "slug that ends in a dash": ("project_slug", "telco-", "house-prices"),
    "slug that begins with a digit": ("project_slug", "1telco", "house-prices"),
    "slug with a folder in it": ("project_slug", "a/b/c", "house-prices"),
    "slug that leaves the folder": ("project_slug", "../evil", "house-prices"),
    "slug with a backslash": ("project_slug", "a\\b", "house-prices"),
    "slug with shell characters": ("project_slug", "$(id);x", "house-prices"),
    "slug with a space": ("project_slug", "a b", "house-prices"),
    "slug that is a word of Python": ("project_slug", "class", "house-prices"),
    "slug that is too general": ("project_slug", "test", "house-prices"),
    "slug that Windows cannot hold": ("project_slug", "nul", "house-prices"),
    "slug that hides a dependency": ("project_slug", "scikit-learn", "house-prices"),
    "package with a dash": ("package_name", "house-prices", "house_prices"),
    "package with a dot": ("package_name", "a.b", "house_prices"),
    "package that begins with a digit": ("package_name", "2fast", "house_prices"),
    "package in another script": ("package_name", "модель", "house_prices"),
    "package that is a word of Python": ("package_name", "class", "house_prices"),
    "package that is a soft word of Python": ("package_name", "match", "house_prices"),
    "package that hides a standard module": ("package_name", "json", "house_prices"),
    "package that hides a dependency": ("package_name", "pandas", "house_prices"),
    "package that is a folder of the repository": ("package_name", "tests", "house_prices"),
    "package that Windows cannot hold": ("package_name", "com1", "house_prices"),
    "owner with a dash in front": ("github_owner", "-octo", "octo-org"),
    "owner with two dashes": ("github_owner", "octo--org", "octo-org"),
    "owner that is too long": ("github_owner", "o" * 40, "octo-org"),
    "owner with a slash": ("github_owner", "octo/org", "octo-org"),
    "store of an unknown kind": ("store", "ftp://host/models", "s3://bucket/prefix"),
    "store with a password": ("store", "ssh://mona:secret@host/models", "s3://bucket/prefix"),
    "store without a bucket": ("store", "s3://", "s3://bucket/prefix"),
    "store that is a relative folder": ("store", "models", "s3://bucket/prefix"),
    "store with a new line": ("store", "s3://b\nverify = false", "s3://bucket/prefix"),
    "name that is empty": ("project_name", "", "House Prices"),
    "name that is too long": ("project_name", LONG, "House Prices"),
    "name without a letter for the slug": ("project_name", "🎉", "house-prices"),
    "author with a new line": ("author", "Ada\nrun: evil", "Ada Lovelace"),
    "author with a carriage return": ("author", "Ada\rLovelace", "Ada Lovelace"),
    "author with an escape sequence": ("author", "Ada\x1b[31m", "Ada Lovelace"),
    "author with a line separator": ("author", "Ada\u2028Lovelace", "Ada Lovelace"),
    "author that turns the text round": ("author", "Ada \u202e moc", "Ada Lovelace"),
    "author with spaces round it": ("author", " Ada ", "Ada Lovelace"),
    "author with an expression": ("author", "{{7*7}}", "Ada Lovelace"),
    "author with an expression that stays equal": ("author", "{{ '{{' }}", "Ada Lovelace"),
    "author with a comment": ("author", "Ada{# x #}", "Ada Lovelace"),
    "author with a block": ("author", "Ada{% if true %}{% endif %}", "Ada Lovelace"),
    "runner with a space": ("runner", "a b", "self-hosted,linux"),
    "runner that is read as true": ("runner", "Yes", "self-hosted,linux"),
    "runner with a label twice": ("runner", "self-hosted,gpu,gpu", "self-hosted,linux"),
    "runner without Linux": ("runner", "windows-2025", "self-hosted,linux"),
    "runner that is misspelt": ("runner", "selfhosted", "self-hosted,linux"),
    "description that is too long": ("description", LONG, "Predicts the price of a house."),
}
GOOD_TEXTS = {
    "quotes": """O'Brien "x" 'y' `z`""",
    "backslashes": r"back\slash \n \" \u0041 end\\",
    "triple quotes": '"""); import os; os.abort() #',
    "raw triple quotes": "''' + '' '''",
    "markup": "<b>&amp; <script>alert(1)</script>",
    "shell": "$(touch evil) `id` && $HOME; | > x",
    "YAML": "- a: &x *y !!python/object #z %",
    "Markdown": "# *a* _b_ [c](d) ![e](f) | g | ~~h~~ \\*",
    "single braces": "{7*7} ${x} %{y} }} #}",
    "other scripts": "Ωmega 東京 مرحبا Zoë 🎉",
}


@pytest.mark.parametrize(("question", "answer", "example"), BAD.values(), ids=BAD)
def test_bad_answer_ends_with_one_line(baker: Baker, tmp_path: Path, question: str, answer: str, example: str) -> None:
    output = tmp_path / "out"
    output.mkdir()

    done = baker.attempt(output, **{question: answer})

    first = done.stdout.splitlines()[0]
    assert done.returncode == 1
    assert re.match(r"error: (\w+) '.*' (is|has|must|holds) ", first) and first.isascii()
    assert first.endswith(f"; an example that passes: {example}")
    assert list(tmp_path.iterdir()) == [output] and list(output.iterdir()) == []


def test_answers_that_contradict_each_other_end_with_one_line(baker: Baker, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    done = baker.attempt(tmp_path / "out", store="/mnt/models")

    assert done.returncode == 1 and list((tmp_path / "out").iterdir()) == []
    said = "error: store '/mnt/models' is a folder, which a machine of GitHub's (runner 'ubuntu-24.04') does not have; "
    assert done.stdout.splitlines()[0] == f"{said}did you mean runner=self-hosted, or store=git?"


@pytest.mark.parametrize("question", [name for name, answer in ANSWERS.items() if name in QUESTIONS and isinstance(answer, list)])
def test_an_unknown_choice_ends_with_a_line_that_names_the_known_ones(baker: Baker, tmp_path: Path, question: str) -> None:
    done = baker.attempt(tmp_path / "out", **{question: "regresion"})

    assert done.returncode == 1 and not (tmp_path / "out").exists()
    said = f"ValueError: regresion provided for choice variable {question}, but the choices are {ANSWERS[question]}."
    assert done.stdout.splitlines()[-1] == said


@pytest.mark.parametrize(
    ("question", "answer"),
    [("author", "{{ 7"), ("project_slug", LONG)],
    ids=["broken expression", "no folder name"],
)
def test_answers_that_cookiecutter_itself_refuses_leave_nothing(baker: Baker, tmp_path: Path, question: str, answer: str) -> None:
    assert baker.attempt(tmp_path / "out", **{question: answer}).returncode == 1
    assert not (tmp_path / "out").exists() or list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("text", GOOD_TEXTS.values(), ids=GOOD_TEXTS)
def test_nasty_but_good_answers_are_kept_to_the_letter(baker: Baker, tmp_path: Path, text: str) -> None:
    project = baker.bake(tmp_path / "out", project_name=text, project_slug="nasty", author=text, description=text, licence="BSD-3-Clause")

    assert tomllib.loads(project.text("pyproject.toml"))["project"]["description"] == text
    assert f"\nCopyright (c) {text}\n" in project.text("LICENSE")
    title, description = (line for line in project.text("README.md").splitlines()[:3] if line)
    title, description = title.removeprefix("# "), description.removeprefix("**The model:** ")
    assert [unescape(title), unescape(description)] == [text, text]
    assert not re.search(r"[<>*_`\[\]|~\\$]|#(?!\d)", title + description), "this would be markup in the README"
    assert list(tmp_path.rglob("evil")) == []


def test_names_follow_from_the_project_name(baker: Baker, tmp_path: Path) -> None:
    project = baker.bake(tmp_path, project_name="Zoë's  House Prices (2026)")

    assert project.root.name == "zoe-s-house-prices-2026"
    assert project.package.name == "zoe_s_house_prices_2026"
    assert tomllib.loads(project.text("pyproject.toml"))["project"]["name"] == "zoe-s-house-prices-2026"


def test_names_reach_every_place(baker: Baker, tmp_path: Path) -> None:
    project = baker.bake(tmp_path, package_name="other_name", github_owner="octo-org")

    owners = dict(line.split() for line in project.text(".github/CODEOWNERS").splitlines() if line.startswith("/"))
    assert {"/src/other_name/review/", "/src/other_name/registry/", "/params.yaml", "/.github/"} <= set(owners)
    assert set(owners.values()) == {"@octo-org"}
    for path in [
        *project.files("**/*.py"),
        *project.files("*.yaml"),
        *project.files("*.toml"),
        project.root / "Makefile",
    ]:
        assert not re.search(r"\b(import|from|-m|src/)\s*churn\b", path.read_text(encoding="utf-8")), path


@pytest.mark.parametrize(
    ("licence", "words"),
    [
        ("MIT", "Permission is hereby granted, free of charge"),
        ("Apache-2.0", "Version 2.0, January 2004"),
        ("BSD-3-Clause", "Redistributions in binary form"),
        ("proprietary", "All rights reserved."),
    ],
)
def test_licence_is_the_one_chosen(baker: Baker, tmp_path: Path, licence: str, words: str) -> None:
    text = baker.bake(tmp_path, licence=licence, author="Ada Lovelace").text("LICENSE")

    assert words in text and "Ada Lovelace" in text
    assert "{" not in text


def test_next_steps_are_said(baker: Baker, tmp_path: Path) -> None:
    done = baker.attempt(tmp_path / "out", github_owner="octo-org")

    assert [len(done.stdout.splitlines()), "octo-org/telco-churn" in done.stdout] == [4, True]
    assert not (tmp_path / "out" / "telco-churn" / ".git").exists()


@pytest.mark.parametrize(
    ("answer", "url"),
    [
        ("git", "../.dvc-store"),
        ("s3://models/churn", "s3://models/churn"),
        ("gs://models", "gs://models"),
        ("azure://models/a/b", "azure://models/a/b"),
        ("ssh://mona@host:2222/srv/models", "ssh://mona@host:2222/srv/models"),
        ("/mnt/models", "/mnt/models"),
    ],
)
def test_the_store_is_one_answer(baker: Baker, tmp_path: Path, answer: str, url: str) -> None:
    done = baker.attempt(tmp_path / "out", store=answer, runner="self-hosted")
    assert done.returncode == 0, done.stdout
    assert (f"  make -C telco-churn lock   # with uv: locks what {answer} needs" in done.stdout) == ("://" in answer)
    config = (tmp_path / "out/telco-churn/.dvc/config").read_text()
    assert f"    url = {url}\n    verify = true\n" in config


def test_unknown_answers_are_refused_by_the_bake_helper(baker: Baker, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such question: pakage_name"):
        baker.bake(tmp_path, pakage_name="x")


def test_every_question_has_its_sentence() -> None:
    prompts = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))["__prompts__"]
    assert list(prompts) == QUESTIONS


def test_questions_fit_a_terminal_of_80_columns() -> None:
    """As cookiecutter asks: `  [2/13] <sentence> (<default>): `, and a line for each choice."""
    prompts, defaults = ANSWERS["__prompts__"], {"project_name": "Telco Churn", "project_slug": "telco-churn", "package_name": "churn"}
    for name, prompt in prompts.items():
        sentence, choices = (prompt["__prompt__"], prompt) if isinstance(prompt, dict) else (prompt, {})
        asked = sentence if choices or name == "description" else f"{sentence} ({defaults.get(name, ANSWERS[name])})"
        assert len(f"  [{len(prompts)}/{len(prompts)}] {asked}: ") <= 80, asked
        assert all(len(f"    {len(choices)} - {choice}") <= 80 for choice in choices.values())


def test_package_cannot_hide_anything_that_is_installed(default_bake: BakedProject) -> None:
    reserved = set(re.findall(r"\w+", (ROOT / "hooks/pre_gen_project.py").read_text(encoding="utf-8")))
    locked = {name for path in default_bake.files("requirements/*.txt") for name in re.findall(r"(?m)^([\w.-]+)==", path.read_text())}

    assert locked
    assert {re.sub(r"[-.]", "_", name.lower()) for name in locked} - reserved == set()
