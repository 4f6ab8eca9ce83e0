"""What was measured against what was promised. Ratios are those of one round, in which all took their turns; medians of the rounds."""

import statistics
from collections.abc import Mapping
from typing import Any

from load import Result

KINDS = {"one_row": 16, "sixty_four_rows": 16, "alone": 1}  # connections
CEILINGS = {
    "one_row_to_own_hello_and_floor": 1.1,
    "sixty_four_rows_to_own_hello_and_floor": 1.5,
    "alone_to_unbatched": 1.1,
    "watching_one_row": 1.15,
    "watching_sixty_four_rows": 1.15,
    "start_to_first_prediction_s": 0.6,
}
FLOORS = {"fastapi": 3.0, "litserve": 7.0, "bentoml": 7.0, "mlserver": 7.0, "mlflow": 7.0}

Rounds = Mapping[str, Mapping[str, list[Result]]]


def summary(
    found: Rounds, floor: Mapping[str, list[float]], starts: list[tuple[float, float]], left_out: Mapping[str, str]
) -> dict[str, Any]:
    """Every figure, each ratio with its goal, and whether all are met."""
    ratios = _ratios(found, floor) | {"start_to_first_prediction_s": statistics.median(seconds for seconds, _ in starts)}
    met = {name: value <= CEILINGS[name] if name in CEILINGS else value >= FLOORS[name] for name, value in ratios.items()}
    lost = sum(one.answers - one.good for kinds in found.values() for results in kinds.values() for one in results)
    return {
        "ok": all(met.values()) and lost == 0,
        "ratios": {name: round(value, 3) for name, value in ratios.items()},
        "goals": {name: ("<= " if name in CEILINGS else ">= ") + f"{(CEILINGS | FLOORS)[name]:g}" for name in ratios},
        "met": met,
        "to_plain_hello_and_floor": {kind: round(_to_least(found, floor, kind, "plain_hello"), 3) for kind in floor},
        "cpu_us": _told(found, lambda one: one.cpu, 1),
        "floor_us": {kind: round(statistics.median(values), 1) for kind, values in floor.items()},
        "p50_ms": _told(found, lambda one: one.p50, 3),
        "p99_ms": _told(found, lambda one: one.p99, 2),
        "requests_per_s": _told(found, lambda one: one.rate, 0),
        "starts_s": [round(seconds, 2) for seconds, _ in starts],
        "starts_cpu_s": [round(worked, 2) for _, worked in starts],
        "not_200": lost,
        "left_out": dict(left_out),
    }


def _ratios(found: Rounds, floor: Mapping[str, list[float]]) -> dict[str, float]:
    def cpu(name: str, kind: str) -> list[float]:
        return [one.cpu for one in found[name][kind]]

    ratios = {}
    for kind in ("one_row", "sixty_four_rows"):
        ratios[f"{kind}_to_own_hello_and_floor"] = _to_least(found, floor, kind, "own_hello")
        ratios[f"watching_{kind}"] = _paired(cpu("logged", kind), cpu("unwatched", kind))
    waits = [[one.p50 for one in found[name]["alone"]] for name in ("ours", "unbatched")]
    ratios["alone_to_unbatched"] = _paired(*waits)
    return ratios | {name: _paired(cpu(name, "one_row"), cpu("ours", "one_row")) for name in FLOORS if name in found}


def _to_least(found: Rounds, floor: Mapping[str, list[float]], kind: str, hello: str) -> float:
    least = [bare.cpu + model for bare, model in zip(found[f"{hello}_{kind}"][kind], floor[kind], strict=True)]
    return _paired([one.cpu for one in found["ours"][kind]], least)


def _paired(some: list[float], others: list[float]) -> float:
    return statistics.median(one / other for one, other in zip(some, others, strict=True))


def _told(found: Rounds, figure: Any, digits: int) -> dict[str, dict[str, float]]:
    return {
        name: {kind: round(statistics.median(map(figure, some)), digits) for kind, some in kinds.items()} for name, kinds in found.items()
    }
