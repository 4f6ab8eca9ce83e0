"""The server's page in a real Chromium, for a model that the product promoted: it shows what is so, its form gives what /predict gives."""

import csv
import json
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from rehearse.pictures.page import send, visit

from ..faults.kit import Case, Scene

TOKEN = "a-token-of-the-test"
CHANGED = {"tenure": 30, "monthly_charges": 99.5, "total_charges": None, "contract": "Two year", "payment_method": "Mailed check"}
WRONG = {"tenure": -1, "monthly_charges": ""}


@pytest.fixture(scope="module")
def promoted(scene: Scene) -> Case:
    """Version 2 in production, with its card and metrics on main."""
    return scene.promoted


@contextmanager
def serving(case: Case, folder: Path, **environment: str) -> Iterator[str]:
    """The address of the repository's own server, which follows its main, once it serves version 2."""
    folder.mkdir()
    options = ["--follow", str(case.repository.git_dir), "--port", "0", "--cache", str(folder / "cache")]
    command = [str(case.scene.python), "-m", "churn.serving", *options]
    log = folder / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen(command, cwd=folder, env=case.scene.env(case.repository) | environment, stderr=stream)
    try:
        yield _ready(log, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _ready(log: Path, process: "subprocess.Popen[bytes]") -> str:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        if found := re.search(r"listening on (http://127\.0\.0\.1:\d+)", log.read_text()):
            try:
                ready = json.loads(ask(f"{found[1]}/health/ready"))
                if (ready["version"], ready["degraded"]) == (2, None):
                    return f"{found[1]}/"
            except urllib.error.HTTPError:
                pass
        time.sleep(0.1)
    raise AssertionError(log.read_text())


def ask(address: str, record: dict[str, Any] | None = None) -> bytes:
    data = None if record is None else json.dumps(record).encode()
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(urllib.request.Request(address, data), timeout=10) as answer:
        return answer.read()


@pytest.fixture(scope="module")
def address(promoted: Case, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(promoted, tmp_path_factory.mktemp("page") / "open") as made:
        yield made


@pytest.fixture(scope="module")
def seen(address: str, chromium: str) -> dict[str, Any]:
    """A visit: the form sent as it stands, then changed, then with mistakes."""
    (found,) = visit(chromium, [{"address": address, "records": [{}, CHANGED, WRONG]}])
    return found


def test_the_page_shows_what_was_promoted(promoted: Case, seen: dict[str, Any]) -> None:
    pointer = promoted.pointer()
    assert pointer is not None
    assert (seen["heading"], seen["state"], seen["title"]) == ("churn", "version 2, serving", "churn, version 2")
    assert (seen["facts"]["Version"], seen["facts"]["Digest"]) == ("2", pointer["digest"])
    assert seen["metrics"]["ROC AUC"] == f"{pointer['metrics']['roc_auc']:.4f}".rstrip("0")
    assert len(seen["metrics"]) == len(pointer["metrics"])
    assert seen["card"].startswith("Model card: churn\n")
    assert pointer["digest"] in seen["card"]
    assert "|" not in seen["card"], "its tables are tables"


def test_the_form_gives_the_answers_of_predict(address: str, seen: dict[str, Any]) -> None:
    examples = json.loads(ask(f"{address}page/about"))["examples"]
    example = next(one for one in examples if None not in one.values())
    told = seen["answers"][:2]
    for answer, record in zip(told, (example, example | CHANGED), strict=True):
        wanted = json.loads(ask(f"{address}predict", record))
        (one,) = wanted["predictions"]
        assert (answer["told"], answer["digest"]) == (one["prediction"], wanted["digest"])
        assert answer["chances"] == {"probability of Yes": f"{one['probability']:.4f}"}
        assert (answer["error"], answer["fields"]) == (None, {})
    assert told[0]["chances"] != told[1]["chances"]


def test_mistakes_are_told_at_their_fields(seen: dict[str, Any]) -> None:
    wrong = seen["answers"][2]
    assert wrong["told"] is None
    assert wrong["fields"] == {"tenure": "must be at least 0", "monthly_charges": "is required and cannot be missing"}


def test_the_page_asks_no_other_host_and_has_no_errors(seen: dict[str, Any]) -> None:
    (mistakes,) = seen["problems"]
    assert mistakes.startswith("console: Failed to load resource: the server responded with a status of 422 ")


def test_drift_is_told_from_300_rows_on_and_on_a_phone(address: str, seen: dict[str, Any], promoted: Case, chromium: str) -> None:
    assert re.fullmatch(r"Told from 300 rows on; \d so far\.", seen["drift"]["hint"])
    assert seen["drift"]["rows"] == []
    with (promoted.work / "data/telco_churn.csv").open(encoding="utf-8", newline="") as stream:
        send(address, [row for row in csv.DictReader(stream) if row["contract"] != "One year"][:400])
    (after,) = visit(chromium, [{"address": address, "width": 390, "theme": "dark", "records": [{}]}])
    assert after["problems"] == []
    assert re.match(r"How far the last 4\d\d rows are from the training rows ", after["drift"]["hint"])
    rows = {name: (float(value), word) for name, value, word in after["drift"]["rows"]}
    assert len(rows) == 1 + 19
    assert rows["contract"][1] == "drifted"
    assert rows["female"][1] == "steady"
    told = re.findall(r'^model_feature_psi\{feature="contract"\} (\S+)$', ask(f"{address}metrics").decode(), re.M)
    assert [round(float(value), 2) for value in told] == [round(rows["contract"][0], 2)]


def test_a_token_is_asked_for(promoted: Case, tmp_path: Path, chromium: str) -> None:
    with serving(promoted, tmp_path / "closed", SERVING_TOKEN=TOKEN) as address:
        (found,) = visit(chromium, [{"address": address, "tokens": ["not-this-token", TOKEN], "records": [{}]}])
    assert [one["label"] for one in found["tokens"]] == ["This server asks for a token"] * 2
    assert [one["model"] for one in found["tokens"]] == [False, False]
    assert [one["refused"] for one in found["tokens"]] == ["The server refuses this token.", None]
    assert found["answers"][0]["told"] in ("Yes", "No")
    assert found["state"] == "version 2, serving"
    assert all("status of 401" in problem for problem in found["problems"]), found["problems"]
