"""The judgement of one candidate: test rows, data and parameters go in, a :class:`Review` comes out. Nothing is fetched here."""

from dataclasses import dataclass

import pandas as pd
from msgspec.structs import replace

from .. import ProblemError
from ..bundle import Bundle
from ..params import Params
from . import Alarm, Champion, Change, DataChange, Review, changes, compare, data, exam, gates
from .evidence import Material


@dataclass(frozen=True)
class Case:
    """Who is judged, against whom, on what.

    ``brought`` is what the candidate was made of, ``before`` what that is compared with (main, or the champion's commit), ``ours`` are the
    parameters whose gates count. ``champion`` is None where nothing was promoted yet, or where ``unreachable`` says why it is not here.
    ``rewritten`` says that what ran the training was changed.
    """

    candidate: Bundle
    champion: Bundle | None
    standing: Champion | None
    brought: Material
    before: Material | None
    ours: Params
    unreachable: str | None = None
    rewritten: str | None = None


def judge(known: Review, case: Case) -> Review:
    """``known`` with everything that the case tells, the verdict included.

    Raises:
        ContractError: the data does not hold to the contract.
        BundleError: the candidate's model cannot be loaded or gives answers of another shape.
    """
    manifest = case.candidate.manifest
    known = replace(known, digest=case.candidate.digest, model=manifest.model, problem=manifest.problem, champion=case.standing)
    if manifest.data_digest != case.brought.data_digest:
        return replace(known, reasons=["the candidate was trained on other data than the pull request holds now; train it again"])
    frame = case.brought.rows()
    sides = case.brought.sides(frame)
    bench = compare.Bench(case.candidate, case.champion, frame[sides == "test"].reset_index(drop=True), case.ours, case.brought.params)
    found = bench.compare()
    moved, alarms = _data(case, frame), data.alarms(frame, sides, case.brought.params)
    results = [*exam.origin(case.rewritten), *found.conditions, *gates.judge(case.ours.gates, _findings(case, bench, found, moved, alarms))]
    verdict, reasons = gates.verdict(results)
    if case.unreachable:
        verdict, reasons, results = "cannot judge", [case.unreachable], []
    judging = case.ours.review
    known = replace(known, headline=case.ours.headline, confidence=judging.confidence, min_n=judging.min_n, rows=len(bench.rows))
    known = replace(known, verdict=verdict, reasons=reasons, gates=results, data=moved, alarms=alarms, **_changes(case))
    known = replace(known, threshold=manifest.threshold, data_digest=manifest.data_digest)
    shown = ("metrics", "slices", "fairness", "charts", "confusion", "importance", "speed", "champion_speed", "champion_problem")
    return replace(known, **{name: getattr(found, name) for name in shown})


def _data(case: Case, frame: pd.DataFrame) -> DataChange | None:
    if case.before is None or case.before.data_digest == case.brought.data_digest:
        return None
    try:
        before = case.before.rows()
    except ProblemError:  # a main that is broken must be repaired by a pull request; its data gates then want an override
        return DataChange(rows_main=0, rows_candidate=len(frame), added=len(frame))
    return data.difference(before, frame, case.before.params, case.brought.params)


def _findings(case: Case, bench: compare.Bench, found: compare.Comparison, moved: DataChange | None, alarms: list[Alarm]) -> gates.Findings:
    return gates.Findings(
        metrics=found.metrics,
        slices=found.slices,
        fairness=found.fairness,
        speed=found.speed,
        champion_speed=found.champion_speed,
        data=moved,
        alarms=alarms,
        rows=len(bench.rows),
        has_champion=case.standing is not None,
        champion_problem=found.champion_problem,
        confidence=case.ours.review.confidence,
        again=bench.again,
    )


def _changes(case: Case) -> dict[str, list[Change]]:
    before, brought = case.before, case.brought
    theirs = case.ours if before is None else before.params
    return {
        "parameters": changes.parameters(theirs, brought.params),
        "features": changes.features(theirs, brought.params),
        "dependencies": changes.dependencies(brought.lock if before is None else before.lock, brought.lock),
    }
