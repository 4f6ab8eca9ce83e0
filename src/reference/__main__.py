"""``python -m reference FOLDER``, ``make docs``: write the pages of ``docs/reference`` from the code of a fresh bake."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rehearse.baking import bake
from rehearse.errors import RehearseError

from . import bundle_page, commands_page, params_page, server_page, workflows_page

INSIDE = Path(__file__).with_name("inside.py")


def main(folder: Path) -> int:
    """Write every page; exit code 1 when one cannot be made."""
    try:
        with tempfile.TemporaryDirectory() as build:
            made = pages(bake(Path(build)))
    except RehearseError as error:
        print(f"not made: {folder}, {error}", file=sys.stderr)
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in made.items():
        (folder / name).write_text(content, encoding="utf-8")
        print(folder / name)
    return 0


def pages(project: Path) -> dict[str, str]:
    """The text of each page by its file name, for a baked default project.

    Raises:
        RehearseError: the project's code cannot be read in this environment.
    """
    env = {**os.environ, "PYTHONPATH": str(project / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, str(INSIDE)], cwd=project, env=env, capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise RehearseError(f"the code of {project} tells nothing: {done.stderr.strip()[-800:]}")
    facts = json.loads(done.stdout)
    return {
        "params.md": params_page.page(facts["params"]),
        "bundle.md": bundle_page.page(facts),
        "server.md": server_page.page(facts["server"]),
        "commands.md": commands_page.page(project),
        "workflows.md": workflows_page.page(project / ".github"),
    }


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
