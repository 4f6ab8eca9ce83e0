"""``commands.md``: the make targets of a generated repository, as its ``make help`` tells them, and the steps of its workflows."""

from __future__ import annotations

import re
from pathlib import Path

from . import text

_TOLD = re.compile(r"^([a-z][a-z-]*):.*## (.*)$", re.MULTILINE)
_RUN = re.compile(r"^\s+run: make ([a-z][a-z-]*)$", re.MULTILINE)
_INTRO = """\
The make targets of a generated repository. Each sets up what it lacks, and takes options through `ARGS`, as in
`make serve ARGS="--port 9000"`. The same as plain commands, for machines without make, is in its README."""
_STEPS = "Each is one command of the package; what it needs of a job reaches it through the environment."


def page(project: Path) -> str:
    """The page for a baked project."""
    told = _TOLD.findall((project / "Makefile").read_text(encoding="utf-8"))
    rows = [(f"`make {target}`", what) for target, what in told]
    steps: dict[str, list[str]] = {}
    for path in sorted((project / ".github/workflows").glob("*.yml")):
        for target in _RUN.findall(path.read_text(encoding="utf-8")):
            steps.setdefault(target, []).append(f"`{path.name}`")
    only = [(f"`make {target}`", ", ".join(dict.fromkeys(files))) for target, files in steps.items() if target not in dict(told)]
    return text.page(
        "Commands",
        "the Makefile and the workflow files",
        _INTRO,
        text.table(("command", "what it does"), rows),
        f"## Steps of workflows\n\n{_STEPS}",
        text.table(("command", "step of"), only),
    )
