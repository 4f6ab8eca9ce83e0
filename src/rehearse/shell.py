"""A person's shell with a local GitHub behind it: ``git`` and ``gh`` there reach the rehearsal and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from .errors import RehearseError
from .story.stage import OWNER, PERSON, Stage

VARIABLE = "REHEARSE_REPOSITORY"
WELCOME = """\
You are {person} in a clone of {address}, which is empty until you push.
  git and gh reach a GitHub on this machine. It has no GraphQL: `gh api …/pulls` instead of `gh pr create`.
  Each workflow that ends is told in a line; `rehearse wait` waits for all of them; `exit` ends the shell and this GitHub."""


def open_shell(stage: Stage, tell: Callable[[str], None]) -> None:
    """Run a shell in the clone on a stage until its person leaves it. Without a terminal it reads commands from standard input.

    Raises:
        RehearseError: there is no bash.
    """
    bash = shutil.which("bash")
    if bash is None:
        raise RehearseError("bash is not on PATH; install it and try again")
    tell(WELCOME.format(person=PERSON, address=stage.address))
    sys.stdout.flush()
    subprocess.run([bash, "--noprofile", "--norc"], cwd=stage.clone.folder, env=environment(stage))


def environment(stage: Stage) -> dict[str, str]:
    """What a person has who owns the repository, at her own terminal; our own programs come after those of the rehearsal."""
    token = stage.hub.person(PERSON, write_to=[f"{OWNER}/{stage.name}"], admin=True)
    made = stage.world.env(token) | {VARIABLE: f"{OWNER}/{stage.name}", "PS1": f"({stage.name}, local GitHub) $ "}
    made["PATH"] += f"{os.pathsep}{Path(sys.executable).parent}"
    if sys.stdin.isatty():
        made |= {"TERM": os.environ.get("TERM", "dumb")}
    return made


def wait(seconds: float = 0.5) -> None:
    """Wait until no workflow is queued or at work, in a shell of :func:`open_shell`.

    Raises:
        RehearseError: this is no such shell, or its GitHub does not answer.
    """
    repository = os.environ.get(VARIABLE)
    if repository is None:
        raise RehearseError("there is nothing to wait for here; `rehearse shell FOLDER` opens a shell with a local GitHub")
    while _at_work(repository):
        time.sleep(seconds)


def _at_work(repository: str) -> bool:
    address = f"https://api.github.com/repos/{repository}/actions/runs?per_page=100"
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {os.environ.get('GH_TOKEN', '')}"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # by the proxy and the certificates of the shell's environment
            runs = json.load(answer)["workflow_runs"]
    except (OSError, ValueError) as error:
        raise RehearseError(f"the local GitHub does not answer ({error}); `exit`, and open the shell again") from None
    return any(run["status"] != "completed" for run in runs)
