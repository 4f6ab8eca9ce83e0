"""What promotion does when something is wrong or in the way: each told in the words of whoever is on call."""

from __future__ import annotations

import http.server
import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import yaml

from .facts import deployments, digests, params_text, planned
from .kit import STATUS, Case, Scene, end_state, kill_when

pytestmark = pytest.mark.slow


def test_a_model_that_does_not_answer_in_staging_stops_there(case: Case) -> None:
    before = case.pointer()
    command = case.start("registry.promote")
    kill_when(command, lambda one: any(".serving" in line for line in one.children()), only=".serving")
    done = command.wait()
    assert done.code == 1
    assert "error: the server does not start with the bundle" in done.text
    assert case.pointer() == before
    assert deployments(case) == [("staging", "promotion", "failure")]
    case.good("registry.promote")
    assert deployments(case) == [("staging", "promotion", state) for state in ("failure", "success")] + [
        ("production", "promotion", "success")
    ]


@contextmanager
def production(case: Case, digest: str) -> Iterator[str]:
    """A production server that keeps a version and says why it does not take over another."""

    def stored(name: str) -> dict[str, Any]:
        return json.loads(case.blob(f"refs/dvc/store:bundles/{digest.removeprefix('sha256:')}/{name}.json"))

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told = {"digest": digest, "ready": True, "degraded": "golden row 3 differs on this machine"}
            told |= {"threshold": stored("manifest")["threshold"], "contract": stored("contract")}
            self._say(200, told | {"routes": {f"GET {path}": "" for path in ("/predict", "/model", "/health/live", "/health/ready")}})

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))["records"]
            golden = stored("golden")
            if asked != golden["records"]:
                return self._say(422, {"error": "broken"})
            chances = [row[1] for row in golden["probabilities"]]
            answers = [{"prediction": one, "probability": p} for one, p in zip(golden["predictions"], chances, strict=True)]
            return self._say(200, {"digest": digest, "predictions": answers})

        def _say(self, status: int, content: dict[str, object]) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.send_header("x-model-digest", digest)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_version_that_production_refuses_is_rolled_back_by_itself_and_held(case: Case) -> None:
    one, two = digests(case)
    with production(case, one) as address:
        done = case.run("registry.promote", PRODUCTION_URL=address)
        assert done.code == 1
        assert "keeps" in done.text
        assert "golden row 3 differs on this machine; it was rolled back to version 1 and is held" in done.text
        now = case.pointer() or {}
        assert (now["version"], now["digest"]) == (1, one)
        assert [(item["version"], item["digest"]) for item in now["held"]] == [(2, two)]
        assert now["held"][0]["reason"].startswith("rolled back by itself: ")
        assert deployments(case)[1:] == [("production", "promotion", "failure"), ("production", "rollback", "success")]
        after = end_state(case)
        assert "is held since it was rolled back" in case.good("registry.promote", PRODUCTION_URL=address)
        assert end_state(case)["pointers"] == after["pointers"]


REMAKE = """
import json
from pathlib import Path
from churn import bundle
folder = Path("reports/reviewed")
old = json.loads((folder / "manifest.json").read_bytes())
names = ("model", "problem", "threshold", "data_digest", "parameters")
print(bundle.write_manifest(folder, libraries={"cpu": "another"}, **{name: old[name] for name in names}))
"""


def test_a_model_that_main_trained_again_is_promoted_with_the_words(case: Case) -> None:
    """Its answers are the reviewed ones; its bytes are not."""
    case.merge({"params.yaml": params_text(case).replace("rebuild: false", "rebuild: true")}, "Train again")
    case.fresh_clone()
    shutil.copytree(case.work / "models/bundle", case.work / "reports/reviewed")
    reviewed = case.do(str(case.scene.python), "-c", REMAKE)
    (case.work / "reports/origin.json").write_text(json.dumps({"pull_request": 7, "run_id": 9, "reviewed": reviewed}))
    words = "trained again on main (promotion.rebuild), with the reviewed answers but not its very bytes"
    assert f"::warning::not the model that was reviewed ({reviewed}): {words}" in case.good("registry.promote")
    assert f"Not the model that was reviewed ({reviewed}): {words}" in case.git("log", "-1", "--format=%B", "main")
    assert (case.pointer() or {})["version"] == 2


def test_main_that_takes_no_push_is_said_and_recorded(case: Case) -> None:
    before = case.pointer()
    case.repository.protect("main", [STATUS], require_pull=True)
    done = case.run("registry.promote")
    assert done.code == 1
    assert "error: main did not take the commit" in done.text
    assert case.pointer() == before
    assert deployments(case)[-1] == ("production", "promotion", "failure")


def test_a_held_digest_stays_out_until_a_reviewed_change_lifts_it(scene: Scene, promoted: Case) -> None:
    case = scene.case(promoted)
    one, two = digests(case)
    case.good("registry.rollback", GITHUB_RUN_ID="2")
    assert (case.pointer() or {})["digest"] == one
    case.merge({"NOTES.md": "a remark\n"}, "Docs")
    assert planned(case) == "promote=false", "a docs merge after a rollback changes nothing"
    features = case.repository.read("src/churn/features.py") or ""
    case.merge({"src/churn/features.py": f"{features}\n# A remark.\n"}, "Remark")
    assert planned(case) == "promote=true"
    assert f"{two} is held since it was rolled back" in case.good("registry.promote")
    assert (case.pointer() or {})["digest"] == one
    assert planned(case) == "promote=false", "it is noted, and not found out again"
    lifted = (case.pointer() or {}) | {"held": []}
    case.merge({"models/production.yaml": yaml.safe_dump(lifted, sort_keys=False)}, "Lift")
    assert planned(case) == "promote=true"
    case.good("registry.promote")
    now = case.pointer() or {}
    assert (now["version"], now["digest"]) == (2, two), "the same digest keeps its version"
    case.forget()
