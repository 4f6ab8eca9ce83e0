"""Shows a rehearsal as it happens: steps with their times, jobs under them, the comment, the server's answer."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markdown import Markdown
from rich.panel import Panel

from .timeline import Step, Timeline

_HTML = re.compile(r"<br\s*/?>|</?details>|<summary>.*?</summary>|!\[\]\(https://cml\.dev/watermark[^)]*\)")


class Terminal:
    """Listens to a story. Without a terminal it prints the same lines, one after the other."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)

    def tell(self, text: str) -> None:
        """A line about what happens outside the steps."""
        self.console.print(f"  [dim]{text}[/dim]", soft_wrap=True)

    def __call__(self, event: str, data: dict[str, Any]) -> None:
        """Print what a listener hears; events that nobody needs to see are passed over."""
        match event:
            case "step started":
                self.console.print(f"[bold]{data['step']}[/bold]")
            case "step finished":
                self._finished(data["step"])
            case "run finished":
                self._run(data)
            case "answer":
                self.console.print(Panel(json.dumps(data["answer"], indent=2), title="the server's answer", expand=False))

    def comment(self, path: Path) -> None:
        """The comment of a pull request, rendered."""
        text = _HTML.sub(" ", path.read_text(encoding="utf-8"))
        self.console.print(Panel(Markdown(text), title=f"comment: {path.name}"))

    def end(self, timeline: Timeline, out: Path) -> None:
        """The closing lines: where everything is, and after a failure the one command that shows why."""
        seconds = sum(step.seconds for step in timeline.steps)
        if timeline.ok:
            told = f"[green bold]All {len(timeline.steps)} steps ok[/green bold] in {seconds:.0f} s."
            self.console.print(f"{told} Timeline, comments and logs: {_near(out)}", soft_wrap=True)
        else:
            self.console.print(f"[red bold]Failed.[/red bold] See why: {_near(Path(sys.argv[0]))} why {_near(out)}", soft_wrap=True)

    def _finished(self, step: Step) -> None:
        mark = "[green]ok[/green]" if step.ok else "[red]FAILED[/red]"
        digest = f" [dim]{step.digest[:19]}…[/dim]" if step.digest else ""
        self.console.print(f"  {mark} {step.seconds:6.1f} s  ", end="")
        self.console.print(step.detail, markup=False, end="", soft_wrap=True)
        self.console.print(digest, soft_wrap=True)

    def _run(self, data: dict[str, Any]) -> None:
        run = data["run"]
        colour = {"success": "green", "failure": "red"}.get(run.conclusion, "yellow")
        jobs = ", ".join(f"{name} {how}" for name, how in run.jobs.items())
        told = f"    [dim]{run.workflow:<13}[/dim] [{colour}]{run.conclusion:<9}[/{colour}]"
        self.console.print(f"{told} [dim]{run.seconds:5.1f} s  {jobs}[/dim]", soft_wrap=True)


def _near(path: Path) -> Path:
    """A path as a person would type it from where she stands."""
    return Path(os.path.relpath(path)) if path.resolve().is_relative_to(Path.cwd()) else path
