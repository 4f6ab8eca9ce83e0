"""``python -m scenarios run STAGE SCENARIO``: a stage of ``dvc.yaml``; ``python -m scenarios report``: what changed since main."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from . import ScenarioError, measure, stages
from .judge import CONCLUSION, REPORT, judge, judge_run
from .references import MEASURED
from .settings import scenario

STAGES = {"bake": stages.make_bake, "train": stages.train, "rehearse": stages.rehearse, "measure": measure.measure, "card": stages.card}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Bake, train, rehearse and measure the template's reference scenarios, and judge what came out."""


@main.command()
@click.argument("stage", type=click.Choice(list(STAGES)))
@click.argument("name")
def run(stage: str, name: str) -> None:
    """Run one stage of the scenario NAME."""
    STAGES[stage](scenario(name))


@main.command()
@click.option("--measured", type=click.Path(path_type=Path), default=MEASURED, show_default=True, help="What was measured.")
@click.option("--against", default="HEAD", show_default=True, help="The commit whose references and tolerances count.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("build/report"), show_default=True, help="Folder for the report.")
def report(measured: Path, against: str, out: Path) -> None:
    """Write one report of all scenarios; exit code 1 when one got worse."""
    conclusion = judge(measured, against, out)
    click.echo((out / REPORT).read_text(encoding="utf-8"))
    click.echo(f"{out / REPORT}, {out / CONCLUSION}: {conclusion.line}")
    sys.exit(0 if conclusion.passed else 1)


@main.command("judge")
@click.option("--run-id", type=int, envvar="RUN_ID", required=True, help="The pull request's run of the scenarios, or the variable RUN_ID.")
@click.option("--measured", type=click.Path(path_type=Path), default=Path("measured"), show_default=True, help="What it uploaded.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("build/report"), show_default=True, help="Folder for the report.")
def judge_command(run_id: int, measured: Path, out: Path) -> None:
    """Judge what a pull request's run brought with the code, references and tolerances that are checked out here."""
    click.echo(judge_run(run_id, measured, out).line)


if __name__ == "__main__":
    try:
        main()
    except ScenarioError as error:
        sys.exit(f"error: {error}")
