"""The story, played once with the default bake; the tests look at what it left and go on playing on its stage."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from rehearse.story.play import Story
from rehearse.story.script import written
from rehearse.story.stage import Stage

from ..conftest import BakedProject
from ..local_s3 import LocalS3
from .bucket import InS3

log = logging.getLogger("story")


@dataclass
class Played:
    """A story that was played, on a stage that still stands."""

    stage: Stage
    story: Story
    out: Path

    def step(self, number: int) -> dict[str, Any]:
        """The timeline's entry of a step, by its number in the story."""
        (found,) = [vars(step) for step in self.story.timeline.steps if step.step.startswith(f"{number} ")]
        return found


def _listen(event: str, data: dict[str, Any]) -> None:
    log.info("%s %s", event, data.get("step", ""))


@pytest.fixture(scope="session")
def plays(default_bake: BakedProject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Played]]:
    """The story with a kind of store, ``git`` or ``s3``; each is played once, the drift with ``git`` alone."""
    with ExitStack() as stack:

        @cache
        def of(kind: str) -> Played:
            storage = InS3(stack.enter_context(LocalS3())) if kind == "s3" else None
            out = tmp_path_factory.mktemp(f"story-{kind}")
            stage = Stage(default_bake.root, out, log.info, storage)
            stack.callback(stage.close)
            script = written(default_bake.root, {})
            story = Story(stage, script, out, _listen, drift=kind == "git")
            story.play()
            return Played(stage, story, out)

        yield of


@pytest.fixture(scope="session")
def played(plays: Callable[[str], Played]) -> Played:
    """With the default store."""
    return plays("git")


@pytest.fixture(params=["git", "s3"])
def each_play(request: pytest.FixtureRequest, plays: Callable[[str], Played]) -> Played:
    """With every kind of store in turn."""
    return plays(request.param)
