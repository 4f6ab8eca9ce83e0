"""The page at / for people: what it shows of the model, and that it needs nothing from elsewhere and runs nothing of anybody's."""

import contextlib
import http.client
import json
import re
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from churn import bundle
from churn.serving import Live, Papers, page, prepare
from churn.serving.page.about import about
from serving_kit import Origin, Running, make_bundle, server

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
FILES = ("page.html", "page.css", "page.js", "card.js")


def text_of(name: str) -> str:
    return (files(page) / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("page")
    make_bundle(folder / "bundle")
    with server(folder / "server", "--model", folder / "bundle") as made:
        yield made


def get(running: Running, path: str, **headers: str) -> tuple[int, str, http.client.HTTPResponse]:
    with contextlib.closing(running.connect()) as connection:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), answer


def test_a_browser_gets_the_page_and_a_program_what_it_got_before(running: Running) -> None:
    status, text, answer = get(running, "/", **HTML)
    assert (status, text) == (200, text_of("page.html"))
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["vary"] == "accept", "a cache must not give the one to the other"
    for accept in ({}, {"Accept": "*/*"}, {"Accept": "application/json"}):
        assert "POST /predict" in json.loads(get(running, "/", **accept)[1])["routes"]


@pytest.mark.parametrize("path", ["/", "/page/page.css", "/page/page.js", "/page/card.js", "/page/about"])
def test_nothing_is_loaded_or_run_from_elsewhere(running: Running, path: str) -> None:
    status, _, answer = get(running, path, **HTML)
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert status == 200
    assert policy["default-src"] == "'none'"
    assert {policy[name] for name in ("script-src", "style-src", "connect-src")} == {"'self'"}
    assert {policy[name] for name in ("frame-ancestors", "form-action", "base-uri")} == {"'none'"}
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_page_keeps_to_its_own_policy() -> None:
    for name in FILES:
        assert not re.search(r"https?:|\burl\(|@import|//[\w.]+/", text_of(name)), name
    html = text_of("page.html")
    assert not re.search(r"<style|style=|\son\w+=|<script(?! src=\"page/)", html), "neither style nor script inside the page"
    assert set(re.findall(r'(?:src|href)="([^"]+)"', html)) == {"page/card.js", "page/page.js", "page/page.css", "data:,"}


def test_texts_stay_texts() -> None:
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("):
        assert word not in text_of("page.js") + text_of("card.js")


def test_what_the_script_looks_for_is_on_the_page() -> None:
    wanted = set(re.findall(r'\bat\("([\w-]+)"\)', text_of("page.js")))
    assert len(wanted) > 10
    assert wanted <= set(re.findall(r'id="([\w-]+)"', text_of("page.html")))


def test_every_route_that_the_script_asks_is_served(running: Running) -> None:
    asked = set(re.findall(r'\bask\("([^"]+)"', text_of("page.js")))
    assert asked == {"page/about", "predict", "metrics"}
    for path in asked - {"predict"}:
        assert get(running, f"/{path}")[0] == 200


def test_the_form_is_that_of_the_contract(running: Running) -> None:
    told = json.loads(get(running, "/page/about")[1])
    served = running.ask("GET", "/model")[1]
    assert {name: told[name] for name in ("model", "version", "digest", "threshold")} == {
        name: served[name] for name in ("model", "version", "digest", "threshold")
    }
    assert [(one["name"], one["type"], one["min"], one["max"], one["missing"]) for one in told["columns"]] == [
        ("age", "integer", 0.0, 120.0, False),
        ("fee", "number", None, None, True),
        ("plan", "category", None, None, False),
    ]
    for record in told["examples"]:
        assert running.ask("POST", "/predict", record)[0] == 200, "an example can be sent as it stands"


def test_hints_are_of_the_training_rows(tmp_path: Path) -> None:
    made = _rewritten(
        tmp_path / "bundle",
        {
            "rows": 1000,
            "features": {
                "age": {"type": "number", "edges": [2.0, 3, 4, 5, 6, 7, 8, 9, 61], "counts": [1] * 10, "missing": 0},
                "fee": {"type": "number", "edges": [0.5], "counts": [1, 1], "missing": 0},
                "plan": {"type": "category", "counts": {"basic": 30, "plus": 10}, "missing": 0},
            },
        },
    )
    live = Live()
    columns = about(live, prepare(made, None))["columns"]
    assert [one["usual"] for one in columns] == [[2.0, 61], None, None]
    assert [one["shares"] for one in columns] == [{}, {}, {"basic": 0.75, "plus": 0.25}]


def _rewritten(folder: Path, profile: dict[str, Any]) -> bundle.Bundle:
    """The toy bundle with another profile."""
    make_bundle(folder)
    (folder / "profile.json").write_bytes(bundle.to_json(profile))
    origin: dict[str, Any] = {"data_digest": "sha256:" + "0" * 64, "parameters": {}, "libraries": {}}
    digest = bundle.write_manifest(folder, model="toy", problem="binary", threshold=0.5, **origin)
    return bundle.load(folder, digest)


def test_papers_of_another_model_are_not_shown(tmp_path: Path) -> None:
    make_bundle(tmp_path / "bundle")
    live, model = Live(), prepare(bundle.load(tmp_path / "bundle"), 3)
    live.papers = Papers("sha256:" + "f" * 64, {"roc_auc": 0.9}, "# Another")
    assert (about(live, model)["metrics"], about(live, model)["card"]) == ({}, None)
    live.papers = Papers(model.digest, {"roc_auc": 0.8}, "# Mine")
    assert (about(live, model)["metrics"], about(live, model)["card"]) == ({"ROC AUC": 0.8}, "# Mine")


def test_metrics_and_card_are_those_of_the_promotion(tmp_path: Path) -> None:
    origin = Origin(tmp_path / "origin")
    digest = make_bundle(tmp_path / "bundle")
    origin.store(tmp_path / "bundle", digest)
    card = f"# Toy\n\nDigest `{digest}`, <script>alert(1)</script>\n"
    origin.commit("refs/heads/main", {"models/card.md": card.encode()})
    origin.point(digest)
    with server(tmp_path / "server", "--follow", origin.folder) as running:
        assert running.serves(digest)
        assert _about(running, lambda told: told["card"] is not None)["card"] == card
        other = origin.promote(tmp_path / "other", 1.0)
        told = _about(running, lambda told: told["digest"] == other)
        assert told["card"] is None, "the card on main is that of the model before"
        origin.commit("refs/heads/main", {"models/production.yaml": _with_metrics(other, origin.version)})
        assert _about(running, lambda told: told["metrics"])["metrics"] == {"ROC AUC": 0.85}


def _with_metrics(digest: str, version: int) -> bytes:
    pointer = {
        "model": "toy",
        "version": version,
        "digest": digest,
        "commit": "0" * 40,
        "promoted_by": "test",
        "metrics": {"roc_auc": 0.85},
    }
    return yaml.safe_dump(pointer | {"bundle": f"refs/dvc/store:bundles/{digest.removeprefix('sha256:')}"}).encode()


def _about(running: Running, condition: Any) -> dict[str, Any]:
    """What the page is told, as soon as it is what is waited for."""
    end = time.monotonic() + 30
    while True:
        told = json.loads(get(running, "/page/about")[1])
        if condition(told):
            return told
        assert time.monotonic() < end, told
        time.sleep(0.05)


def test_a_token_guards_all_but_the_empty_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVING_TOKEN", "s3cret-s3cret-s3cret")
    make_bundle(tmp_path / "bundle")
    with server(tmp_path / "server", "--model", tmp_path / "bundle") as running:
        assert [get(running, path, **HTML)[0] for path in ("/", *(f"/page/{name}" for name in FILES[1:]))] == [200] * 4
        assert [get(running, path)[0] for path in ("/", "/page/about", "/model")] == [401, 401, 401]
        assert get(running, "/page/about", **HTML)[0] == 401
        assert get(running, "/page/about", Authorization="Bearer s3cret-s3cret-s3cret")[0] == 200


def test_without_a_model_the_page_says_why(tmp_path: Path) -> None:
    origin = Origin(tmp_path / "origin")
    origin.commit("refs/heads/main", {"README.md": b""})
    with server(tmp_path / "server", "--follow", origin.folder) as running:
        assert get(running, "/", **HTML)[0] == 200
        status, text, _ = get(running, "/page/about")
        assert status == 503
        assert json.loads(text)["error"].startswith("there is no model yet: ")
