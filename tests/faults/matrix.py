"""The table of faults: kill -9 at every step of a promotion and of a rollback, before, during and after it; run again; look.

With the git store at every moment of every step. With S3 at every moment of the steps that differ, which are those of the store itself,
and at the worst moment of each other one: in the middle where there is one, else after it was done and before anybody knew.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import pytest

from .kit import Case, Command, Scene, end_state, kill_when, killed_at

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
AT_EVERY_MOMENT = {
    "git": {"promotion": (*GIT_STORE, *PROMOTION), "rollback": ROLLBACK},
    "s3": {"promotion": S3_STORE, "rollback": S3_ROLLBACK},
}
AT_THE_WORST = {"git": {}, "s3": {"promotion": PROMOTION, "rollback": ROLLBACK}}


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
INSIDE_OF = {"git": tuple(INSIDE), "s3": ("dvc push begins", "production server runs")}


def parameters(kind: str) -> dict[str, tuple[str, list[Any]]]:
    """What each test of :class:`Matrix` is called with."""
    requests = [(what, step, moment) for what, steps in AT_EVERY_MOMENT[kind].items() for step in steps for moment in step.moments]
    requests += [(what, step, step.worst) for what, steps in AT_THE_WORST[kind].items() for step in steps]
    home = [step for step in (*(GIT_STORE if kind == "git" else S3_STORE), *PROMOTION) if step.name in AT_HOME[kind]]
    return {
        "test_killed_at_a_request": ("what,step,moment", requests),
        "test_killed_and_repeated_at_home": ("step,moment", [(step, moment) for step in home for moment in ("before", "after")]),
        "test_killed_inside_a_step": ("where", list(INSIDE_OF[kind])),
    }


def undisturbed(scene: Scene) -> States:
    """The end states of a promotion, and of a rollback after it, that nobody disturbed."""
    rolled_back = scene.case(scene.promoted)
    rolled_back.good("registry.rollback", GITHUB_RUN_ID="2")
    return {"promotion": end_state(scene.promoted), "rollback": end_state(rolled_back)}


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


def _slow_git(case: Case, word: str) -> dict[str, str]:
    """The environment in which one command of git takes a second before it begins."""
    folder = case.folder / "slow"
    folder.mkdir()
    (folder / "git").write_text(f'#!/bin/sh\ncase " $* " in *" {word} "*) sleep 1;; esac\nPATH="${{PATH#*:}}" exec git "$@"\n')
    (folder / "git").chmod(0o755)
    return {"PATH": f"{folder}:{case.scene.env(case.repository)['PATH']}"}


class Matrix:
    """The tests of one kind of store (see ``pytest_generate_tests`` in conftest.py); each kind is a file, so that they run side by side."""

    kind: str

    @pytest.fixture
    def scene(self, scenes: Callable[[str], Scene]) -> Scene:
        """The scene of the kind."""
        return scenes(self.kind)

    @pytest.fixture
    def wanted(self, expected: Callable[[str], States]) -> States:
        """What nobody's disturbance leaves."""
        return expected(self.kind)

    def test_killed_at_a_request(
        self, scene: Scene, wanted: States, what: str, step: Step, moment: Moment, record_property: Record
    ) -> None:
        record_property("fault", (self.kind, what, step.name, moment, "new runner"))
        with scene.trial(scene.promoted if what == "rollback" else None) as case:
            begin(case, what, step, moment)
            converges(case, what, wanted[what], "new runner")

    def test_killed_and_repeated_at_home(self, scene: Scene, wanted: States, step: Step, moment: Moment, record_property: Record) -> None:
        record_property("fault", (self.kind, "promotion", step.name, moment, "same clone"))
        with scene.trial() as case:
            begin(case, "promotion", step, moment)
            converges(case, "promotion", wanted["promotion"], "same clone")

    def test_killed_inside_a_step(self, scene: Scene, wanted: States, where: str, record_property: Record) -> None:
        record_property("fault", (self.kind, "promotion", where, "during", "same clone"))
        with scene.trial() as case:
            env = _slow_git(case, TOO_QUICK[where]) if where in TOO_QUICK else {}
            command = case.start("registry.promote", GITHUB_RUN_ID="2", **env)
            kill_when(command, INSIDE[where])
            assert command.wait().code == -9, f"the command was never seen {where}"
            never_half(case)
            converges(case, "promotion", wanted["promotion"], "same clone")

    def test_every_request_that_changes_something_is_a_step(self, scene: Scene) -> None:
        """A step that is added to the product and not to the matrix is found here."""
        steps = (*(GIT_STORE if self.kind == "git" else ()), *PROMOTION)
        changes = scene.promoted.changes
        assert [name for name, step in zip(changes, steps, strict=True) if not re.fullmatch(step.request, name)] == [], changes
