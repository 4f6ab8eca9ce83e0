"""Gates, verdicts and the report."""

import msgspec
import pytest
from churn.params import Gate
from churn.review import Champion, Change, GateResult, Metric, Review
from churn.review.compare import judge_gate, verdict
from churn.review.judge import LIMIT, notes, render
from churn.review.post import describe

METRICS = [Metric("roc_auc", 0.84, 0.85), Metric("log_loss", 0.42, 0.40, higher_is_better=False), Metric("f1", float("nan"), 0.6)]


@pytest.mark.parametrize(
    ("gate", "champion", "outcome", "words"),
    [
        (Gate("roc_auc", min=0.80), True, "pass", "0.0400 to spare"),
        (Gate("roc_auc", min=0.84), True, "pass", "0.0000 to spare"),
        (Gate("roc_auc", min=0.85), True, "fail", "0.0100 short"),
        (Gate("log_loss", max=0.41), True, "fail", "0.0100 short"),
        (Gate("log_loss", max=0.43), True, "pass", "to spare"),
        (Gate("roc_auc", not_worse_than_champion=0.02), True, "pass", "0.8400 against 0.8500"),
        (Gate("roc_auc", not_worse_than_champion=0.005), True, "fail", "0.0050 short"),
        (Gate("log_loss", not_worse_than_champion=0.005), True, "fail", "0.0150 short"),
        (Gate("roc_auc", not_worse_than_champion=0.005), False, "not applied", "no champion yet"),
        (Gate("f1", min=0.1), True, "cannot be judged", "not computed"),
        (Gate("recall", min=0.1), True, "cannot be judged", "known metrics: roc_auc"),
    ],
)
def test_a_gate_ends(gate: Gate, champion: bool, outcome: str, words: str) -> None:
    result = judge_gate(gate, METRICS, champion)
    assert (result.outcome, words in result.detail) == (outcome, True), result


def _result(outcome: str) -> GateResult:
    return GateResult("roc_auc ≥ 0.8", "roc_auc", outcome, "detail")


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [([], "cannot judge"), (["pass"], "promote"), (["pass", "fail"], "hold"), (["fail", "cannot be judged"], "cannot judge"),
     (["pass", "not applied"], "promote"), (["not applied"], "cannot judge")],
)  # fmt: skip
def test_the_verdict_over_gates(outcomes: list[str], expected: str) -> None:
    said, reasons = verdict([_result(outcome) for outcome in outcomes])
    assert said == expected
    assert bool(reasons) == (said != "promote")


def test_a_main_without_gates_is_told_so() -> None:
    assert verdict([]) == ("cannot judge", ["params.yaml on main has no gates; add at least one under `gates:`"])


def _review(**values: object) -> Review:
    base = Review(
        verdict="hold", digest="sha256:" + "a" * 64, champion=Champion(3, "sha256:" + "b" * 64), rows=100, metrics=METRICS[:2],
        gates=[judge_gate(Gate("roc_auc", min=0.85), METRICS, True)], parameters=[Change("model.parameters.C", "1.0", "0.5")],
    )  # fmt: skip
    return msgspec.structs.replace(base, **values)


def test_the_report_says_which_gate_and_by_how_much() -> None:
    text = render(_review(reasons=["roc_auc ≥ 0.85: 0.8400, 0.0100 short"]))
    assert text.startswith("## ❌ Hold: the candidate misses 1 of 1 gates")
    assert "| roc_auc | 0.8400 | 0.8500 | −0.0100 | ❌ ≥ 0.85 |" in text
    assert "0.0100 short" in text
    assert "| `model.parameters.C` | `1.0` | `0.5` |" in text
    assert "sha256:" + "a" * 64 in text
    assert "production keeps version 3" in text


NASTY = ["`x` | y", "<script>alert(1)</script>", "@mona", "![](https://x.example/y.png)", "a\n\n# b", "{{ 7*7 }}", "[x](javascript:1)"]


@pytest.mark.parametrize("nasty", NASTY)
def test_what_a_pull_request_brought_stays_text(nasty: str) -> None:
    text = render(_review(parameters=[Change(nasty, nasty, None)], reasons=[nasty], verdict="cannot judge"))
    flat = " ".join(nasty.split()).replace("`", "'").replace("|", "¦")
    assert f"| `{flat}` | `{flat}` | – |" in text
    assert f"- `{flat}`" in text
    assert "49" not in text.replace("0.8449", "")


def test_a_long_report_fits_into_a_comment() -> None:
    many = [Change(f"columns.c{number}", "x" * 250, "y" * 250) for number in range(500)]
    text = render(_review(parameters=many))
    assert len(text) <= LIMIT
    assert text.rstrip().endswith("the summary of the review job has it._")


def test_the_status_line_fits_and_carries_the_whole_digest() -> None:
    digest = "sha256:" + "a" * 64
    assert describe(_review(verdict="promote")) == f"promote {digest}"
    assert len(describe(_review(reasons=["x" * 500]))) == 140


def test_files_that_need_a_second_look_are_named() -> None:
    said = notes([".github/workflows/train.yml", "dvc.lock", "src/churn/review/judge.py", "README.md"])
    assert "`.github/workflows/train.yml`, `src/churn/review/judge.py`" in said[0]
    assert "main's version" in said[0]
    assert "`dvc.lock`" in said[1]
    assert "make drop-promoted" in said[1]
    assert notes(["README.md", "params.yaml"]) == []
    assert len(notes(["models/production.yaml", "dvc.lock"])) == 1, "a revert of a rollback takes dvc.lock along"


def test_a_move_by_hand_is_not_called_unaffected() -> None:
    moved = Review(verdict="unaffected", moves_to=Champion(2, "sha256:" + "c" * 64))
    text = render(moved)
    assert text.startswith("## ↪️ Moves production to version 2, by hand\n")
    assert "production moves to version 2, `sha256:" + "c" * 64 in text
    assert "stays as it is" not in text
    assert render(Review(verdict="unaffected")).startswith("## ⚪ Not affected: no input of the pipeline changed")
