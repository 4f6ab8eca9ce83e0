"""The command line: ``python -m starter make`` and ``python -m starter publish``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import click

from rehearse.errors import RehearseError

from .make import make
from .publish import publish

_FOLDER = click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path("build/starter"))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Make and publish the starter."""


@main.command("make")
@_FOLDER
def _make(folder: Path) -> None:
    """Write the starter into FOLDER, in place of an earlier one."""
    _guarded(lambda: f"The starter is in {os.path.relpath(make(folder.resolve()))}.")


@main.command("publish")
@_FOLDER
@click.option("--remote", default="origin", show_default=True, help="Name or address of the repository that gets it.")
@click.option("--branch", default="starter", show_default=True)
def _publish(folder: Path, remote: str, branch: str) -> None:
    """Push the starter in FOLDER as one commit to a branch; the same bytes again push nothing."""

    def told() -> str:
        commit = publish(folder, remote, branch)
        return f"{branch}: {commit} is pushed." if commit else f"{branch}: holds this starter already, nothing to push."

    _guarded(told)


def _guarded(action: Callable[[], str]) -> None:
    try:
        click.echo(action())
    except RehearseError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
