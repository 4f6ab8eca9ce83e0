"""When is a scenario worse? The gate for the template itself, and its report."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from scenarios import ScenarioError
from scenarios.__main__ import main
from scenarios.compare import Row, compare
from scenarios.judge import judge
from scenarios.measured import Measured, parse
from scenarios.picture import comment
from scenarios.settings import Tolerance, scenarios, tolerance

from ..conftest import ROOT
from .conftest import metrics

LIMITS = Tolerance(headline=0.01, processor_time=1.3, clock_time=2.0, serving=1.25)


def read(found: dict[str, Any]) -> Measured:
    return parse(json.dumps(found), "here")


def rows(here: dict[str, Any], main: dict[str, Any] | None = None) -> dict[str, Row]:
    return {row.subject: row for row in compare(read(here), read(metrics() if main is None else main), LIMITS).rows}


def stops(here: dict[str, Any]) -> list[str]:
    return [row.subject for row in compare(read(here), read(metrics()), LIMITS).worse]


def on_machine(found: dict[str, Any], factor: float) -> dict[str, Any]:
    """The same, measured on a machine that is so many times slower at everything."""
    if isinstance(found, dict):
        return {
            key: value * factor if key in ("median", "lowest", "highest") else on_machine(value, factor) for key, value in found.items()
        }
    return found


def test_what_is_as_on_main_is_the_same() -> None:
    found = rows(metrics())

    assert {row.judgement for row in found.values()} == {"same", "within"}
    assert found["roc_auc (headline)"].judgement == "same"


@pytest.mark.parametrize(
    ("headline", "judged"), [(0.8416, "within"), (0.8414, "worse"), (0.86, "better")], ids=["within", "beyond", "better"]
)
def test_a_headline_may_lose_a_share_of_main_s_value(headline: float, judged: str) -> None:
    assert rows(metrics(headline))["roc_auc (headline)"].judgement == judged


def test_a_headline_that_is_better_when_lower_is_worse_when_higher() -> None:
    error = {"headline": "log_loss", "quality": {"roc_auc": 0.85, "log_loss": 0.5}}
    main = metrics() | {"headline": "log_loss"}

    found = compare(read(metrics() | error), read(main), LIMITS)

    assert [row.subject for row in found.worse] == ["log_loss (headline)"]


def test_another_headline_is_for_a_person_to_compare() -> None:
    found = rows(metrics() | {"headline": "log_loss"})

    assert found["log_loss (headline)"].note == "main's headline is roc_auc; compare by hand"
    assert stops(metrics() | {"headline": "log_loss"}) == ["log_loss (headline)"]


def test_other_metrics_and_sizes_are_shown_and_stop_nothing() -> None:
    changed = metrics(files=300, lines=50_000, image_mb=120.5) | {"quality": {"roc_auc": 0.85, "log_loss": 0.9}}

    found = rows(changed)

    assert stops(changed) == []
    assert (found["log_loss"].judgement, found["generated lines"].here, found["image, MB"].here) == ("shown", "50,000", "120.5")
    assert found["image, MB"].main == "not measured"


def test_times_that_grow_beyond_the_noise_stop_and_faster_ones_do_not() -> None:
    assert stops(metrics(processor=12.9)) == []
    assert stops(metrics(processor=13.1)) == ["training, processor s", "whole rehearsal, processor s"]
    assert [name for name in stops(metrics(seconds=25)) if "processor" not in name] == stops(metrics(seconds=25))
    assert len(stops(metrics(seconds=25))) == 4
    assert rows(metrics(processor=5.0))["training, processor s"].judgement == "better"


def test_a_slower_machine_is_no_slower_template() -> None:
    slow = metrics() | {"times": on_machine(metrics()["times"], 7.0)}

    found = rows(slow)

    assert stops(slow) == []
    assert found["training, processor s"].here == "70.0\u00a0[63.0,\u00a077.0]"
    assert found["training, processor s"].factor == pytest.approx(1.0)


def test_times_beside_another_yardstick_are_not_comparable() -> None:
    text = json.dumps(metrics(processor=100.0)).replace("0123abcd", "4567cdef")

    found = compare(parse(text, "here"), read(metrics()), LIMITS)

    assert {row.judgement for row in found.rows if row.subject.endswith(" s")} == {"not comparable"}
    assert (found.worse, found.machine) == ([], None)


def test_a_request_that_costs_more_stops() -> None:
    assert stops(metrics(serving={"ratio": 2.6, "lowest": 2.5, "highest": 2.7})) == ["a request, in requests to an empty endpoint"]


def test_of_a_new_scenario_nothing_is_worse() -> None:
    found = compare(read(metrics(0.1)), None, LIMITS)

    assert {row.judgement for row in found.rows} == {"new"}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"digest": "sha256:x"}, "'sha256:x' is not of the form"),
        ({"quality": {"roc_auc": "NaN", "log_loss": 1}}, "roc_auc is 'NaN', not a number"),
        ({"quality": {"roc_auc": float("inf"), "log_loss": 1}}, "roc_auc is 'inf', not a number"),
        ({"quality": {"roc_auc": 0.8, "a:b": 1.0}}, "is not of the form"),
        ({"quality": {"roc_auc": 0.8, "[x](y)": 1.0}}, "'[x](y)' is not of the form"),
        ({"quality": {"log_loss": 1.0}}, "the headline 'roc_auc' is no metric"),
        ({"files": 0}, "files is 0.0, not above 0"),
        ({"times": {}}, "'train' is missing"),
        ({"serving": None}, "is not what `make references` writes"),
        ({"image_mb": True}, "image_mb is 'True', not a number"),
        ({"note": "x" * 100_000}, "a metrics.json has at most 100,000"),
    ],
)
def test_what_a_pull_request_brings_is_read_as_numbers_and_names(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ScenarioError) as error:
        read(metrics() | changed)
    assert message in str(error.value)


def test_the_report_has_every_scenario_also_those_that_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    params = {"scenarios": {name: {"answers": {}} for name in ("fine", "bad", "gone")}, "tolerance": vars(LIMITS)}
    Path("params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    for folder, name, found in (
        ("models", "fine", metrics()),
        ("measured", "fine", metrics(0.9)),
        ("measured", "bad", metrics() | {"digest": "`@all\n<b>"}),
    ):
        (tmp_path / folder / name).mkdir(parents=True)
        (tmp_path / folder / name / "metrics.json").write_text(json.dumps(found), encoding="utf-8")
    for words in (["init", "-q"], ["add", "."], ["-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qm", "x"]):
        subprocess.run(["git", *words], check=True)
    Path("params.yaml").write_text(yaml.safe_dump(params | {"tolerance": {}}), encoding="utf-8")  # looser, but not the commit's

    conclusion = judge(Path("measured"), "HEAD", Path("out"))

    text = Path("out/report.md").read_text(encoding="utf-8")
    assert (conclusion.passed, conclusion.line) == (False, "not measured: bad, gone")
    assert json.loads(Path("out/conclusion.json").read_bytes())["line"] == conclusion.line
    assert "gone was not measured: its pipeline did not come to an end" in text
    assert "**bad**: `bad/metrics.json is not what 'make references' writes: ''@all\\n<b>' is not of the form" in text
    assert "| ✅ **fine** | `roc_auc`<br>0.9000<br>+0.0500 |" in text and "| ❌ **bad** | – |" in text
    assert "`roc_auc` (headline) | 0.9000 | 0.8500 | +0.0500 | 0.0085 worse | ✅ better" in text
    done = CliRunner().invoke(main, ["report", "--measured", "measured", "--out", "out"])
    assert (done.exit_code, done.stdout) == (1, f"{text}\nout/report.md, out/conclusion.json: not measured: bad, gone\n")


def test_the_scenarios_of_this_repository_are_the_three_kinds_of_problem() -> None:
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")

    assert {name: dict(one.answers) for name, one in scenarios(text).items()} == {
        name: {"problem": name} for name in ("binary", "multi-class", "regression")
    }
    assert tolerance(text).headline < 0.01


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("scenarios: {a: {}}", "p.yaml: scenarios.a has no `answers`"),
        ("scenarios: {a: {answers: {python: 3.10}}}", "p.yaml: scenarios.a.answers.python is 3.1, not a text; put it in quotes"),
        ("scenarios: []", "p.yaml: `scenarios` must be a mapping"),
        ("{", "p.yaml: `scenarios` cannot be read"),
    ],
)
def test_what_is_wrong_in_the_parameters_is_named(text: str, message: str) -> None:
    with pytest.raises(ScenarioError) as error:
        scenarios(text, "p.yaml")
    assert message in str(error.value)
    with pytest.raises(ScenarioError, match=r"p.yaml: tolerance.clock_time is True; it must be a number"):
        tolerance("tolerance: {headline: 1, processor_time: 1.5, clock_time: true}", "p.yaml")


def test_the_picture_in_the_readme_is_of_measurements_that_can_be_read() -> None:
    text = comment()

    assert text.startswith("## ✅ Scenarios: none of ")
    assert "| ✅ **binary** | `roc_auc`<br>0.8508" in text
