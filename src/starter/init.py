"""Gives this starter its name: ``python init.py`` asks, or takes ``--project-name "House Prices"`` and so on (``--help``).

What it leaves is byte for byte what the template generates from the same answers; this file and ``.starter/`` are gone then.
Standard library only, no network. Cut off anywhere, it can be run again. A line that somebody has changed by hand
stays as it is, and is named.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
KIT = HERE / ".starter"
PLACES = KIT / "places.json"
RULES = KIT / "rules.txt"
SCRATCH = KIT / "scratch"
QUESTIONS = {
    "project_name": "Name of the project, the title of its README",
    "project_slug": "Name of the repository on GitHub",
    "package_name": "Name of the Python package, as in `import churn`",
    "description": "What does the model predict, in one sentence?",
    "author": "Who holds the copyright?",
    "github_owner": "GitHub user or organisation that owns it",
}
ENTITIES = {"&": "amp", "#": "num", "<": "lt", ">": "gt"} | {mark: f"#{ord(mark)}" for mark in "*_`[]|~$\\"}
# The ways in which the template writes an answer.
FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "dashed": lambda text: text.replace("_", "-"),
    "toml": lambda text: text.replace("\\", "\\\\").replace('"', '\\"'),
    "markdown": lambda text: "".join(f"&{ENTITIES[mark]};" if mark in ENTITIES else mark for mark in text),
}
PLACE = re.compile(r"⟦(\w+):(\w+)⟧")
Answers = dict[str, Any]


class StarterError(Exception):
    """One line for a person: what is wrong and what to do."""


def filled(line: str, answers: Answers) -> str:
    """A line of ``places.json`` with the answers in its places."""
    return PLACE.sub(lambda place: FORMS[place[2]](answers[place[1]]), line)


def renamed(text: str, places: list[str], known: list[Answers], answers: Answers) -> tuple[str, list[str]]:
    """A file's text for ``answers``, and those of its lines with a name that somebody has changed by hand.

    The file as a whole has one of the ``known`` answers or already the new ones, because it was replaced in one go.
    """
    lines = text.split("\n")
    present = Counter(lines)
    old = max((*known, answers), key=lambda answers: (present & Counter(filled(place, answers) for place in places)).total())
    waiting: dict[str, list[str]] = {}
    for place in places:
        waiting.setdefault(filled(place, old), []).append(place)
    for number, line in enumerate(lines):
        if waiting.get(line):
            lines[number] = filled(waiting[line].pop(0), answers)
    return "\n".join(lines), [line.strip() for line, left in waiting.items() for _ in left]


def check(context: Answers) -> None:
    """Raise ``StarterError`` with the words of the template's own check when it refuses the answers."""
    code = RULES.read_text(encoding="utf-8").replace("{{ cookiecutter | tojson }}", json.dumps(context))
    code = re.sub(r"\{\{.*?\| tojson \}\}", "{}", code)
    done = subprocess.run([sys.executable, "-I", "-"], input=code, capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise StarterError(done.stderr.strip().splitlines()[0].removeprefix("error: "))


def given_or_asked(arguments: dict[str, str | None], defaults: Answers) -> Answers:
    """An answer to each question: an option, what a person types, or what is suggested."""
    answers: Answers = {}
    for name, question in QUESTIONS.items():
        value = arguments[name]
        if value is None:
            value = suggestion(name, answers, defaults)
            if sys.stdin.isatty():
                value = input(f"{question} ({value}): ").strip() or value
        answers[name] = value
    return answers


def suggestion(name: str, answers: Answers, defaults: Answers) -> str:
    """What a question offers: made from git's remote and the answers before it, else what the starter has."""
    owner, repository = remote()
    if name == "project_name" and repository:
        return re.sub(r"[-_]+", " ", repository).strip().title()
    if name == "project_slug" and (repository or answers["project_name"] != defaults["project_name"]):
        plain = unicodedata.normalize("NFKD", repository or answers["project_name"]).encode("ascii", "ignore").decode()
        return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:60].strip("-")
    if name == "package_name" and answers["project_slug"] != defaults["project_slug"]:
        return answers["project_slug"].replace("-", "_")[:40].strip("_")
    return (owner if name == "github_owner" else "") or defaults[name]


def remote() -> tuple[str, str]:
    """Owner and name of the repository that ``origin`` is; empty texts where there is none."""
    git = shutil.which("git")
    command = [git or "git", "-C", str(HERE), "config", "--get", "remote.origin.url"]
    url = subprocess.run(command, capture_output=True, text=True, encoding="utf-8").stdout.strip() if git else ""
    found = re.fullmatch(r"(?:\w+://|[^/@]+@).*?[:/]([^/:]+)/([^/]+?)(?:\.git)?/?", url)
    return (found[1], found[2]) if found else ("", "")


def write(path: Path, text: str) -> None:
    """Replace a file in one go; its mode stays."""
    SCRATCH.write_bytes(text.encode())
    shutil.copymode(path, SCRATCH)
    SCRATCH.replace(path)


def rename(plan: dict[str, Any], answers: Answers) -> list[str]:
    """Write the answers everywhere; the lines that were left because somebody has changed them, with their file."""
    known: list[Answers] = plan["known"]
    folders = [HERE / "src" / name for name in dict.fromkeys(old["package_name"] for old in (*known, answers))]
    present = [folder for folder in folders if folder.is_dir()]
    target = HERE / "src" / answers["package_name"]
    if len(present) != 1:
        raise StarterError(f"in src/ there must be one folder called {' or '.join(folder.name for folder in folders)}")
    # What the next run must know if this one is cut off.
    write(PLACES, json.dumps(plan | {"known": [*known, answers]}, ensure_ascii=False))
    left = []
    for name, places in plan["places"].items():
        path = HERE / name
        text = path.read_bytes().decode() if path.exists() else ""
        new, changed = renamed(text.removeprefix(plan["banner"]) if name == "README.md" else text, places, known, answers)
        left += [f"{name}: {line}" for line in changed]
        if new != text:
            write(path, new)
    present[0].replace(target)
    return left


def tidy() -> None:
    """Remove what only the renaming needed, this file last."""
    for path in (PLACES, RULES):
        path.unlink(missing_ok=True)
    if KIT.is_dir() and not any(KIT.iterdir()):
        KIT.rmdir()
    Path(__file__).unlink()


def run(arguments: dict[str, str | None]) -> None:
    """Ask, check, rename, tidy up. Raises ``StarterError``, and then nothing is changed."""
    if not PLACES.exists():
        tidy()
        print("This repository has its name already; init.py is removed.")
        return
    plan = json.loads(PLACES.read_text(encoding="utf-8"))
    answers = given_or_asked(arguments, plan["known"][0])
    check(plan["context"] | answers)
    left = rename(plan, answers)
    tidy()
    if left:
        print("Changed by hand, so left as they are; see whether they name what they should:", *left, sep="\n  ")
    print(f"This is {answers['project_slug']} now, with the package {answers['package_name']}. Next:")
    print("  git add -A && git commit -m 'Name the project'")
    print("  make train           # then read README.md")


def main() -> int:
    """The command line: 0 when the repository has its name, 1 after one line about what was wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    for name, question in QUESTIONS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", metavar="TEXT", help=question)
    try:
        run(vars(parser.parse_args()))
    except (StarterError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, EOFError):
        print("\nerror: stopped; run it again", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
