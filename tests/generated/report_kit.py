"""What the tests of report and card need: a judgement in which every part of a report has something to say."""

import msgspec
from churn.mermaid import Series
from churn.review import (
    Alarm,
    Champion,
    Change,
    Chart,
    ColumnChange,
    Confusion,
    Cost,
    DataChange,
    Estimate,
    Fairness,
    GateResult,
    Importance,
    Merge,
    Metric,
    Override,
    Release,
    Review,
    Slice,
    Speed,
    Stage,
)

DIGEST, OTHER = "sha256:" + "a" * 64, "sha256:" + "b" * 64
REASON = "roc_auc ≥ 0.9: 0.8523, 0.0477 short"


def metric(name: str, candidate: float, champion: float, spread: float = 0.005, higher: bool = True) -> Metric:
    """A metric whose difference has an interval of plus and minus ``spread``."""
    change = candidate - champion
    ours, theirs = (Estimate(value, value - 0.02, value + 0.02) for value in (candidate, champion))
    return Metric(name, ours, theirs, Estimate(change, change - spread, change + spread), 0.031, higher, "DeLong")


def part(name: str, rows: int, candidate: float, champion: float, protected: bool = False, **more: float) -> Slice:
    found = metric("roc_auc", candidate, champion, 0.02)
    return Slice(name=name, column=name.split("=")[0], rows=rows, judged=rows >= 100, protected=protected, metric=found, **more)


def review(**values: object) -> Review:
    """A judgement with something in every field."""
    known = Review(
        verdict="promote", pull_request=12, run_id=1843, digest=DIGEST, champion=Champion(3, OTHER), rows=1409, threshold=0.3127,
        merge=Merge(4, ["staging", "production"], ["@mona"]), data_digest=OTHER,
        metrics=[metric("roc_auc", 0.8523, 0.8482), metric("log_loss", 0.41, 0.42, higher=False), metric("f1", 0.60, 0.62)],
        gates=[GateResult("roc_auc ≥ 0.8", "roc_auc", "pass", "0.0523 to spare"),
               GateResult("roc_auc not worse by 0.01", "roc_auc", "pass", "0.0049 to spare", 0.04),
               GateResult("drift (PSI) ≤ 0.2", "psi", "warn", "0.031 over")],
        slices=[part("senior=1", 229, 0.79, 0.80, True, p_adjusted=0.72, selection_rate=0.594, true_positive_rate=0.817),
                part("senior=0", 1180, 0.86, 0.85, True), part("contract=One year", 40, 0.77, 0.78), part("first year", 400, 0.8, 0.7)],
        fairness=[Fairness("senior", "equal_opportunity", Estimate(0.115, 0.045, 0.185), Estimate(0.109, 0.04, 0.18))],
        charts=[Chart("roc", "ROC", "false positive rate", "true positive rate", ["0", "0.5", "1"],
                      [Series("candidate", [0, 0.91, 1]), Series("champion", [0, 0.9, 1]), Series("chance", [0, 0.5, 1])])],
        importance=[Importance("tenure", 0.0812, 0.0061), Importance("contract", 0.0406, 0.0048)],
        speed=Speed(41.2, 66.0, 1.31, 0.0061), champion_speed=Speed(40.1, 63.7, 1.26, 0.0058),
        parameters=[Change("model.parameters.C", "1.0", "0.5")], features=[Change("tv", "categorical", None)],
        dependencies=[Change("numpy", "2.4.0", "2.4.1")],
        data=DataChange(rows_main=7043, rows_candidate=7103, added=60, removed=7, changed=12, labels_changed=3, test_rows_changed=2,
                        columns_added=["new"], target_main=0.2654, target_candidate=0.2668,
                        columns=[ColumnChange(name="charges", psi=0.231, effect=0.142, p_adjusted=1e-5, drifted=True, missing_main=0.0,
                                              missing_candidate=0.021, new_categories=["Gift card"])]),
        alarms=[Alarm("telling feature", "the column leak alone reaches an AUC of 0.999")],
        cost=Cost([Stage("prepare", "restored", 0.1), Stage("train", "run", 2.2)], 9.2, "ubuntu-24.04", 2.1e-7),
        history=[Release(3, 0.8482), Release(1, 0.8401), Release(2, None)],
    )  # fmt: skip
    return msgspec.structs.replace(known, **values)


def section(made: str, title: str) -> str:
    """The lines under a heading, up to the next one."""
    return made.split(f"### {title}\n")[1].split("\n### ")[0]


def rows(made: str) -> list[list[str]]:
    """The cells of every table row."""
    return [[cell.strip().replace("\u00a0", " ") for cell in line[1:-1].split("|")] for line in made.splitlines() if line.startswith("|")]


WORST = "|`<script>alert(1)</script>`|@everyone ![x](https://x.example/x.png)\n\n# ü𝕏 </details> " * 60


def monster(**values: object) -> Review:
    """300 features, 60 slices, 40 classes, 5,000-character names."""

    def name(number: int) -> str:
        return f"{WORST[:5000]}{number}"

    few, many, most = (range(count) for count in (40, 60, 300))
    return review(
        verdict="hold", problem="multi-class", reasons=[name(i) for i in many], notes=[name(i) for i in many],
        metrics=[metric("roc_auc", 0.85, 0.84), *(metric(f"recall[{name(i)}]", 0.5, 0.6) for i in few)],
        gates=[GateResult(name(i), name(i), "fail", name(i), 0.1) for i in many],
        slices=[part(name(i), 50 + 10 * i, 0.5 + i / 1000, 0.5, protected=i % 3 == 0) for i in many],
        fairness=[Fairness(name(i), "demographic_parity", Estimate(0.1)) for i in many],
        charts=[Chart("roc", name(1), name(2), name(3), [name(i) for i in range(21)],
                      [Series(name(j), [i / 20 for i in range(21)]) for j in few])] * 9,
        confusion=Confusion([name(i) for i in few], [[i * j for j in few] for i in few]),
        importance=[Importance(name(i), 1 / (1 + i), 0.1) for i in most],
        parameters=[Change(name(i), name(i), name(i)) for i in most], features=[Change(name(i), None, name(i)) for i in most],
        dependencies=[Change(name(i), name(i), None) for i in most],
        data=DataChange(rows_main=1, rows_candidate=2, columns_added=[name(i) for i in most], columns_removed=[name(i) for i in most],
                        columns=[
            ColumnChange(name=name(i), psi=1, effect=1, p_adjusted=0, drifted=True, missing_main=0, missing_candidate=0,
                         new_categories=[name(j) for j in few], gone_categories=[name(j) for j in few]) for i in most]),
        alarms=[Alarm("shared ids", name(i)) for i in many], merge=Merge(4, [name(i) for i in many], [name(i) for i in many]),
        cost=Cost([Stage(name(i), "run", 1.0) for i in many], 60.0, name(0)), override=Override(name(0), name(1), "hold"),
        history=[Release(i, 0.8) for i in most], champion_problem=name(1), **values,
    )  # fmt: skip
