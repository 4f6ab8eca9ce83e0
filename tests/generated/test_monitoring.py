"""What is found in production: drift that was planted and none that was not, live metrics with intervals, one line for what is wrong."""

import csv
import json
import re
import struct
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from churn import ProblemError, params
from churn.monitoring import MonitorError, Report, picture, recent, report
from churn.monitoring.histogram import histogram
from churn.monitoring.look import look
from monitor_kit import DAY, NOW, PARAMS, Row, Scene, came_true, data, lines, people, write_log

Commit = Callable[..., str]


@pytest.fixture
def scene(commit: Commit, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Scene:
    return Scene(commit, monkeypatch, tmp_path)


def looked(scene: Scene, **monitoring: object) -> Report:
    return look(scene.now, scene.params(**monitoring), clock=NOW)


def drifted(found: Report) -> set[str]:
    return {column.name for column in found.columns if column.drifted}


def test_rows_as_in_training_are_fine(scene: Scene) -> None:
    for seed in range(1, 6):
        write_log(Path("log") / str(seed), lines(people(3000, seed), scene.digest))
        found = looked(scene, log=f"log/{seed}")
        assert (found.state, found.findings, drifted(found)) == ("fine", [], set())
    assert found.rows == 3000
    assert {column.name for column in found.columns} == {"age", "fee", "plan", "predictions"}


def test_planted_drift_is_found_in_its_columns_alone(scene: Scene) -> None:
    write_log(Path("log"), lines(people(3000, 1, no_fee=0.5), scene.digest))
    found = looked(scene)
    assert found.state == "drifted"
    assert "fee" in drifted(found)
    assert not {"age", "plan"} & drifted(found)
    assert found.columns[0].name in drifted(found), "drifted ones stand first"
    assert any(one.startswith("`fee` drifted: PSI ") and "missing in " in one for one in found.findings)


def test_a_small_difference_among_many_rows_is_none(scene: Scene) -> None:
    write_log(Path("log"), lines(people(30_000, 1, plus=0.33), scene.digest))
    assert looked(scene).state == "fine"


def test_predictions_that_move_are_told(scene: Scene) -> None:
    write_log(Path("log"), lines(people(3000, 1, plus=0.9), scene.digest))
    assert {"plan", "predictions"} <= drifted(looked(scene))


def test_it_says_since_when(scene: Scene) -> None:
    old, new = lines(people(4000, 1), scene.digest, days=4), lines(people(2000, 2, youngest=60), scene.digest, days=1)
    write_log(Path("log"), [line for line in old if line.time < NOW - DAY] + new)
    found = looked(scene)
    age = next(column for column in found.columns if column.name == "age")
    assert age.since is not None
    assert abs(age.since - (NOW - DAY)) < 0.5 * DAY
    assert ", since about 2023-11-1" in found.findings[0]


def test_a_drift_that_is_older_than_the_log_is_told_as_such(scene: Scene) -> None:
    write_log(Path("log"), lines(people(2000, 1, youngest=60), scene.digest))
    assert looked(scene).findings[0].endswith(", since before 2023-11-13 22:13 UTC, the first row")


def test_only_rows_of_the_promoted_model_and_of_these_days_count(scene: Scene) -> None:
    write_log(Path("log"), lines(people(2000, 1), scene.digest, days=10))
    write_log(Path("log"), lines(people(2000, 1, youngest=60), "sha256:" + "0" * 64))
    found = looked(scene, days=5)
    assert found.state == "fine"
    assert found.rows == 1000
    assert found.begin >= NOW - 5 * DAY


def test_under_300_rows_nothing_is_said(scene: Scene) -> None:
    write_log(Path("log"), lines(people(299, 1, youngest=60), scene.digest))
    found = looked(scene)
    assert (found.state, found.rows, found.columns) == ("cannot tell", 299, [])
    assert found.notes == ["299 rows of the last 7 days are too few: 300 are needed"]


def labels(rows: list[Row], path: Path, better: bool = True, **more: str) -> None:
    rng = np.random.default_rng(5)
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["request_id", "left", *more])
        for place, row in enumerate(rows):
            true = came_true(row, rng) if better else rng.choice(["No", "Yes"])
            writer.writerow([f"r{place // 10}.{place % 10}", true, *(row[name] for name in more)])


def test_labels_give_live_metrics_with_intervals(scene: Scene) -> None:
    rows = people(3000, 1)
    write_log(Path("log"), lines(rows, scene.digest, hidden=("plan",)))
    labels(rows[:2000], Path("labels.csv"), plan="")
    found = looked(scene, labels="labels.csv")
    assert found.state == "fine"
    assert found.not_logged == ["plan"], "protected columns are not in the log"
    live = found.live
    assert (live.rows, live.unmatched) == (2000, 0)
    auc = next(metric for metric in live.metrics if metric.name == "roc_auc").candidate
    assert 0.6 < auc.low < auc.value < auc.high < 0.85
    assert {part.name for part in live.slices} == {"plan=basic", "plan=plus", "young"}, "the labels' file brings the column plan"
    assert [(gap.column, gap.measure) for gap in live.gaps] == [("plan", "equal_opportunity"), ("plan", "demographic_parity")]
    assert all(gap.gap.low <= gap.gap.value <= gap.gap.high for gap in live.gaps)
    assert live.calibration is not None


def test_a_model_that_has_become_bad_is_a_finding(scene: Scene) -> None:
    rows = people(3000, 1)
    write_log(Path("log"), lines(rows, scene.digest))
    labels(rows, Path("labels.csv"), better=False)
    found = looked(scene, labels="labels.csv")
    assert found.state == "drifted"
    assert [one.split(" is ")[0] for one in found.findings] == ["roc_auc"]
    assert "was 0.6600 at the promotion: worse by more than 0.05" in found.findings[0]
    assert looked(scene, labels="labels.csv", fall=0.3).state == "fine"


def test_labels_of_other_rows_are_counted_and_wrong_ones_refused(scene: Scene) -> None:
    write_log(Path("log"), lines(people(500, 1), scene.digest))
    Path("labels").mkdir()
    Path("labels/a.csv").write_text("request_id,left\nnobody.1,Yes\nr0.0,No\n")
    Path("labels/b.csv").write_text("request_id,left\nr0.0,Yes\n")
    assert (looked(scene, labels="labels").live.rows, looked(scene, labels="labels").live.unmatched) == (1, 1)
    Path("labels/b.csv").write_text("request_id,left\nr0.0,perhaps\n")
    with pytest.raises(
        MonitorError, match=r"^monitoring\.labels: r0\.0 has the left 'perhaps', none of \['No', 'Yes'\]; correct the labels$"
    ):
        looked(scene, labels="labels")
    Path("labels/b.csv").write_text("id,left\n")
    with pytest.raises(MonitorError, match=r"labels/b\.csv: has no column 'request_id'; labels need"):
        looked(scene, labels="labels")


@pytest.mark.parametrize(
    ("monitoring", "message"),
    [
        (
            {"log": "nowhere"},
            r"^monitoring\.log nowhere cannot be read: there is no such folder; .*correct monitoring\.log in params\.yaml",
        ),
        ({"log": "empty"}, r"^empty holds no file of a prediction log: monitoring\.log must name what the server is given as --log$"),
        ({"log": "s3://b/log"}, r"^monitoring\.log s3://b/log cannot be read: .*; lock its library with `make lock`"),
        ({"labels": "nowhere.csv"}, r"^monitoring\.labels nowhere\.csv cannot be read: there is no such file or folder; .*"),
        ({"labels": "empty"}, r"^empty holds no labels yet\.$"),
        ({"labels": "few.csv"}, r"^1 labelled rows are too few to judge by: 100 are needed \(review\.min_n\)\.$"),
    ],
)
def test_what_is_not_there_is_one_line(scene: Scene, monitoring: dict[str, str], message: str) -> None:
    write_log(Path("log"), lines(people(400, 1), scene.digest))
    Path("empty").mkdir()
    Path("few.csv").write_text("request_id,left\nr0.0,No\n")
    try:
        said = looked(scene, **monitoring).notes[-1]
    except ProblemError as error:
        said = str(error)
    assert "\n" not in said
    assert re.search(message, said), said


def test_rows_of_other_versions_are_told_where_ours_are_too_few(scene: Scene) -> None:
    write_log(Path("log"), lines(people(400, 1), "sha256:" + "0" * 64))
    assert looked(scene).notes == ["0 rows of the last 7 days are too few: 300 are needed (400 rows are of other versions)"]


def test_other_data_than_the_model_was_made_of_is_refused(scene: Scene, commit: Commit) -> None:
    write_log(Path("log"), lines(people(400, 1), scene.digest))
    Path("data/toy.csv").write_text(data(people(1000, 9)))
    assert looked(scene).state == "fine", "the rows are those of the commit that made the model"
    other = msgspec.structs.replace(scene.now, commit=commit("newer data"))
    with pytest.raises(MonitorError, match=r"^data/toy\.csv: has other content here, and version 1 was made of the rows sha256:"):
        look(other, scene.params(), clock=NOW)


def test_the_newest_rows_are_taken_of_too_many(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "MOST_ROWS", 500)
    write_log(Path("log"), lines(people(2000, 1), scene.digest))
    found = looked(scene)
    assert found.rows == 500
    assert found.begin > NOW - 0.3 * DAY
    assert found.notes == ["The log has more rows; these are the newest 500."]


def test_the_report_says_it_in_markdown_and_json(scene: Scene) -> None:
    write_log(Path("log"), lines(people(2000, 1, youngest=60), scene.digest))
    found = looked(scene)
    text = report.write(found)
    assert text.startswith("## ⚠️ Production has drifted: `toy` version 1\n")
    assert "| ⚠️ `age` | " in text
    assert text.count("```mermaid") == len(drifted(found))
    assert '"share of rows" 0 --> ' in text
    labels = json.loads("[" + re.search(r'x-axis "value" \[(.*)\]', text)[1] + "]")
    assert max(map(len, labels)) <= 6, "ten of them fit below a chart"
    assert Path("reports/monitor.md").read_text() == text
    assert json.loads(Path("reports/monitor.json").read_text())["state"] == "drifted"


def test_the_report_is_a_picture_as_well_and_goes_with_the_drift(scene: Scene) -> None:
    write_log(Path("log"), lines(people(2000, 1, youngest=60), scene.digest))
    found = looked(scene)
    odd = [msgspec.structs.replace(column, name="$\\frac{_^ \u2028" + "x" * 300) for column in found.columns]
    for report_of in (found, msgspec.structs.replace(found, columns=odd * 5)):
        path = picture.draw(report_of)
        assert path.read_bytes().startswith(b"\x89PNG\r\n")
        width, height = struct.unpack(">II", path.read_bytes()[16:24])
        assert width < 1200
        assert 300 < height < 2200, "at most six columns"
    assert picture.draw(msgspec.structs.replace(found, columns=[])) is None
    assert not path.exists()


def test_a_report_of_very_many_columns_still_fits_into_an_issue(scene: Scene) -> None:
    write_log(Path("log"), lines(people(2000, 1, youngest=60), scene.digest))
    found = looked(scene)
    worst = [msgspec.structs.replace(column, name="x" * 300) for column in found.columns]
    many = msgspec.structs.replace(found, columns=worst * 100)
    assert len(report.render(many)) <= report.LIMIT
    assert "more columns are in `reports/monitor.json`" in report.render(many)


def test_histograms_show_every_row_once() -> None:
    then, now = np.array([1.0, 2, 3, np.nan] * 100), np.array([2.0, 3, 4, 5] * 50)
    titles, before, after = histogram(then, now, "number")
    assert titles[-1] == "missing"
    assert (before.sum(), after.sum()) == pytest.approx((1, 1))
    assert (before[-1], after[-1]) == (0.25, 0)
    texts = np.array([f"c{place}" for place in range(30)] * 10, dtype=object)
    titles, before, after = histogram(texts, texts[:30], "category")
    assert titles[-1] == "others"
    assert (before.sum(), after.sum()) == pytest.approx((1, 1))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"days": 0}, r"monitoring\.days 0 must be above 0 and at most 366"),
        ({"fall": -1}, r"monitoring\.fall -1 must be a finite number"),
        ({"log": " x"}, r"monitoring\.log ' x' must be a path or a URL"),
        ({"log": None, "labels": "l.csv"}, r"monitoring\.labels is set and monitoring\.log is not"),
        ({"lok": "x"}, r"monitoring\.lok is not a known key \(did you mean 'log'\?\)"),
        ({"retrain": "yes"}, r"monitoring\.retrain must be true or false, not 'yes'"),
    ],
)
def test_parameters_that_cannot_work_are_one_line(changed: Row, message: str) -> None:
    text = json.dumps(PARAMS | {"monitoring": PARAMS["monitoring"] | changed})
    with pytest.raises(params.ParamsError, match=message):
        params.parse(text)
