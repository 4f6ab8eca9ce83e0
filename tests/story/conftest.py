"""The story, played once with the default bake; the tests look at what it left and go on playing on its stage."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rehearse import cli
from rehearse.story.play import Script, Story
from rehearse.story.project import changes
from rehearse.story.stage import Stage

from ..conftest import BakedProject

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


@pytest.fixture(scope="session")
def played(default_bake: BakedProject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    out = tmp_path_factory.mktemp("story")
    stage = Stage(default_bake.root, out, log.info)
    try:
        script = Script(*(changes(given) for given in (cli.BETTER, cli.BETTER_STILL, cli.WORSE, cli.FORK)))
        story = Story(stage, script, out, lambda event, data: log.info("%s %s", event, data.get("step", "")))
        story.play()
        yield Played(stage, story, out)
    finally:
        stage.close()
