"""Makes the scene that tests copy, once in a run for a kind of store, with the generated repository's own commands."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from uv import find_uv_bin

from rehearse import LocalGitHub, World
from rehearse.story.project import Clone

from ..local_s3 import LocalS3
from .kit import OWNER, PERSON, STATUS, Scene, with_param
from .shelves import GitShelf, S3Shelf, Shelf

if TYPE_CHECKING:
    from ..conftest import BakedProject

NAME, HEAD = "telco-churn", "head"  # HEAD is written last: what has it is whole


@contextmanager
def making(bake: BakedProject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Scene]]:
    """Inside the block, the scene of a kind of store, ``git`` or ``s3``.

    The first worker of a run that asks for a kind makes it; each one plays with its own copy on a GitHub, and an S3, of its own.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with ExitStack() as stack:

        @cache
        def of(kind: str) -> Scene:
            place = shared / f"scene-{kind}"
            with _locked(shared / f"{place.name}.lock"):
                if not (place / HEAD).exists():
                    shutil.rmtree(place, ignore_errors=True)
                    _make(bake, place, kind)
            return stack.enter_context(_opened(place, tmp_path_factory.mktemp(f"faults-{kind}"), kind))

        yield of


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _shelf(kind: str) -> Iterator[Shelf]:
    if kind == "git":
        yield GitShelf()
    else:
        with LocalS3() as server:
            yield S3Shelf(server)


def _make(bake: BakedProject, folder: Path, kind: str) -> None:
    """Version 1 promoted by the product itself, new inputs on main, their candidate trained and judged; all kept in a folder."""
    world = World.create(folder / "world")
    with LocalGitHub(world) as hub, _shelf(kind) as shelf:
        repository = hub.create_repository(OWNER, NAME)
        for path in (bake.root / ".github/workflows").iterdir():
            repository.leave_out(path.name, "the tests are the job")
        token = hub.person(PERSON, [repository.full_name])
        clone = Clone.first(bake.root, folder / "ready", repository.url, world.env(token))
        shelf.configure(clone.folder, _network())
        subprocess.run(["make", "setup"], cwd=clone.folder, env=_network(), check=True, capture_output=True)
        if clone.git("status", "--porcelain"):
            clone.commit("Keep models elsewhere")
        clone.git("push", "-q", "origin", "main")
        repository.protect("main", required_statuses=[STATUS])
        clone.env |= Scene(hub, world, token, repository, clone.folder, folder, "", shelf).env(repository)
        _train(clone)
        _call(clone, ".venv/bin/python", "-m", "churn.registry.promote")
        _new_inputs(clone, repository.git_dir)
        hub.keep_repository(repository.full_name, folder / "repository")
        shelf.keep(repository, folder / "shelf")
        (folder / HEAD).write_text(clone.git("rev-parse", "HEAD"))


@contextmanager
def _opened(made: Path, folder: Path, kind: str) -> Iterator[Scene]:
    world = World.create(folder / "world")
    with LocalGitHub(world) as hub, _shelf(kind) as shelf:
        repository = hub.take_repository(made / "repository")
        shelf.take(repository, made / "shelf")
        token = hub.person(PERSON, [repository.full_name])
        yield Scene(hub, world, token, repository, made / "ready", folder / "cases", (made / HEAD).read_text(), shelf)


def _call(clone: Clone, *arguments: str, **env: str) -> None:
    done = subprocess.run(arguments, cwd=clone.folder, env=clone.env | env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(arguments)}\n{done.stdout}\n{done.stderr}"


def _network() -> dict[str, str]:
    """The environment of the person who runs the tests: libraries are installed with it, nothing else."""
    env = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL")}
    return env | {"PATH": f"{Path(find_uv_bin()).parent}{os.pathsep}{env['PATH']}"}


def _train(clone: Clone) -> None:
    _call(clone, ".venv/bin/python", "-m", "churn.store")
    _call(clone, ".venv/bin/python", "-m", "churn.pipeline", "--pull", "--keep")
    _call(clone, ".venv/bin/python", "-m", "churn.review.judge", "main")


def _new_inputs(clone: Clone, bare: Path) -> None:
    params = clone.folder / "params.yaml"
    params.write_text(with_param(params.read_text(encoding="utf-8"), "C", 0.5), encoding="utf-8")
    clone.commit("Tune")
    subprocess.run(["git", "push", "-q", str(bare), "HEAD:refs/heads/main"], cwd=clone.folder, check=True, env=clone.env)
    _train(clone)
