"""Gates: their grammar, how each ends and what it says, and the verdict over all."""

import math
import re
from collections.abc import Callable
from pathlib import Path

import kinds
import numpy as np
import pytest
import yaml
from churn import dataset, gate_check, params, slices
from churn.gate import Gate, text
from churn.review import Alarm, ColumnChange, DataChange, Estimate, Fairness, GateResult, Metric, Slice, Speed
from churn.review.gates import Findings, judge, verdict
from scipy import stats

DEFAULT = Path(params.__file__).parents[2] / "params.yaml"
Z = stats.norm.ppf(0.975)


def _metric(name: str, value: float | None, other: float | None = None, half: float = 0.01, confidence: float = 0.95) -> Metric:
    """A metric whose intervals have this half width at 95 %, and the normal one at another confidence."""
    half *= stats.norm.ppf((1 + confidence) / 2) / Z

    def estimate(middle: float | None) -> Estimate:
        return Estimate(None) if middle is None else Estimate(middle, middle - half, middle + half)

    better = name not in ("log_loss", "rmse")
    both = None not in (value, other)
    return Metric(name, estimate(value), None if other is None else estimate(other), estimate(value - other) if both else None, 0.5, better)


def _slice(name: str, value: float | None, other: float | None, half: float = 0.01, rows: int = 500, judged: bool = True) -> Slice:
    metric = _metric("roc_auc", value, other, half)
    return Slice(name=name, column=name.split("=")[0], rows=rows, judged=judged, metric=metric)


def _column(name: str, psi: float, p: float = 1e-9) -> ColumnChange:
    return ColumnChange(name=name, psi=psi, effect=psi / 2, p_adjusted=p, drifted=False, missing_main=0, missing_candidate=0)


METRICS = [_metric("roc_auc", 0.84, 0.85), _metric("log_loss", 0.42, 0.40), _metric("f1", None, 0.6), _metric("recall", 0.7, 0.7, 0.05)]
SLICES = [_slice("female=0", 0.83, 0.83), _slice("female=1", 0.82, 0.83), _slice("old=1", 0.5, 0.9, rows=20, judged=False)]
DATA = DataChange(
    rows_main=1100, rows_candidate=1200, removed=100, labels_changed=20, columns=[_column("tenure", 0.3), _column("age", 0.05)]
)
FOUND = {
    "metrics": METRICS, "slices": SLICES, "data": DATA, "alarms": [], "rows": 1400, "has_champion": True, "champion_problem": None,
    "fairness": [Fairness("female", "equal_opportunity", Estimate(0.12, 0.05, 0.2), Estimate(0.08))],
    "speed": Speed(80, 120, 3.0, 0.5), "champion_speed": Speed(40, 60, 1.5, 0.4), "confidence": 0.95,
}  # fmt: skip


def _again(metric: str, part: str | None, confidence: float) -> Metric | None:
    known = {("roc_auc", None): (0.84, 0.85), ("recall", "female=1"): (0.55, 0.6), ("f1", "female=0"): (None, 0.6)}
    values = known.get((metric, part))
    return None if values is None else _metric(metric, *values, confidence=confidence)


def _judge(gate: Gate, **changed: object) -> GateResult:
    found = Findings(**{**FOUND, "again": _again, **changed})
    return judge([gate], found)[0]


BAD_ALARM = [Alarm("telling feature", "'refund' alone reaches a ROC AUC of 1.0000"), Alarm("shared ids", "3 test rows have the id")]
CASES: list[tuple[Gate, dict[str, object], str, list[str]]] = [
    (Gate(metric="roc_auc", min=0.80), {}, "pass", ["0.8400, 0.0400 to spare"]),
    (Gate(metric="roc_auc", min=0.84), {}, "pass", ["0.0000 to spare"]),
    (Gate(metric="roc_auc", min=0.85), {}, "fail", ["0.8400; 0.0100 short"]),
    (Gate(metric="roc_auc", min=0.835, confidence=0.95), {}, "fail", ["0.8400 [0.8300, 0.8500]; 0.0050 short"]),
    (Gate(metric="roc_auc", min=0.835, confidence=0.6), {}, "pass", ["0.8400 [0.83", "to spare"]),
    (Gate(metric="log_loss", max=0.41), {}, "fail", ["0.0100 short"]),
    (Gate(metric="log_loss", max=0.425, confidence=0.95), {}, "fail", ["0.0050 short"]),
    (Gate(metric="log_loss", max=0.43), {}, "pass", ["to spare"]),
    (Gate(metric="f1", min=0.1), {}, "cannot be judged", ["f1 is not defined on these 1,400 rows"]),
    (Gate(metric="f1", min=0.1), {"metrics": [Metric("f1", Estimate(math.nan))]}, "cannot be judged", ["f1 is not defined"]),
    (Gate(metric="precision", min=0.1), {}, "cannot be judged", ["precision was not computed"]),
    (Gate(metric="f1", min=0.1, on="warn"), {}, "warn", ["not defined"]),
    (Gate(metric="roc_auc", min=0.85, on="warn"), {}, "warn", ["0.0100 short"]),
    (Gate(metric="roc_auc", min=0.80, on="warn"), {}, "pass", ["to spare"]),
    (Gate(metric="recall", slice="female=1", min=0.5), {}, "pass", ["0.5500, 0.0500 to spare"]),
    (Gate(metric="recall", slice="female=1", min=0.6), {}, "fail", ["0.0500 short"]),
    (Gate(metric="recall", slice="old=1", min=0.5), {}, "cannot be judged", ["only 20 test rows are in old=1", "review.min_n"]),
    (Gate(metric="recall", slice="old=7", min=0.5), {}, "cannot be judged", ["no test row is in old=7"]),
    (Gate(metric="f1", slice="female=0", min=0.5), {}, "cannot be judged", ["f1 is not defined on these 500 rows"]),
    (Gate(metric="roc_auc", not_worse_than_champion=0.03), {}, "pass",
     ["0.8400 against 0.8500, difference −0.0100 [−0.0200, +0.0000], 0.0100 to spare"]),
    (Gate(metric="roc_auc", not_worse_than_champion=0.015), {}, "fail",
     ["0.0050 short; 1,400 test rows are too few to rule out a loss of more than 0.015: about 5,600 would do"]),
    (Gate(metric="roc_auc", not_worse_than_champion=0.005), {"metrics": [_metric("roc_auc", 0.842, 0.85)]}, "fail",
     ["0.0130 short; 1,400 test rows are too few to tell this loss from chance"]),
    (Gate(metric="roc_auc", not_worse_than_champion=0.005), {"metrics": [_metric("roc_auc", 0.82, 0.85)]}, "fail", ["worse beyond chance"]),
    (Gate(metric="roc_auc", not_worse_than_champion=0.015, confidence=0.2), {}, "pass", ["0.8400 against 0.8500"]),
    (Gate(metric="log_loss", not_worse_than_champion=0.031), {}, "pass", ["difference +0.0200 [+0.0100, +0.0300], 0.0010 to spare"]),
    (Gate(metric="log_loss", not_worse_than_champion=0.025), {}, "fail", ["0.0050 short"]),
    (Gate(metric="log_loss", not_worse_than_champion=0.005), {"metrics": [_metric("log_loss", 0.38, 0.4)]}, "pass", ["0.0150 to spare"]),
    (Gate(metric="recall", slice="female=1", not_worse_than_champion=0.07), {}, "pass", ["0.5500 against 0.6000"]),
    (Gate(metric="recall", slice="female=1", not_worse_than_champion=0.055), {}, "fail", ["500 test rows of female=1 are too few"]),
    (Gate(metric="roc_auc", not_worse_than_champion=0.01), {"metrics": [_metric("roc_auc", 0.8)]}, "cannot be judged", ["the champion's"]),
    (Gate(metric="roc_auc", not_worse_than_champion=0.01), {"has_champion": False}, "not applied", ["no champion yet"]),
    (Gate(metric="roc_auc", not_worse_than_champion=0.01), {"champion_problem": "it needs 'x'"}, "not applied", ["it needs 'x'"]),
    (Gate(metric="roc_auc", not_worse_than_champion=0.01, on="warn"), {"has_champion": False}, "not applied", ["no champion yet"]),
    (Gate(metric="roc_auc", slices="each", not_worse_than_champion=0.02), {}, "pass", ["none of 2 slices", "female=1 (500 rows)"]),
    (Gate(metric="roc_auc", slices="each", not_worse_than_champion=0.02), {"slices": [*SLICES, _slice("late=1", 0.8, 0.85, rows=321)]},
     "fail", ["late=1 (321 rows): 0.8000 against 0.8500", "0.0300 short", "adjusted p"]),
    (Gate(metric="roc_auc", slices="each", not_worse_than_champion=0.02), {"slices": SLICES[2:]}, "cannot be judged", ["review.min_n"]),
    (Gate(metric="roc_auc", slices="each", not_worse_than_champion=0.02), {"slices": [*SLICES, _slice("late=1", None, 0.85)]}, "pass",
     ["1 have no defined difference"]),
    (Gate(metric="recall", slices="each", not_worse_than_champion=0.02), {}, "fail", ["female=1", "0.5500 against 0.6000"]),
    (Gate(metric="roc_auc", slices="each", not_worse_than_champion=0.02), {"has_champion": False}, "not applied", ["no champion yet"]),
    (Gate(fairness="equal_opportunity", column="female", max=0.15), {}, "pass", ["0.1200 [0.0500, 0.2000], the champion's is 0.0800"]),
    (Gate(fairness="equal_opportunity", column="female", max=0.1), {}, "fail", ["0.0200 short"]),
    (Gate(fairness="demographic_parity", column="female", max=0.1), {}, "cannot be judged", ["gap of female was not computed", "min_n"]),
    (Gate(latency_p99="2x"), {}, "pass", ["2 times the champion's: 120 µs against 60 µs"]),
    (Gate(latency_p99="1.9x"), {}, "fail", ["2 times the champion's"]),
    (Gate(latency_p99="2x"), {"has_champion": False}, "not applied", ["no champion yet"]),
    (Gate(latency_p99="2x"), {"champion_problem": "gone"}, "not applied", ["gone"]),
    (Gate(latency_p99="2x"), {"speed": None}, "cannot be judged", ["the candidate was not timed"]),
    (Gate(latency_p99="2x"), {"champion_speed": None}, "cannot be judged", ["the champion was not timed"]),
    (Gate(size_mb=0.5), {}, "pass", ["0.5 MB"]),
    (Gate(size_mb=0.4), {}, "fail", ["0.5 MB"]),
    (Gate(size_mb=1), {"speed": None}, "cannot be judged", ["size was not measured"]),
    (Gate(drift="psi", max=0.4), {}, "pass", ["at most 0.300, in tenure (effect 0.150, adjusted p < 0.001)"]),
    (Gate(drift="psi", max=0.2), {}, "fail", ["0.300, in tenure"]),
    (Gate(drift="psi", max=0.2, on="warn"), {}, "warn", ["0.300, in tenure"]),
    (Gate(drift="psi", max=0.04), {}, "fail", ["2 columns are above the limit"]),
    (Gate(drift="psi", max=0.2, column="age"), {}, "pass", ["0.050, in age"]),
    (Gate(drift="psi", max=0.2, column="gone"), {}, "cannot be judged", ["gone is in"]),
    (Gate(drift="psi", max=0.2), {"data": None}, "pass", ["the data is main's"]),
    (Gate(drift="psi", max=0.2), {"data": DataChange(rows_main=900, rows_candidate=299, columns=DATA.columns)}, "cannot be judged",
     ["299 rows are too few"]),
    (Gate(drift="psi", max=0.2), {"data": DataChange(rows_main=900, rows_candidate=900, columns=[_column("zip", 0.5, p=0.3)])}, "pass",
     ["in zip", "no more than chance explains"]),
    (Gate(labels_changed=0.02), {}, "pass", ["20 of 1,000 rows in both have another label (2 %)"]),
    (Gate(labels_changed=0.01), {}, "fail", ["20 of 1,000"]),
    (Gate(labels_changed=0.0), {"data": None}, "pass", ["the data is main's"]),
    (Gate(labels_changed=0.01), {"data": DataChange(rows_main=10, rows_candidate=9, removed=10)}, "cannot be judged", ["share no id"]),
    (Gate(leakage="none"), {}, "pass", ["no sign of leakage"]),
    (Gate(leakage="none"), {"alarms": BAD_ALARM * 30}, "fail", ["; and 55 more"]),
    (Gate(leakage="none"), {"alarms": BAD_ALARM}, "fail", ["'refund' alone", "3 test rows have the id"]),
]  # fmt: skip


@pytest.mark.parametrize(("gate", "changed", "outcome", "words"), CASES)
def test_a_gate_ends_and_says_why(gate: Gate, changed: dict[str, object], outcome: str, words: list[str]) -> None:
    result = _judge(gate, **changed)
    assert result.outcome == outcome, result
    for word in words:
        assert word in result.detail, result.detail
    assert result.gate == text(gate)
    assert result.subject == gate.subject != ""


def test_many_equal_slices_are_not_held() -> None:
    """Among 40 slices of equal models one is often nominally worse; the corrected test holds at its level, as the gate says."""
    rng, margin, half = np.random.default_rng(0), 0.004, 0.02
    gate = Gate(metric="roc_auc", slices="each", not_worse_than_champion=margin)
    results = [
        _judge(gate, slices=[_slice(f"zip={n}", 0.8 + noise, 0.8, half) for n, noise in enumerate(rng.normal(0, half / Z, 40))])
        for _ in range(400)
    ]
    held = np.mean([result.outcome == "fail" for result in results])
    stated = results[0].equal_held
    assert 0 < stated < 0.05
    assert abs(held - stated) < 0.02


def test_a_slice_that_loses_less_than_the_margin_is_not_held_however_sure() -> None:
    sure = [_slice("a=1", 0.800, 0.819, half=0.0001)]
    gate = Gate(metric="roc_auc", slices="each", not_worse_than_champion=0.02)
    assert _judge(gate, slices=sure).outcome == "pass"
    assert _judge(gate, slices=[_slice("a=1", 0.800, 0.821, half=0.0001)]).outcome == "fail"


def test_the_stated_share_of_equal_candidates_is_held() -> None:
    rng, half, margin = np.random.default_rng(1), 0.01, 0.012
    gate = Gate(metric="roc_auc", not_worse_than_champion=margin)
    differences = rng.normal(0, half / Z, 4000)
    results = [_judge(gate, metrics=[_metric("roc_auc", 0.8 + d, 0.8, half)]) for d in differences[:400]]
    assert abs(np.mean(differences - half < -margin) - results[0].equal_held) < 0.02
    assert abs(np.mean([result.outcome == "fail" for result in results]) - results[0].equal_held) < 0.05


def test_needed_rows_are_those_that_would_do() -> None:
    """With so many rows, and the same difference, the gate passes; with a tenth fewer it does not."""
    gate = Gate(metric="roc_auc", not_worse_than_champion=0.015)
    said = _judge(gate).detail.split("about ")[1].split(" would")[0]
    for share, outcome in ((1.001, "pass"), (0.9, "fail")):
        half = 0.01 * math.sqrt(1400 / (share * float(said.replace(",", ""))))
        assert _judge(gate, metrics=[_metric("roc_auc", 0.84, 0.85, half)]).outcome == outcome


def _ended(*outcomes: str, subject: str = "roc_auc") -> list[GateResult]:
    return [GateResult("gate", subject, outcome, "no champion yet" if outcome == "not applied" else "detail") for outcome in outcomes]


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([], "cannot judge"),
        (_ended("pass"), "promote"),
        (_ended("pass", "fail"), "hold"),
        (_ended("pass", "warn"), "promote"),
        (_ended("warn"), "promote"),
        (_ended("fail", "cannot be judged"), "cannot judge"),
        (_ended("pass", "not applied"), "promote"),
        (_ended("not applied"), "cannot judge"),
        (_ended("not applied") + _ended("pass", subject="leakage"), "cannot judge"),
        (_ended("not applied") + _ended("fail", subject="leakage"), "hold"),
        (_ended("pass", subject="leakage"), "promote"),
    ],
)
def test_the_verdict_over_gates(results: list[GateResult], expected: str) -> None:
    said, reasons = verdict(results)
    assert said == expected
    assert bool(reasons) == (said != "promote")
    failed = sum(item.outcome == "fail" for item in results)
    assert sum(reason == "gate: detail" for reason in reasons) >= failed


def test_a_main_without_gates_and_a_first_model_without_limits_are_told_so() -> None:
    assert verdict([]) == ("cannot judge", ["params.yaml on main has no gates; add at least one under `gates:`"])
    assert "there is no champion yet and no gate of a metric has an absolute limit" in verdict(_ended("not applied"))[1][0]


def _parse(gate: str, kind: str) -> params.Params:
    if kind in ("binary", "no money"):
        text = DEFAULT.read_text().split("gates:\n")[0] + f"gates: [{gate}]\n"
        return params.parse(re.sub(r"\nmoney: .*", "\nmoney: null", text) if kind == "no money" else text)
    return params.parse(kinds.params_text(kind, gates=yaml.safe_load(f"[{gate}]")))


BINARY_NAMES = "roc_auc, pr_auc, log_loss, brier, ece, f1, precision, recall, accuracy, profit"


@pytest.mark.parametrize(
    ("gate", "kind", "words"),
    [
        ("{metric: rocauc, min: .8}", "binary", "gates[0].metric 'rocauc' is not known (did you mean 'roc_auc'?)"),
        ("{metrc: roc_auc, min: .8}", "binary", "gates[0].metrc is not a known key (did you mean 'metric'?)"),
        ("{fairness: equal_oportunity, column: female, max: .1}", "binary", "(did you mean 'equal_opportunity'?)"),
        ("{latency_p99: 2}", "binary", "gates[0].latency_p99 must be text, not 2; put it in quotes"),
        ("{latency_p99: fast}", "binary", "gates[0].latency_p99 'fast' must be a multiple of the champion's, for instance 2x"),
        ("{metric: roc_auc, min: .8, size_mb: 3}", "binary", "not metric and size_mb; make it two gates"),
        (
            "{'on': warn}",
            "binary",
            "must look at exactly one of metric, fairness, latency_p99, size_mb, drift, labels_changed, leakage, not none",
        ),
        ("{metric: roc_auc, min: 80}", "binary", "gates[0].min 80 cannot be a limit for roc_auc, whose values lie in 0 to 1; 80 % is 0.8"),
        ("{metric: roc_auc, min: .8, max: .9}", "binary", "exactly one of min, max, not_worse_than_champion, not min and max"),
        ("{metric: roc_auc}", "binary", "exactly one of min, max, not_worse_than_champion, not none"),
        ("{metric: log_loss, max: -1}", "binary", "log_loss is never below 0"),
        ("{metric: log_loss, min: .4}", "binary", "gates[0].min: lower is better for log_loss, so this would stop good models; use max"),
        ("{metric: roc_auc, max: .9}", "binary", "higher is better for roc_auc, so this would stop good models; use min"),
        ("{metric: roc_auc, not_worse_than_champion: -.1}", "binary", "must be a finite number, 0 or more"),
        ("{metric: roc_auc, not_worse_than_champion: 1.5}", "binary", "1.5 cannot be a limit for roc_auc"),
        ("{metric: roc_auc, min: .nan}", "binary", "gates[0].min nan must be a finite number"),
        (
            "{metric: roc_auc, min: .8, confidence: 95}",
            "binary",
            "gates[0].confidence 95 must be at least 0.5 and below 1, for instance 0.95",
        ),
        ("{metric: recall, slice: senior_citzen=1, min: .6}", "binary", "(did you mean 'senior_citizen=1'?)"),
        ("{metric: recall, slice: second year, min: .6}", "binary", "gates[0].slice 'second year' is not a value of a column in protected"),
        ("{metric: recall, slices: each, min: .6}", "binary", "slices: each is for not_worse_than_champion alone"),
        ("{metric: recall, slice: female=1, slices: each, not_worse_than_champion: .6}", "binary", "slices: each is for"),
        ("{fairness: equal_opportunity, column: partner, max: .1}", "binary", "'partner' is not listed under protected; add it there"),
        ("{fairness: equal_opportunity, column: femal, max: .1}", "binary", "(did you mean 'female'?)"),
        (
            "{fairness: equal_opportunity, max: .1}",
            "binary",
            "gates[0] must have column, as in {fairness: equal_opportunity, column: female",
        ),
        ("{fairness: equal_opportunity, column: female}", "binary", "gates[0] must have max"),
        ("{fairness: equal_opportunity, column: female, max: 10}", "binary", "gates[0].max 10 must lie in 0 to 1; 1 % is 0.01"),
        ("{fairness: equal_opportunity, column: female, max: .1, min: 0}", "binary", "gates[0].min means nothing for fairness"),
        ("{size_mb: 20, confidence: .9}", "binary", "gates[0].confidence means nothing for size_mb, which takes on; delete it"),
        ("{metric: profit, min: 3}", "no money", "gates[0].metric profit needs to know what a decision brings and costs; add money:"),
        ("{metric: rmse, max: 3}", "binary", f"rmse is a metric of regression problems; this is binary: {BINARY_NAMES}"),
        ("{drift: psi}", "binary", "gates[0] must have max, as in {drift: psi, max: 0.2}"),
        ("{drift: psi, max: 0}", "binary", "gates[0].max 0 must be above 0"),
        ("{drift: psi, max: .1, column: tenur}", "binary", "(did you mean 'tenure'?)"),
        ("{labels_changed: 5}", "binary", "gates[0].labels_changed 5 must lie in 0 to 1; 1 % is 0.01"),
        ("{leakage: some}", "binary", "gates[0].leakage 'some' is not known (known: none)"),
        ("{size_mb: 0}", "binary", "gates[0].size_mb 0 must be above 0"),
        ("{size_mb: 2, on: wran}", "binary", "gates[0].on 'wran' is not known (did you mean 'warn'?)"),
        ("{size_mb: 2}, {size_mb: 2}", "binary", "gates[1] is listed twice; delete one"),
        ("{metric: f1, min: .3}", "penguins", "f1 is a metric of binary problems; this is multi-class: f1_macro, f1_weighted, log_loss"),
        ("{metric: 'recall[Adely]', min: .3}", "penguins", "'Adely' is not one of data.classes (did you mean 'Adelie'?)"),
        ("{fairness: equal_opportunity, column: sex, max: .1}", "penguins", "needs the decisions of a binary problem; this is multi-class"),
        ("{metric: f1, min: .3}", "deliveries", "f1 is a metric of binary problems; this is regression: mae, rmse, r2, pinball, mape"),
        ("{metric: r2, min: 3}", "deliveries", "r2 is at most 1"),
        ("{metric: mae, max: -1}", "deliveries", "mae is never below 0"),
    ],
)
def test_a_gate_that_makes_no_sense_is_refused_in_one_line(gate: str, kind: str, words: str) -> None:
    with pytest.raises(params.ParamsError) as raised:
        _parse(gate, kind)
    message = str(raised.value)
    assert message.startswith("params.yaml: gates[")
    assert words in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("gate", "kind"),
    [
        ("{metric: recall, slice: first year, min: 0.5}", "binary"),
        ("{metric: log_loss, not_worse_than_champion: 1.5}", "binary"),
        ("{metric: 'recall[Gentoo]', slice: sex=missing, min: 0.5}", "penguins"),
        ("{metric: r2, min: -1}", "deliveries"),
        ("{metric: rmse, slices: each, not_worse_than_champion: 30, confidence: 0.9}", "deliveries"),
        ("{drift: psi, max: 0.1, column: time_to_delivery}", "deliveries"),
    ],
)
def test_a_gate_that_makes_sense_is_read(gate: str, kind: str) -> None:
    assert len(_parse(gate, kind).gates) == 1


def test_profit_may_be_any_number_where_money_is_configured() -> None:
    assert text(_parse("{metric: profit, min: -2.5}", "binary").gates[0]) == "profit ≥ -2.5"


@pytest.mark.parametrize("kind", ["binary", "penguins", "deliveries"])
def test_a_gate_may_name_every_slice_that_the_data_has(kind: str) -> None:
    chosen = params.load(DEFAULT) if kind == "binary" else params.parse(kinds.params_text(kind))
    path = DEFAULT.parent / chosen.data.path if kind == "binary" else kinds.DATA / f"{kind}.csv"
    present = [part.name for part in slices.parts(dataset.read(path, chosen), chosen)]
    assert len(present) > 3
    assert set(present) <= set(gate_check.slice_names(chosen))


def test_the_template_asks_for_what_its_comments_say() -> None:
    said = [text(gate) for gate in params.load(DEFAULT).gates]
    assert said[:4] == [
        "roc_auc ≥ 0.8",
        "roc_auc at most 0.01 below the champion",
        "roc_auc of each slice at most 0.02 below the champion",
        "recall of senior_citizen=1 ≥ 0.5",
    ]
    assert said[-1] == "drift of every column: psi ≤ 0.2"
    assert params.load(DEFAULT).gates[-1].on == "warn"


def test_a_text_tells_direction_confidence_and_place() -> None:
    said: Callable[..., str] = lambda **values: text(Gate(**values))  # noqa: E731
    assert said(metric="log_loss", not_worse_than_champion=0.01) == "log_loss at most 0.01 above the champion"
    assert said(metric="rmse", max=3, confidence=0.9, slice="day=Mon") == "rmse of day=Mon ≤ 3 with 90 % confidence"
    assert said(fairness="demographic_parity", column="sex", max=0.1) == "demographic_parity gap of sex ≤ 0.1"
    assert said(latency_p99="1.5x") == "p99 latency ≤ 1.5 times the champion's"
    assert said(labels_changed=0.005) == "changed labels ≤ 0.5 % of rows"
