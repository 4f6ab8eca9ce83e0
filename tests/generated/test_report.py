"""The comment and the job summary: what they say must be what review.json says, whatever a pull request brings."""

import json
import re
import subprocess
import sys

import pytest
from churn import markdown, mermaid
from churn.mermaid import Series
from churn.review import Champion, Change, Chart, Confusion, Estimate, GateResult, Importance, Metric, Override, Review, Slice
from churn.review.report.render import LIMIT, SUMMARY_LIMIT, render, summary
from report_kit import DIGEST, OTHER, REASON, metric, monster, review, rows, section


def test_1_the_verdict_is_the_first_line_with_number_and_interval() -> None:
    first = render(review()).splitlines()[0]
    assert first == "## ✅ Promote: ROC AUC 0.8523 [0.8323, 0.8723], +0.0041 [−0.0009, +0.0091] against version 3"
    held = render(review(verdict="hold", reasons=[f"{REASON}; bring rows", "another"])).splitlines()[0]
    assert held == f"## ❌ Hold: {REASON}, and 1 more reason"
    assert render(review(verdict="cannot judge", reasons=["the store is down"])).startswith("## ⚠️ Cannot judge: the store is down\n")


@pytest.mark.parametrize(
    ("gate", "subject", "outcome", "detail", "said"),
    [
        ("f1_macro ≥ 0.9", "f1_macro", "fail", "0.8069; 0.0931 short", "macro F1 must be at least 0.9, but is 0.8069"),
        ("recall[Chin_strap] ≥ 0.7", "recall[Chin_strap]", "fail", "0.5; 0.2 short",
         "recall of `Chin_strap` must be at least 0.7, but is 0.5"),
        ("log_loss at most 0.05 above the champion", "log_loss", "fail",
         "0.3221 against 0.0558, difference +0.2663 [+0.1460, +0.4113]; 0.3613 short; it is worse beyond chance",
         "log loss must be at most 0.05 above the champion, but is 0.3221 against 0.0558"),
        ("roc_auc at most 0.01 below the champion", "roc_auc", "fail",
         "0.84 against 0.845, difference −0.005 [−0.03, +0.02]; 0.02 short; 60 test rows are too few to rule out a loss of more than 0.01: "
         "about 900 would do",
         "ROC AUC must be at most 0.01 below the champion: 60 test rows are too few to rule out a loss of more than 0.01"),
        ("recall of a=1 ≥ 0.6", "recall", "cannot be judged", "only 12 test rows are in a=1",
         "recall of a=1 must be at least 0.6: only 12 test rows are in a=1"),
        ("equal_opportunity gap of sex ≤ 0.1", "equal_opportunity", "fail", "0.2000; 0.1000 short",
         "equal opportunity gap of sex must be at most 0.1, but is 0.2000"),
        ("changed labels ≤ 1 % of rows", "labels_changed", "fail", "90 of 900 rows in both have another label (10 %)",
         "changed labels must be at most 1 % of rows: 90 of 900 rows in both have another label (10 %)"),
        ("no leakage alarm", "leakage", "fail", "2 ids are shared", "there must be no leakage alarm: 2 ids are shared"),
    ],
)  # fmt: skip
def test_1_a_gate_that_stops_is_told_to_whoever_does_not_know_it(gate: str, subject: str, outcome: str, detail: str, said: str) -> None:
    made = render(review(verdict="hold", reasons=[f"{gate}: {detail}"], gates=[GateResult(gate, subject, outcome, detail)]))
    assert made.splitlines()[0] == f"## ❌ Hold: {said}"
    assert f"- **{markdown.words(gate)}:** {detail}\n" in made


@pytest.mark.parametrize(
    ("candidate", "higher", "words"),
    [(0.87, True, "**The candidate is better**"), (0.83, True, "**The candidate is worse**"), (0.851, True, "**No difference is shown**"),
     (0.83, False, "**The candidate is better**"), (0.87, False, "**The candidate is worse**")],
)  # fmt: skip
def test_1_whether_it_is_better_is_said_in_words(candidate: float, higher: bool, words: str) -> None:
    assert words in render(review(metrics=[metric("roc_auc", candidate, 0.85, higher=higher)]))


def test_2_what_a_merge_does() -> None:
    made = render(review())
    assert "this very bundle becomes version 4: it is stored, written into `models/staging.yaml` and `models/production.yaml`" in made
    assert "Changed files need the approval of `@mona`." in made
    assert f"**Digest of the candidate** `{DIGEST}`" in made
    assert f"**Digest of the champion** `{OTHER}`" in made
    held = render(review(verdict="hold", reasons=[REASON]))
    assert "**If you merge:** nothing is promoted; production keeps version 3." in held
    assert f"What must change first:\n\n- {REASON}\n" in held
    assert "the very bundle that production runs" in render(review(champion=Champion(3, DIGEST)))
    assert "main trains the same inputs again" in render(review(fork=True))


def test_2_an_override_is_loud() -> None:
    made = render(review(override=Override("mona", "the fair starts tomorrow", "hold")))
    assert made.startswith("## ✅ Promote against the gates: ROC AUC")
    assert "> [!CAUTION]\n> **The gates are overridden** by `mona`. They said: **hold**.\n> Reason given: the fair starts tomorrow" in made


def test_3_gates_what_stops_first() -> None:
    failing = GateResult("size ≤ 1 MB", "size_mb", "fail", "2.5 MB, 1.5 over")
    found = rows(section(render(review(gates=[*review().gates, failing])), "Gates"))[2:]
    assert [row[0][0] for row in found] == ["❌", "🟡", "✅", "✅"]
    assert found[0] == ["❌ size ≤ 1 MB", "2.5 MB, 1.5 over"]
    assert found[3][1] == "0.0049 to spare (holds 4 % of equally good models)"
    assert "✅ passes, ❌ stops the candidate, 🟡 warns and does not stop.\n" in render(review(gates=[*review().gates, failing]))
    assert "✅ passes" not in render(review(gates=review().gates[:2])), "marks that all mean the same need no words"


def test_4_metrics_and_arrows_that_respect_direction() -> None:
    found = {row[0]: row[1:] for row in rows(section(render(review()), "Metrics").split("<details>")[0])}
    assert found["ROC AUC"] == ["0.8482 → 0.8523", "≈ +0.0041 [−0.0009, +0.0091]"]
    assert found["log loss ↓"] == ["0.4200 → 0.4100", "**▲ −0.0100** [−0.0150, −0.0050]"]
    assert found["F1"] == ["0.6200 → 0.6000", "**▼ −0.0200** [−0.0250, −0.0150]"]
    assert "on the same 1,409 test rows" in render(review())


def test_4_without_a_champion_nothing_is_compared() -> None:
    alone = Metric("roc_auc", Estimate(0.85, 0.83, 0.87))
    made = render(review(champion=None, champion_speed=None, metrics=[alone]))
    assert made.startswith("## ✅ Promote: ROC AUC 0.8500 [0.8300, 0.8700]\n")
    assert "There is no champion yet, so only absolute gates apply." in made
    assert ["ROC AUC", "0.8500", "[0.8300, 0.8700]"] in rows(section(made, "Metrics"))
    assert "Δ" not in made
    lone = Slice(name="a=1", column="a", rows=200, judged=True, metric=alone)
    parts = rows(section(render(review(champion=None, metrics=[alone], slices=[lone], fairness=review().fairness)), "Slices"))
    assert ["`a=1` 200 rows", "0.8500", "[0.8300, 0.8700]"] in parts
    assert ["`senior` equal opportunity", "0.115 [0.045, 0.185]"] in parts
    unscored = render(review(champion_problem="the champion needs the column x", metrics=[alone]))
    assert "**No comparison**: the champion needs the column x." in unscored
    assert "The candidate was scored through onnxruntime on 1,409 test rows" in unscored


def test_4_history_in_the_order_of_versions() -> None:
    assert "**ROC AUC over the last promotions** `▁·▇` version 1 0.8401, version 2 –, version 3 0.8482" in render(review())


def test_5_each_chart_has_its_table() -> None:
    found = section(render(review()), "Curves")
    assert found.count("```mermaid") == 1
    colours = re.findall(r"#[0-9a-f]{6}", found)
    lines = re.findall(r"line (\[.*\])", found)
    assert dict(zip(colours, lines, strict=True)) == {"#8b949e": "[0, 0.5, 1]", "#f97316": "[0, 0.9, 1]", "#3b82f6": "[0, 0.91, 1]"}
    assert lines[-1] == "[0, 0.91, 1]", "drawn last is on top: the candidate"
    assert "🟦 candidate · 🟧 champion · ⬜ (grey) chance" in found
    assert ["0.5", "0.910", "0.900", "0.500"] in rows(found)
    assert ["`tenure`", "0.0812 ± 0.0061", "`██████████`"] in rows(found)
    assert ["`contract`", "0.0406 ± 0.0048", "`█████░░░░░`"] in rows(found)


def test_5_a_missing_point_is_left_out_of_the_picture_only() -> None:
    chart = Chart(
        "calibration", "C", "p", "share", ["a", "b", "c"], [Series("candidate", [0.1, None, 0.9]), Series("champion", [None] * 3)]
    )
    drawn = mermaid.draw(chart)
    assert 'x-axis "p" ["a", "c"]' in drawn
    assert drawn.count("line [") == 1
    assert ["b", "–"] in rows(section(render(review(charts=[chart])), "Curves"))
    assert mermaid.draw(Chart("roc", "R", "x", "y", ["a", "b"], [Series("candidate", [0.5, None])])) == ""


def test_5_confusion_of_few_and_of_many_classes() -> None:
    few = Confusion(["Adelie", "Gentoo"], [[71, 2], [0, 60]])
    found = rows(section(render(review(problem="multi-class", confusion=few)), "Confusion"))
    assert found[0] == ["actual ↓ predicted →", "`Adelie`", "`Gentoo`"]
    assert found[2] == ["`Adelie`", "**71** (97 %) █", "2 (3 %) ░"]
    assert found[3] == ["`Gentoo`", "·", "**60** (100 %) █"]
    many = Confusion([f"c{i}" for i in range(40)], [[90 if i == j else i if j == i - 1 else 0 for j in range(40)] for i in range(40)])
    in_comment = section(render(review(problem="multi-class", confusion=many)), "Confusion")
    assert rows(in_comment)[2][:3] == ["`c39`", "`c38`", "39"], "the pairs that are mixed up most"
    assert "27 more in the summary of the review job." in in_comment
    assert "`c39` | " in summary(review(problem="multi-class", confusion=many))


def test_6_slices_protected_and_worst_first_few_rows_not_judged() -> None:
    found = rows(section(render(review()), "Slices"))
    names = [row[0].rsplit(" ", 2)[0] for row in found if row[0].startswith("`")]
    assert names[:4] == ["`senior=1`", "`senior=0`", "`first year`", "`contract=One year`"]
    assert ["`senior=1` 229 rows", "0.7900", "≈ −0.0100 [−0.0300, +0.0100]"] in found
    assert ["`first year` 400 rows", "0.8000", "**▲ +0.1000** [+0.0800, +0.1200]"] in found
    assert ["`contract=One year` 40 rows", "0.7700", "too few rows"] in found
    assert ["`senior=1`", "0.7900 [0.7700, 0.8100]", "0.720", "59.4 %", "81.7 %"] in found
    assert ["`senior` equal opportunity", "0.115 [0.045, 0.185]", "0.109 [0.040, 0.180]"] in found


def test_7_what_changed() -> None:
    made = render(review())
    found = section(made, "What changed")
    assert ["`model.parameters.C`", "`1.0` → `0.5`"] in rows(found)
    assert ["`numpy`", "`2.4.0` → `2.4.1`"] in rows(found)
    assert "**Features removed**, categorical: `tv`.\n" in found
    others = render(review(features=[Change("a", None, "numeric"), Change("b", None, "numeric"), Change("c", "numeric", "categorical")]))
    assert "**Features added**, numeric: `a`, `b`.\n" in others
    assert "**Feature changed:** `c` from numeric to categorical.\n" in others
    assert "7,043 → 7,103 rows: 60 added, 7 removed, 12 changed; 3 labels changed." in found
    assert "**2 of main's test rows were changed or removed.**" in found
    assert "Positive rows: 26.5 % → 26.7 %." in found
    assert "Columns added: `new`." in found
    assert "- `charges`: new `Gift card`" in found
    assert ["`charges` ⚠️", "0.231", "0.142", "< 0.001", "0.0 % → 2.1 %"] in rows(found)
    assert "> **Leakage, telling feature:** the column leak alone reaches an AUC of 0.999" in made
    same = section(render(review(parameters=[], features=[], dependencies=[], data=None, alarms=[])), "What changed")
    assert "No parameter and no feature and no library differs from main." in same
    assert "The data is main's." in same
    assert "No sign of leakage" in same


def test_8_cost() -> None:
    found = section(render(review()), "Cost")
    assert "1 of 2 stages ran, 1 restored from the store: 9.2 s on `ubuntu-24.04`." in found
    assert "Largest difference between scikit-learn and ONNX: 2.1e−07." in found
    assert ["99th percentile, calibration loops", "1.31", "1.26"] in rows(found)
    assert ["`train`", "run", "2.2"] in rows(found)


def test_9_how_to_get_it_at_home() -> None:
    assert "$ gh run download 1843 -n candidate -D candidate-12\n" in section(render(review()), "Get this model")
    assert "It is in `models/bundle`." in section(render(review(run_id=None, pull_request=None)), "Get this model")


def test_what_was_not_judged_stays_short() -> None:
    moved = render(Review(verdict="unaffected", moves_to=Champion(2, OTHER)))
    assert moved.startswith("## ↪️ Moves production to version 2, by hand\n")
    assert f"production moves to version 2, `{OTHER}`" in moved
    assert "stays as it is" not in moved
    quiet = render(Review(verdict="unaffected"))
    assert quiet.startswith("## ⚪ Not affected: no input of the pipeline changed, the model stays as it is\n")
    outdated = render(Review(verdict="outdated", reasons=["a newer commit was pushed"]))
    failed = render(Review(verdict="cannot judge", reasons=["the train workflow failed: its log says why"], champion=Champion(3, OTHER)))
    assert failed.startswith("## ⚠️ Cannot judge: the train workflow failed: its log says why\n")
    assert "production keeps version 3" in failed
    assert not any("###" in made or len(made) > 600 for made in (moved, quiet, outdated, failed))


NASTY = ["`x` | y", "<script>alert(1)</script>", "@mona", "![](https://x.example/y.png)", "a\n\n# b", "{{ 7*7 }}", "[x](javascript:1)",
         "www.x.example", "fixes #1", "GH-1", "1. one", "- one", "*a\u202eb*", "</details>",
         "---", "a_b_ _c_", "```", "[^1]: x", ":tada:"]  # fmt: skip


@pytest.mark.parametrize("nasty", NASTY)
def test_what_a_pull_request_brought_stays_text(nasty: str) -> None:
    made = render(review(verdict="hold", parameters=[Change(nasty, nasty, None)], reasons=["x", nasty]))
    flat = " ".join(nasty.replace("\u202e", "").split()).replace("`", "'").replace("|", "¦")
    assert f"| `{flat}` | `{flat}` → – |" in made
    said = made.split("What must change first:\n\n")[1].split("\n\n")[0].splitlines()
    assert len(said) == 2
    if "`" not in nasty:
        assert said[1] == f"- `{flat}`"


@pytest.mark.parametrize(
    "sentence",
    ["recall of senior=1 ≥ 0.6: 0.5512, 0.0488 short", "difference −0.0019 [−0.0121, +0.0083]", "1,398 test rows are too few (p < 0.001)",
     "changes `a/b.yml`, which makes the candidate"],
)  # fmt: skip
def test_harmless_sentences_are_left_as_prose(sentence: str) -> None:
    assert markdown.words(sentence) == sentence


def test_the_worst_report_fits_and_says_what_is_missing() -> None:
    made = render(monster())
    assert 5_000 < len(made.encode("utf-16-le")) // 2 <= LIMIT
    whole = summary(monster())
    assert len(made) < len(whole)
    assert len(whole.encode()) <= SUMMARY_LIMIT
    assert re.search(r"\n_\d[\d,]* more in the summary of the review job\._\n", made)
    assert made.rstrip().endswith("Once it is promoted: `make pull`."), "no section is lost"
    for one in (made, whole):
        assert one.count("<details") == one.count("</details>\n") + one.count("</details>`") - one.count("</details>`") > 0
        assert one.count("\n```") % 2 == 0


def test_a_summary_leaves_nothing_out_that_a_comment_cuts() -> None:
    many = review(importance=[Importance(f"column {i}", 1 / (1 + i), 0.1) for i in range(300)])
    assert "column 299" not in render(many)
    assert "column 299" in summary(many)
    assert "288 more in the summary of the review job." in render(many)


def test_nothing_foreign_gets_into_mermaid() -> None:
    block = mermaid.draw(monster().charts[0])
    assert not re.search(r"[<>&`|@#;{}\[\]](?!--)", re.sub(r"\[[^\]]*\]|-->|\"#[0-9a-f, #]+\"|```(mermaid)?", "", block))
    (labels,) = re.findall(r"\[(\".*\")\]", block)
    assert len(set(labels.split(", "))) == 21, "labels that are alike would be drawn as one"
    assert block.count("  line [") == 3


def test_values_that_are_no_numbers_are_dashes() -> None:
    nan = float("nan")
    made = render(
        review(metrics=[Metric("roc_auc", Estimate(nan), Estimate(None), Estimate(nan, nan, nan))], importance=[Importance("x", nan, nan)])
    )
    assert "nan" not in made.lower()


def test_report_and_card_need_no_heavy_library() -> None:
    script = "import sys, churn.review.report.render, churn.review.report.card; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", f"import json; {script}"], check=True, capture_output=True, text=True)
    assert not {"numpy", "pandas", "sklearn", "onnxruntime"} & {name.partition(".")[0] for name in json.loads(done.stdout)}
