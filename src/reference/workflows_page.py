"""``workflows.md``: every workflow, what may start it, what each job may do and why: the comments beside its permissions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from . import text

_VALUE = re.compile(r"\b(secrets|vars)\.([A-Z_]+)")
_INTRO = """\
The workflows of a generated repository. Each is thin: a step is one `make` target, which a person can run at home, and values reach it
through `env`. The top of each file takes every permission away (`permissions: {}`); a job gets back what it needs, with the reason
beside it in the file. Actions are pinned to a commit. The same files are played on the local GitHub, which holds each job to these
permissions."""


def page(folder: Path) -> str:
    """The page for the workflow files and actions in ``folder``, a ``.github``."""
    files = sorted(folder.glob("workflows/*.yml"))
    return text.page("Workflows", "the workflow files", _INTRO, *map(_workflow, files), _values(folder))


def _workflow(path: Path) -> str:
    content = YAML().load(path.read_text(encoding="utf-8"))
    about = " ".join(_words(token) for token in content.ca.comment[1])
    started = ", ".join(_trigger(name, given) for name, given in content["on"].items())
    jobs = "\n\n".join(_job(name, job) for name, job in content["jobs"].items())
    return f"## `{path.name}`\n\n{about}\n\n**Started by** {started}. {_concurrency(content['concurrency'])}\n\n{jobs}"


def _trigger(name: str, given: Any) -> str:
    if name == "schedule":
        return "`schedule` (" + ", ".join(f"`{one['cron']}`" for one in given) + ", UTC)"
    if name == "workflow_dispatch":
        inputs = ", ".join(f"`{key}`" for key in (given or {}).get("inputs", {}))
        return f"`{name}`" + (f" (inputs {inputs})" if inputs else "")
    details = "; ".join(f"{key}: {', '.join(map(str, value))}" for key, value in (given or {}).items())
    return f"`{name}`" + (f" ({details})" if details else "")


def _concurrency(given: CommentedMap) -> str:
    reason = beside(given, "cancel-in-progress")
    verb = "A newer run ends one that is under way" if given["cancel-in-progress"] else "One run after the other"
    group = given["group"] if "${{" not in given["group"] else given["group"].partition("${{")[0] + "…"
    return f"{verb} in the group `{group}`" + (f": {reason}." if reason else ".")


def _job(name: str, job: CommentedMap) -> str:
    after = f" after `{job['needs']}`" if "needs" in job else ""
    note = (job.ca.comment or [None])[0]
    why = _words(note) if note else ""
    head = f"### Job `{name}`{after}\n\nOn `{job['runs-on']}`, at most {job['timeout-minutes']} minutes."
    head += f" {why[0].upper()}{why[1:]}." if why else ""
    rows = [(f"`{key}: {level}`", beside(job["permissions"], key)) for key, level in job["permissions"].items()]
    return f"{head}\n\n{text.table(('permission', 'why'), rows)}\n\n{_steps(job['steps'])}"


def _steps(steps: list[CommentedMap]) -> str:
    told = []
    for step in steps:
        runs = f"`{step['run']}`" if "run" in step else f"`{step['uses'].partition('@')[0]}`"
        told.append(f"1. {step['name']}: {runs}" if "name" in step else f"1. {runs}")
    return "\n".join(told)


def beside(mapping: CommentedMap, key: str) -> str:
    """The comment at the end of a key's line; without what is said to checkers."""
    token = (mapping.ca.items.get(key) or [None, None, None])[2]
    return _words(token) if token else ""


def _words(token: Any) -> str:
    told = token.value.strip().splitlines()[0].lstrip("# ").strip() if token.value.strip() else ""
    return re.sub(r"^zizmor: ignore\[\S+\]\s*", "", told)


def _values(folder: Path) -> str:
    """The secrets and variables that the files read, what for, and where."""
    texts = {path.name: path.read_text(encoding="utf-8").splitlines() for path in sorted(folder.glob("workflows/*.yml"))}
    inputs = YAML(typ="safe").load((folder / "actions/setup/action.yml").read_text(encoding="utf-8"))["inputs"]
    readers: dict[tuple[str, str], list[str]] = {}
    for name, lines in texts.items():
        for found in _VALUE.findall("\n".join(line.partition(" #")[0] for line in lines)):
            readers.setdefault(found, []).append(name)
    every = [line for lines in texts.values() for line in lines]
    rows = []
    for (kind, name), files in sorted(readers.items()):
        where = ", ".join(f"`{one}`" for one in dict.fromkeys(files))
        rows.append((f"`{name}`", {"secrets": "secret", "vars": "variable"}[kind], _reason(name, every, inputs), where))
    about = "None of them is needed for a first promotion with models kept in Git; `make github` lists those that a setting asks for."
    return f"## Secrets and variables\n\n{about}\n\n{text.table(('name', 'kind', 'what for', 'read by'), rows)}"


def _reason(name: str, lines: list[str], inputs: dict[str, Any]) -> str:
    """What a comment says about a value: at its line, at the line before for both, or with its name; else what its input is for."""
    for place, line in enumerate(lines):
        told, before = line.partition(" # ")[2].strip(), lines[place - 1].partition(" # ")[2].strip()
        if re.search(rf"\.{name}\b", line.partition(" #")[0]) and (told or before.startswith("both ")):
            return (told or before).removeprefix("both ")
    named = (line.partition("# ")[2].strip() for line in lines if re.search(rf"\b{name}\b", line.partition("# ")[2]))
    keys = (line.strip().partition(":")[0] for line in lines if f".{name} " in line)
    return next(named, "") or next((inputs[key]["description"] for key in keys if key in inputs), "")
