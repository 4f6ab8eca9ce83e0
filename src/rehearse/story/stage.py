"""Everything a story plays with: the local GitHub, the repository on it, the people, their clones, the server."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from ..actions.runs import Run
from ..errors import RehearseError
from ..github import LocalGitHub
from ..world import World
from .mischief import SECRET
from .project import Clone, inspect
from .server import Server
from .storage import InGit, Storage, show

OWNER = "acme"
PERSON = "mona"
STRANGER = "mallory"
STATUS = "model review"
WAIT_SECONDS = 900.0
_MAKERS = ("prepare", "train", "export")  # the stages whose outputs are the model; evaluate only looks at it
_STAGE_RAN = re.compile(rf"Running stage '({'|'.join(_MAKERS)})'")


@dataclass
class Played:
    """The runs that a part of the story started."""

    runs: list[Run]

    @property
    def trained_stages(self) -> int:
        """Pipeline stages that made model files anew."""
        return sum(len(_STAGE_RAN.findall(Path(run.log).read_text(encoding="utf-8", errors="replace"))) for run in self.runs)

    def of(self, workflow: str) -> list[Run]:
        """The runs of one workflow file."""
        return [run for run in self.runs if run.workflow == workflow]


class Stage:
    """A prepared stage; :meth:`close` stops everything on it."""

    def __init__(self, project: Path, folder: Path, tell: Callable[[str], None], storage: Storage | None = None) -> None:
        self.model = inspect(project)
        self.folder = folder
        self.name = re.sub(r"[^a-z0-9-]+", "-", project.name.lower()).strip("-") or "model"
        self.address = f"https://github.com/{OWNER}/{self.name}"
        self.world = World.create(folder / "world")
        self.hub = LocalGitHub(self.world)
        self.hub.__enter__()
        self.server: Server | None = None
        self.storage = storage or InGit()
        self._seen: set[int] = set()
        try:
            self._populate(project, tell)
        except BaseException:
            self.close()
            raise

    def _populate(self, project: Path, tell: Callable[[str], None]) -> None:
        self.repository = self.hub.create_repository(OWNER, self.name, default_branch="main")
        self.repository.add_secret(SECRET, "only for the repository's own workflows")
        self.token = self.hub.person(PERSON, write_to=[f"{OWNER}/{self.name}"])
        self.clone = Clone.first(project, self.folder / "clone", self.address, self.world.env(self.token))
        self.storage.prepare(self)
        install(self.clone.folder, self.folder / "install.log", tell)

    def close(self) -> None:
        """Stop the server and the local GitHub."""
        if self.server is not None:
            self.server.stop()
        self.hub.__exit__(None, None, None)

    def runs_since(self) -> Played:
        """The runs that began since the last call."""
        new = [run for run in self.repository.runs if run.id not in self._seen]
        self._seen.update(run.id for run in new)
        return Played(new)

    def settle(self) -> Played:
        """Wait until nothing runs; the runs since the last call."""
        self.hub.wait_idle(timeout=WAIT_SECONDS)
        return self.runs_since()

    def head(self, branch: str) -> str:
        """The commit of a branch on the local GitHub."""
        return self._origin("rev-parse", f"refs/heads/{branch}")

    def changed(self, old: str, new: str) -> list[str]:
        """The files that differ between two commits of the local GitHub."""
        return self._origin("diff", "--name-only", old, new).splitlines()

    def pointer(self, environment: str = "production") -> dict[str, Any] | None:
        """The pointer on main."""
        text = show(self._bare, "refs/heads/main", f"models/{environment}.yaml")
        return None if text is None else YAML(typ="safe").load(text)

    def status(self, sha: str) -> Any:
        """The newest ``model review`` status of a commit, or None."""
        ours = [item for item in self.repository.statuses(sha) if item.context == STATUS]
        return max(ours, key=lambda item: item.id, default=None)

    def stored_digest(self, digest: str) -> str | None:
        """The digest that the stored bundle really has: recomputed from its manifest, every file checked against it."""
        manifest = self.stored(digest, "manifest.json")
        if manifest is None:
            return None
        for name, expected in json.loads(manifest)["files"].items():
            content = self.stored(digest, name)
            if content is None or hashlib.sha256(content).hexdigest() != expected:
                return None
        return f"sha256:{hashlib.sha256(manifest).hexdigest()}"

    def stored(self, digest: str, name: str) -> bytes | None:
        """A file of a bundle in the store, or None."""
        return self.storage.read(self, f"bundles/{digest.removeprefix('sha256:')}/{name}")

    def record(self, digest: str) -> dict[str, Any]:
        """A record that the model of a stored bundle accepts: the first of its golden ones."""
        golden = self.stored(digest, "golden.json")
        if golden is None:
            raise RehearseError(f"the store has no golden.json for {digest}")
        return json.loads(golden)["records"][0]

    def ref(self, name: str) -> str | None:
        """The object that a ref of the local GitHub names, or None."""
        return self._origin("for-each-ref", "--format=%(objectname)", name) or None

    def _origin(self, *args: str) -> str:
        return subprocess.run(["git", *args], cwd=self._bare, capture_output=True, text=True, check=True).stdout.strip()

    @property
    def _bare(self) -> Path:
        return self.world.folder / "git" / OWNER / f"{self.name}.git"


def install(folder: Path, log: Path, tell: Callable[[str], None]) -> None:
    """Install the libraries of a generated repository once, with the network: workflow runs then find them in uv's cache.

    Raises:
        RehearseError: an installation failed; the text names the log.
    """
    uv_folder = str(Path(os.path.realpath(_uv())).parent)
    env = {**os.environ, "PATH": f"{uv_folder}{os.pathsep}{os.environ['PATH']}"}
    env.pop("VIRTUAL_ENV", None)
    for target, what in (("setup", "training libraries"), ("setup-serve", "serving libraries")):
        tell(f"installing the {what} of the generated repository (the first time takes a minute)")
        with log.open("a") as stream:
            done = subprocess.run(["make", target], cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT)
        if done.returncode:
            raise RehearseError(f"`make {target}` failed in {folder}; its log: {log}")


def _uv() -> str:
    from uv import find_uv_bin

    return find_uv_bin()
