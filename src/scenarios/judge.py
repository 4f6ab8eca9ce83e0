"""Judges what was measured of all scenarios against a commit's references, by that commit's tolerances, and writes one report."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from . import ScenarioError, github
from .compare import Row, compare
from .measured import SCENARIO, Measured, parse
from .report import Told, render
from .settings import PARAMS, scenarios, tolerance
from .subject import Subject, of_run

METRICS = "metrics.json"
REPORT, CONCLUSION = "report.md", "conclusion.json"


@dataclass(frozen=True)
class Conclusion:
    """Whether the gate lets the change pass, and why in one line; the pull request that it is about, if any, and that one's commit."""

    passed: bool
    line: str
    pull_request: int | None = None
    head_sha: str | None = None


def judge(measured: Path, against: str, out: Path, note: str = "", subject: Subject | None = None) -> Conclusion:
    """Write ``report.md`` and ``conclusion.json`` into ``out``, whatever the outcome; ``note`` is a sentence for the reader of the report.

    Raises:
        ScenarioError: the commit has no scenarios or no tolerances.
    """
    params = _show(against, PARAMS.name)
    if params is None:
        raise ScenarioError(f"{against} has no {PARAMS}: name a commit of this repository with --against")
    expected, limits = scenarios(params, f"{PARAMS} of {against}"), tolerance(params, f"{PARAMS} of {against}")
    told: dict[str, Told] = {}
    for name in dict.fromkeys([*expected, *_brought(measured)]):
        try:
            here, main = _here(measured, name), _main(against, name)
            told[name] = compare(here, main, limits)
        except ScenarioError as error:
            told[name] = str(error)
    conclusion = conclude(told)
    if subject is not None:
        conclusion = replace(conclusion, pull_request=subject.pull_request, head_sha=subject.head_sha)
    out.mkdir(parents=True, exist_ok=True)
    (out / REPORT).write_text(render(told, conclusion.passed, conclusion.line, limits, note), encoding="utf-8")
    (out / CONCLUSION).write_text(json.dumps(asdict(conclusion)) + "\n", encoding="utf-8")
    return conclusion


def judge_run(run_id: int, measured: Path, out: Path) -> Conclusion:
    """Judge what a pull request's run brought, as data in ``measured``, against the commit that is checked out here.

    Raises:
        ScenarioError: as :func:`judge`, or it is no such run, or GitHub cannot be asked.
    """
    subject = of_run(run_id)
    link = f"https://github.com/{github.repository()}/actions/runs/{run_id}"
    note = "" if subject.measured else f"The pipeline did not come to an end: [its log]({link})."
    return judge(measured, "HEAD", out, note, subject)


def conclude(told: Mapping[str, Told]) -> Conclusion:
    """What is to be said of all scenarios together."""
    if missing := [name for name, found in told.items() if isinstance(found, str)]:
        return Conclusion(False, f"not measured: {', '.join(missing)}")
    bad = {name: found.worse for name, found in told.items() if not isinstance(found, str) and found.worse}
    if bad:
        return Conclusion(False, "; ".join(f"{name}: {_list(rows)}" for name, rows in bad.items()))
    return Conclusion(True, f"none of {len(told)} scenarios got worse" if len(told) != 1 else "the scenario did not get worse")


def _list(rows: list[Row]) -> str:
    return ", ".join(row.subject for row in rows) + " worse"


def _brought(measured: Path) -> list[str]:
    return sorted(path.parent.name for path in measured.glob(f"*/{METRICS}") if SCENARIO.fullmatch(path.parent.name))[:20]


def _here(measured: Path, name: str) -> Measured:
    path = measured / name / METRICS
    if path.is_symlink() or not path.is_file():
        raise ScenarioError(f"{name} was not measured: its pipeline did not come to an end")
    return parse(path.read_text(encoding="utf-8", errors="replace"), f"{name}/{METRICS}")


def _main(against: str, name: str) -> Measured | None:
    text = _show(against, f"models/{name}/{METRICS}")
    return None if text is None else parse(text, f"models/{name}/{METRICS} of {against}")


def _show(commit: str, path: str) -> str | None:
    done = subprocess.run(["git", "show", f"{commit}:{path}"], capture_output=True, text=True, encoding="utf-8")
    return done.stdout if done.returncode == 0 else None
