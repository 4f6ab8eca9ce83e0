"""A person's clone of the generated repository: the edits and pushes that the story makes."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML, YAMLError

from ..errors import RehearseError

_MADE_THERE = (".git", ".venv*", ".dvc-store", "cache", "tmp", "reports", "prepared", "candidate", "__pycache__", ".*_cache")
_LEFT_OUT = shutil.ignore_patterns(*_MADE_THERE)


def inspect(folder: Path) -> str:
    """Check that ``folder`` holds a generated repository; returns the model's name.

    Raises:
        RehearseError: names the file that is missing.
    """
    for name in ("params.yaml", "dvc.yaml", "Makefile", ".github/workflows/train.yml", ".github/workflows/promote.yml"):
        if not (folder / name).exists():
            raise RehearseError(f"{folder} is no generated repository: {name} is missing; bake one with `cookiecutter`, or name its folder")
    try:
        return str(YAML(typ="safe").load(folder / "params.yaml")["model"]["name"])
    except (YAMLError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise RehearseError(f"{folder / 'params.yaml'} names no model: {' '.join(str(error).split())}; see model.name there") from None


class Clone:
    """A clone with an environment that reaches the local GitHub only."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self.folder = folder
        self.env = dict(env)

    @classmethod
    def first(cls, project: Path, folder: Path, origin: str, env: Mapping[str, str]) -> Clone:
        """Copy a project, without what it made, and make it a repository with one commit and a remote."""
        shutil.copytree(project, folder, ignore=_LEFT_OUT)
        clone = cls(folder, env)
        clone.git("init", "-q", "-b", "main")
        clone.git("remote", "add", "origin", origin)
        clone.commit("First commit")
        return clone

    @classmethod
    def of(cls, origin: str, folder: Path, env: Mapping[str, str]) -> Clone:
        """Clone a repository of the local GitHub."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        clone = cls(folder.parent, env)
        clone.git("clone", "-q", origin, str(folder))
        clone.folder = folder
        return clone

    def git(self, *args: str) -> str:
        """Run git in the clone and return what it printed.

        Raises:
            RehearseError: git failed; the text carries its last lines.
        """
        done = subprocess.run(["git", *args], cwd=self.folder, env=self.env, capture_output=True, text=True)
        if done.returncode:
            raise RehearseError(f"git {' '.join(args[:3])} failed in {self.folder}: {done.stderr.strip()[-400:]}")
        return done.stdout.strip()

    def commit(self, message: str) -> str:
        """Commit everything that git does not ignore; returns the commit."""
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")

    def branch(self, name: str) -> None:
        """Start a branch from the newest main."""
        self.git("fetch", "-q", "origin")
        self.git("checkout", "-q", "-B", name, "origin/main")

    def push(self, name: str) -> None:
        """Push a branch as the clone's person."""
        self.git("push", "-q", "--force-with-lease", "origin", f"HEAD:refs/heads/{name}")

    def set_params(self, changes: Mapping[str, Any]) -> None:
        """Change values of ``params.yaml`` by dotted name, keeping its comments.

        Raises:
            RehearseError: a name is not in the file.
        """
        path = self.folder / "params.yaml"
        yaml = YAML()
        yaml.width, yaml.preserve_quotes = 4096, True
        yaml.indent(mapping=2, sequence=4, offset=2)
        content = yaml.load(path)
        for name, value in changes.items():
            *parents, last = name.split(".")
            place = content
            for part in parents:
                place = place.get(part) if isinstance(place, dict) else None
            if not isinstance(place, dict) or last not in place:
                raise RehearseError(f"params.yaml has no '{name}'; name an existing parameter, for example --better model.parameters.C=0.5")
            place[last] = value
        stream = io.StringIO()
        yaml.dump(content, stream)
        path.write_text(stream.getvalue(), encoding="utf-8")

    def append(self, name: str, text: str) -> None:
        """Add text to the end of a file."""
        with (self.folder / name).open("a", encoding="utf-8") as stream:
            stream.write(text)


def changes(settings: list[str]) -> dict[str, Any]:
    """``name=value`` settings as a mapping; values are read as YAML.

    Raises:
        RehearseError: a setting has no name or no value.
    """
    found = {}
    for setting in settings:
        if not re.fullmatch(r"[A-Za-z_][\w.]*=.+", setting):
            raise RehearseError(f"{setting!r} is no setting; write name=value, for example model.parameters.C=0.5")
        name, _, value = setting.partition("=")
        found[name] = YAML(typ="safe").load(value)
    return found
