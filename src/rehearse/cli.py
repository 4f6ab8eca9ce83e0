"""The command line: ``rehearse demo``, ``rehearse play DIR``, ``rehearse shell DIR``, ``rehearse why DIR``."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from .baking import bake
from .errors import RehearseError
from .shell import open_shell
from .shell import wait as wait_in_shell
from .story.play import Story
from .story.project import inspect
from .story.script import written
from .story.stage import Stage
from .story.terminal import Terminal
from .story.timeline import Step, Timeline
from .story.why import explain


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Play the life of a generated repository on this machine: no GitHub account, no cloud, no containers."""


def _settings(function: Callable[..., None]) -> Callable[..., None]:
    options = (
        click.option("--better", multiple=True, help="A parameter change that keeps the model good; without it, one that suits the model."),
        click.option("--better-still", multiple=True, help="A second one, for the second push."),
        click.option("--worse", multiple=True, help="A parameter change that a gate must refuse."),
        click.option("--fork", multiple=True, help="The change in the fork's pull request."),
        click.option("--drift/--no-drift", default=True, show_default=True, help="Whether production drifts after the rollback."),
        click.option("--json", "as_json", is_flag=True, help="Print the timeline as JSON and nothing else."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def _out(default: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    where = "Folder for timeline, comments and logs; made anew."
    return click.option("--out", type=click.Path(path_type=Path), default=Path(default), show_default=True, help=where)


@main.command()
@_out("build/demo")
@_settings
def demo(out: Path, as_json: bool, drift: bool, **given: tuple[str, ...]) -> None:
    """Bake the default project and play the whole story."""
    _guarded(lambda: _demo(out.resolve(), as_json, drift, given))


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@_out("build/rehearsal")
@_settings
def play(folder: Path, out: Path, as_json: bool, drift: bool, **given: tuple[str, ...]) -> None:
    """Play the whole story with the generated repository in FOLDER. FOLDER itself is not changed."""
    _guarded(lambda: _play(folder.resolve(), out.resolve(), as_json, drift, given, None))


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@_out("build/shell")
def shell(folder: Path, out: Path) -> None:
    """Try a generated repository by hand: a shell with a local GitHub to push to. FOLDER itself is not changed."""
    _guarded(lambda: _shell(folder.resolve(), out.resolve()))


@main.command()
def wait() -> None:
    """Wait until no workflow runs, in a shell of `rehearse shell`."""
    _guarded(wait_in_shell)


@main.command()
@click.argument("out", type=click.Path(path_type=Path), default=Path("build/demo"))
def why(out: Path) -> None:
    """Show why the rehearsal in OUT failed: the step, and the last lines of the log that matters."""
    _guarded(lambda: click.echo(explain(out)))


def _demo(out: Path, as_json: bool, drift: bool, given: dict[str, tuple[str, ...]]) -> bool:
    terminal = Terminal()
    _fresh(out)
    if not as_json:
        terminal("step started", {"step": "1 bake"})
    began = time.monotonic()
    baked = bake(out / "project")
    step = Step("1 bake", True, round(time.monotonic() - began, 1), None, 0, f"the default project in {baked.relative_to(out)}")
    if not as_json:
        terminal("step finished", {"step": step})
    return _play(baked, out, as_json, drift, given, step)


def _play(project: Path, out: Path, as_json: bool, drift: bool, given: dict[str, tuple[str, ...]], baked: Step | None) -> bool:
    terminal = Terminal()
    listen: Callable[[str, dict[str, Any]], None] = (lambda event, data: None) if as_json else terminal
    inspect(project)
    script = written(project, given)
    if baked is None:
        _fresh(out)
    stage = Stage(project, out, (lambda text: None) if as_json else terminal.tell)
    try:
        stage.hub.listeners.append(listen)
        story = Story(stage, script, out, listen, drift=drift)
        story.timeline.add(baked or Step("1 check", True, 0.0, None, 0, f"{project.name} is a generated repository"))
        timeline = story.play()
    finally:
        stage.close()
    _tell(timeline, terminal, out, as_json)
    return timeline.ok


def _shell(project: Path, out: Path) -> None:
    terminal = Terminal()
    inspect(project)
    _fresh(out)
    stage = Stage(project, out, terminal.tell)
    try:
        stage.hub.on_event(terminal)
        open_shell(stage, terminal.tell)
    finally:
        stage.close()


def _tell(timeline: Timeline, terminal: Terminal, out: Path, as_json: bool) -> None:
    if as_json:
        click.echo(timeline.json(), nl=False)
        return
    for path in sorted((out / "comments").glob("*.md"))[:1]:
        terminal.comment(path)
    terminal.end(timeline, out)


def _fresh(out: Path) -> None:
    """Make ``out`` anew. A folder that no rehearsal made is left alone."""
    if out.exists() and any(out.iterdir()) and not (out / ".rehearsal").exists():
        raise RehearseError(f"{out} holds files that no rehearsal made; name another folder with --out")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / ".rehearsal").write_text(json.dumps({"made": "by rehearse; deleted by the next one"}) + "\n")


def _guarded(action: Callable[[], bool | None]) -> None:
    try:
        ended_well = action()
    except RehearseError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    sys.exit(0 if ended_well in (True, None) else 1)
