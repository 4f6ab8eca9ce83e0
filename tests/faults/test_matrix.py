"""Kill -9 at every step of a promotion and of a rollback, before, during and after it; run again; it ends as if nobody had disturbed it.

With the git store at every moment of every step. With S3 at every moment of the steps that differ, which are those of the store itself,
and at the worst moment of each other one: in the middle where there is one, else after it was done and before anybody knew.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import pytest

from .kit import Case, Command, Scene, end_state, kill_when, killed_at

pytestmark = pytest.mark.slow

Moment = Literal["before", "during", "after"]
State = dict[str, Any]
States = dict[str, State]
Record = Callable[[str, object], None]
Again = Literal["new runner", "same clone"]


@dataclass(frozen=True)
class Step:
    """A step as the local GitHub or S3 sees it: the ``nth`` request of a name. What is sent in one piece has no middle."""

    name: str
    request: str
    nth: int = 1
    pieces: bool = False

    @property
    def moments(self) -> tuple[Moment, ...]:
        """When it can be cut off."""
        return ("before", "during", "after") if self.pieces else ("before", "after")

    @property
    def worst(self) -> Moment:
        """Half is worse than nothing known."""
        return "during" if self.pieces else "after"


SAY, UPLOAD = r"POST deployments/\d+/statuses", r"POST releases/\d+/assets"
GIT_STORE = (Step("store objects and bundle", "push refs/dvc/store", pieces=True),)
S3_STORE = (
    Step("store an object", "PUT .*/files/md5/.*", pieces=True),
    Step("store an entry of the run cache", "PUT .*/runs/.*", pieces=True),
    Step("upload a file of the bundle", r"PUT .*/bundles/\w+/model\.onnx", pieces=True),
    Step("upload the manifest, last", r"PUT .*/bundles/\w+/manifest\.json", pieces=True),
    Step("read the bundle back", r"GET .*/bundles/\w+/model\.onnx"),
)
PROMOTION = (
    Step("create deployment of staging", "POST deployments"),
    Step("staging in progress", SAY, 1),
    Step("staging success", SAY, 2),
    Step("draft release", "POST releases"),
    Step("upload bundle", UPLOAD, 1, pieces=True),
    Step("upload card", UPLOAD, 2, pieces=True),
    Step("upload review", UPLOAD, 3, pieces=True),
    Step("create deployment of production", "POST deployments", 2),
    Step("production in progress", SAY, 3),
    Step("make the commit known", "push refs/dvc/pending", pieces=True),
    Step("required status", r"POST statuses/\w+"),
    Step("pointers on main", "push refs/heads/main", pieces=True),
    Step("production success", SAY, 4),
    Step("tag", r"push refs/tags/\S+", pieces=True),
    Step("upload bill of materials", UPLOAD, 4, pieces=True),
    Step("upload sums", UPLOAD, 5, pieces=True),
    Step("publish release", r"PATCH releases/\d+"),
)
ROLLBACK = (
    Step("create deployment", "POST deployments"),
    Step("production in progress", SAY, 1),
    Step("make the commit known", "push refs/dvc/pending", pieces=True),
    Step("required status", r"POST statuses/\w+"),
    Step("pointer on main", "push refs/heads/main", pieces=True),
    Step("production success", SAY, 2),
)
S3_ROLLBACK = (Step("read the bundle", r"GET .*/bundles/\w+/model\.onnx"),)
MODULES = {"promotion": "registry.promote", "rollback": "registry.rollback"}
AT_EVERY_MOMENT = (
    ("git", "promotion", (*GIT_STORE, *PROMOTION)),
    ("git", "rollback", ROLLBACK),
    ("s3", "promotion", S3_STORE),
    ("s3", "rollback", S3_ROLLBACK),
)
REQUESTS = [(kind, what, step, moment) for kind, what, steps in AT_EVERY_MOMENT for step in steps for moment in step.moments] + [
    ("s3", what, step, step.worst) for what, steps in (("promotion", PROMOTION), ("rollback", ROLLBACK)) for step in steps
]


def _child(words: str) -> Callable[[Command], bool]:
    return lambda command: any(words in line for line in command.children())


def _exists(pattern: str) -> Callable[[Command], bool]:
    return lambda command: any(True for _ in command.case.work.glob(pattern))


def _second_server(command: Command) -> bool:
    return command.case.git("rev-parse", "main") != command.case.scene.head and _child(".serving")(command)


INSIDE: dict[str, Callable[[Command], bool]] = {
    "fetching main": _child("git fetch"),
    "opening the store": _exists(".dvc-store/.git"),
    "dvc push begins": _child("dvc push"),
    "first object copied": lambda command: len(list(command.case.work.glob(".dvc-store/files/md5/*/*"))) > command.case.scene.objects,
    "bundle half copied": lambda command: len(list(command.case.work.glob(".dvc-store/bundles/*"))) > 1,
    "adding to the store": _child("git add --ignore-removal"),
    "committing to the store": _child("commit -q -m Bundle"),
    "staging server runs": _child(".serving"),
    "building the commit": _child("git mktree"),
    "production server runs": _second_server,
    "this clone follows main": _child("git checkout -q"),
    "tagging": _child("git mktag"),
}
AT_HOME = {
    "git": ("store objects and bundle", "pointers on main", "production success", "publish release"),
    "s3": ("upload the manifest, last", "pointers on main"),
}
TOO_QUICK = {"building the commit": "mktree", "this clone follows main": "checkout", "tagging": "mktag"}  # to be seen on a busy machine
INSIDE_CASES = [*(("git", where) for where in INSIDE), ("s3", "dvc push begins"), ("s3", "production server runs")]


@pytest.fixture(scope="session")
def expected(scenes: Callable[[str], Scene]) -> Callable[[str], States]:
    """The end states of a promotion, and of a rollback after it, that nobody disturbed."""

    @cache
    def of(kind: str) -> States:
        scene = scenes(kind)
        rolled_back = scene.case(scene.promoted)
        rolled_back.good("registry.rollback", GITHUB_RUN_ID="2")
        return {"promotion": end_state(scene.promoted), "rollback": end_state(rolled_back)}

    return of


def begin(case: Case, what: str, step: Step, moment: Moment) -> None:
    """Run a command into its death at a step."""
    with killed_at(case, step.request, moment, step.nth) as commands:
        commands.append(case.start(MODULES[what], GITHUB_RUN_ID="2"))
        assert commands[0].wait().code == -9, "the command did not come to this step"
    never_half(case)


def never_half(case: Case) -> None:
    """What must hold at any moment, also right after the kill: a pointer names a bundle that is stored whole."""
    for environment in ("staging", "production"):
        pointer = case.pointer(environment)
        assert pointer is None or case.stored_digest(pointer["digest"]) == pointer["digest"]


def converges(case: Case, what: str, wanted: State, again: Again) -> None:
    """Run it again, to the end; at home once more, which changes nothing."""
    if again == "new runner":
        case.fresh_clone()
    case.good(MODULES[what], GITHUB_RUN_ID="2")
    assert end_state(case) == wanted
    if again == "same clone":
        case.good("registry.finish", GITHUB_RUN_ID="3")
        assert end_state(case) == wanted


def _name(value: object) -> object:
    return value.name if isinstance(value, Step) else value


@pytest.mark.parametrize(("kind", "what", "step", "moment"), REQUESTS, ids=_name)
def test_killed_at_a_request(
    scenes: Callable[[str], Scene],
    expected: Callable[[str], States],
    kind: str,
    what: str,
    step: Step,
    moment: Moment,
    record_property: Record,
) -> None:
    record_property("fault", (kind, what, step.name, moment, "new runner"))
    scene, wanted = scenes(kind), expected(kind)[what]
    with scene.trial(scene.promoted if what == "rollback" else None) as case:
        begin(case, what, step, moment)
        converges(case, what, wanted, "new runner")


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in AT_HOME.items() for name in names])
def test_killed_and_repeated_at_home(
    scenes: Callable[[str], Scene], expected: Callable[[str], States], kind: str, name: str, moment: Moment, record_property: Record
) -> None:
    record_property("fault", (kind, "promotion", name, moment, "same clone"))
    scene, wanted = scenes(kind), expected(kind)["promotion"]
    (step,) = (one for one in (*(GIT_STORE if kind == "git" else S3_STORE), *PROMOTION) if one.name == name)
    with scene.trial() as case:
        begin(case, "promotion", step, moment)
        converges(case, "promotion", wanted, "same clone")


def _slow_git(case: Case, word: str) -> dict[str, str]:
    """The environment in which one command of git takes a second before it begins."""
    folder = case.folder / "slow"
    folder.mkdir()
    (folder / "git").write_text(f'#!/bin/sh\ncase " $* " in *" {word} "*) sleep 1;; esac\nPATH="${{PATH#*:}}" exec git "$@"\n')
    (folder / "git").chmod(0o755)
    return {"PATH": f"{folder}:{case.scene.env(case.repository)['PATH']}"}


@pytest.mark.parametrize(("kind", "where"), INSIDE_CASES)
def test_killed_inside_a_step(
    scenes: Callable[[str], Scene], expected: Callable[[str], States], kind: str, where: str, record_property: Record
) -> None:
    record_property("fault", (kind, "promotion", where, "during", "same clone"))
    scene, wanted = scenes(kind), expected(kind)["promotion"]
    with scene.trial() as case:
        env = _slow_git(case, TOO_QUICK[where]) if where in TOO_QUICK else {}
        command = case.start("registry.promote", GITHUB_RUN_ID="2", **env)
        kill_when(command, INSIDE[where])
        assert command.wait().code == -9, f"the command was never seen {where}"
        never_half(case)
        converges(case, "promotion", wanted, "same clone")


@pytest.mark.parametrize("kind", ["git", "s3"])
def test_every_request_that_changes_something_is_a_step(scenes: Callable[[str], Scene], kind: str) -> None:
    """A step that is added to the product and not to the matrix is found here."""
    steps = (*(GIT_STORE if kind == "git" else ()), *PROMOTION)
    changes = scenes(kind).promoted.changes
    assert [name for name, step in zip(changes, steps, strict=True) if not re.fullmatch(step.request, name)] == [], changes


def test_every_request_that_changes_the_bucket_is_a_step(scenes: Callable[[str], Scene]) -> None:
    scene = scenes("s3")
    with scene.trial() as case:
        scene.shelf.requests.clear()
        case.good("registry.promote")
        changes = [name for name in scene.shelf.requests if name.split()[0] not in ("GET", "HEAD")]
    patterns = [step.request.replace(r"model\.onnx", r"\w+\.\w+") for step in S3_STORE]
    assert [name for name in changes if not any(re.fullmatch(pattern, name) for pattern in patterns)] == []
    assert re.fullmatch(S3_STORE[3].request, changes[-1]), "the manifest comes last"
