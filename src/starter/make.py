"""Makes the starter out of the template as it is."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cookiecutter.generate import generate_context
from cookiecutter.prompt import prompt_for_config

from rehearse.baking import ROOT, bake

from . import init
from .errors import MakeError

BANNER = """\
> [!IMPORTANT]
> This is a starter. Give it its name first: `python init.py` (Python 3.11 or newer, no network) asks for six words, writes them
> wherever they belong, and removes itself and this note.

"""
# Answers that stand out wherever they are written, and look different in each form.
STANDING_OUT = {
    "project_name": 'Zq Name & "n" \\n',
    "project_slug": "zqslug-zs",
    "package_name": "zqpackage_zp",
    "description": 'Zq description & "d" \\d.',
    "author": 'Zq Author & "a" \\a',
    "github_owner": "zqowner-Zo",
}


def make(target: Path) -> Path:
    """Write the starter into ``target``, in place of an earlier one.

    Raises:
        MakeError: ``target`` holds something else, or the template writes an answer in a way that init.py does not know.
    """
    if target.exists() and any(target.iterdir()) and not (target / ".starter").is_dir():
        raise MakeError(f"{target} holds files that are no starter; name another folder")
    with tempfile.TemporaryDirectory() as folder:
        context = default_context()
        plain = bake(Path(folder) / "plain")
        marked = bake(Path(folder) / "marked", **STANDING_OUT)
        _equip(plain, context, places(plain, marked, context))
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(plain, target)
    return target


def default_context() -> dict[str, Any]:
    """What cookiecutter knows in the default bake, without the words of its questions."""
    context = prompt_for_config(generate_context(str(ROOT / "cookiecutter.json")), no_input=True)
    return {name: value for name, value in context.items() if not name.startswith("__")}


def places(plain: Path, marked: Path, context: dict[str, Any]) -> dict[str, list[str]]:
    """For each file the lines that hold an answer, with a mark where each answer is.

    Raises:
        MakeError: with these the file would not be what the template makes of other answers.
    """
    found = {}
    packages = f"src/{context['package_name']}/", f"src/{STANDING_OUT['package_name']}/"
    names = {name.replace(packages[1], packages[0], 1): text for name, text in _texts(marked)}
    plain_texts = dict(_texts(plain))
    if names.keys() != plain_texts.keys():
        raise MakeError(f"other answers make other files: {', '.join(sorted(names.keys() ^ plain_texts.keys()))}")
    for name, text in names.items():
        lines = [_with_marks(line) for line in text.split("\n")]
        found[name] = [line for line in lines if init.PLACE.search(line)]
        if init.renamed(plain_texts[name], found[name], [context], STANDING_OUT) != (text, []):
            raise MakeError(f"{name}: writes an answer in a way that src/starter/init.py does not know (FORMS)")
    return {name: lines for name, lines in sorted(found.items()) if lines}


def _with_marks(line: str) -> str:
    spelt = {form(answer): f"⟦{name}:{kind}⟧" for kind, form in reversed(init.FORMS.items()) for name, answer in STANDING_OUT.items()}
    either = "|".join(re.escape(text) for text in sorted(spelt, key=len, reverse=True))
    return re.sub(either, lambda match: spelt[match[0]], line)


def _texts(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path.read_bytes().decode("utf-8", "surrogateescape")


def _equip(project: Path, context: dict[str, Any], lines: dict[str, list[str]]) -> None:
    kit = project / ".starter"
    kit.mkdir()
    shutil.copyfile(init.__file__, project / "init.py")
    shutil.copyfile(ROOT / "hooks/pre_gen_project.py", kit / "rules.txt")
    known = [{name: context[name] for name in init.QUESTIONS}]
    plan = {"banner": BANNER, "context": context, "known": known, "places": lines}
    (kit / "places.json").write_text(json.dumps(plan, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    readme = project / "README.md"
    readme.write_bytes(BANNER.encode() + readme.read_bytes())
