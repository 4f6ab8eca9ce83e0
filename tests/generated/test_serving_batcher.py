"""Batching: who is scored together, who is refused, and what the watchers see."""

import asyncio
import json
import time
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from churn import bundle
from churn.scorer import Scorer
from churn.serving import Live, Model, prepare
from churn.serving.app import Application
from churn.serving.batcher import Batcher, Scored
from churn.serving.refused import RefusedError
from serving_kit import ROW, make_bundle


class Reads:
    """Stands for a model's reader."""

    def matrix(self, parts: Iterable[Any]) -> np.ndarray:
        return np.array([value for part in parts for value in part.data], dtype=object)


class Scores:
    """Stands for a model's scorer: answers with its name and the row; fails at "bad", and has no finite answer to "far"."""

    def __init__(self, name: str) -> None:
        self.name, self.calls = name, 0

    def answers_to_coded(self, rows: np.ndarray) -> np.ndarray:
        self.calls += 1
        self.rows = rows.tolist()
        if "bad" in self.rows:
            raise ValueError("bad")
        return np.array([[np.inf if row == "far" else 0.5] for row in self.rows])

    def decide(self, _: np.ndarray) -> list[Any]:
        return [f"{self.name}{row}" for row in self.rows]


def model(name: str) -> Any:
    return SimpleNamespace(reader=Reads(), scorer=Scores(name))


def rows(*values: Any) -> Any:
    return SimpleNamespace(count=len(values), data=values)


def ask(batcher: Batcher, *asked: tuple[Any, list[Any]]) -> list[Any]:
    """What the requests get that come in one turn of the event loop."""

    async def one(model: Any, rows: list[Any]) -> Any:
        return await batcher.score(model, rows)

    async def together() -> list[Any]:
        return await asyncio.gather(*(one(*each) for each in asked), return_exceptions=True)

    return asyncio.run(together())


def test_what_is_scored_together_is_answered_by_the_model_that_each_was_given() -> None:
    old, new = model("old"), model("new")
    found = ask(
        Batcher(Live(), limit=10_000),
        (old, rows(1)), (old, rows(2, 3)), (new, rows(4)), (old, rows(5)), (new, rows("bad")), (old, rows(*[6] * 5000)), (old, rows(7)),
    )  # fmt: skip
    *answers, failed, large, last = found
    assert [one.predictions for one in answers] == [["old1"], ["old2", "old3"], ["new4"], ["old5"]]
    assert isinstance(failed, ValueError)
    assert (len(large.predictions), last.predictions) == (5000, ["old7"])
    assert old.scorer.calls == 4, "two that came together are scored together"


def test_an_answer_that_is_not_finite_refuses_its_own_request_alone() -> None:
    first, refused, last = ask(Batcher(Live()), *((one, rows(*values)) for one in [model("m")] for values in ([1], [2, "far"], [3])))
    assert first.predictions == ["m1"]
    assert last.predictions == ["m3"]
    assert (refused.status, refused.content["violations"][0]["row"]) == (422, 1)


def test_who_is_alone_is_scored_at_once_and_company_together() -> None:
    async def turns() -> list[bool]:
        batcher, one = Batcher(Live(), limit=100), model("m")
        done = []
        for values in ([1], [2], [3, 4, 5], [6]):
            answers = [batcher.score(one, rows(value)) for value in values]
            done.append(answers[0].done())
            assert [(await answer).predictions for answer in answers] == [[f"m{value}"] for value in values]
            await asyncio.sleep(0)
        assert one.scorer.calls == 5, "4 and 5 came together"
        return done

    assert asyncio.run(turns()) == [False, True, True, False], "the first of many is alone once, and then not again"


def test_above_the_bound_a_request_is_refused_and_the_others_are_not() -> None:
    batcher = Batcher(Live(), limit=10)
    one = model("m")
    found = ask(batcher, (one, rows(*range(8))), (one, rows(*range(3))), (one, rows(8, 9)), (one, rows(1)))
    assert [len(answer.predictions) if isinstance(answer, Scored) else answer.status for answer in found] == [8, 503, 2, 503]
    assert batcher.waiting == 0
    alone = ask(batcher, (one, rows(*range(20))))
    assert len(alone[0].predictions) == 20, "a large request is taken on when nobody waits"


def test_a_full_queue_refuses_before_anything_is_read() -> None:
    async def fill() -> None:
        batcher = Batcher(Live(), limit=2)
        batcher.refuse_if_full()
        answer = batcher.score(model("m"), rows(1, 2))
        with pytest.raises(RefusedError) as refused:
            batcher.refuse_if_full()
        assert (refused.value.status, refused.value.kind, refused.value.wait) == (503, "overload", 1)
        await answer
        batcher.refuse_if_full()

    asyncio.run(fill())


def test_fewer_rows_may_wait_for_a_slow_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_bundle(tmp_path / "bundle")
    answers = Scorer.answers_to_coded

    def slow(self: Scorer, rows: np.ndarray) -> np.ndarray:
        time.sleep(0.001 * len(rows))
        return answers(self, rows)

    monkeypatch.setattr(Scorer, "answers_to_coded", slow)
    live = Live()
    live.take(prepare(bundle.load(tmp_path / "bundle"), None))
    assert 1 <= Batcher(live).limit < 64
    assert Batcher(live, limit=7).limit == 7


def test_the_rows_of_a_body_are_guessed_before_it_is_read(tmp_path: Path) -> None:
    make_bundle(tmp_path / "bundle")
    reader = prepare(bundle.load(tmp_path / "bundle"), None).reader
    assert reader.about(json.dumps(ROW).encode()) == 1
    assert [reader.about(json.dumps(body).encode()) for body in ([ROW] * 64, {"records": [ROW] * 64})] == [63, 63]


def test_a_body_that_is_too_long_for_the_queue_is_refused_unread(tmp_path: Path) -> None:
    make_bundle(tmp_path / "bundle")
    live, read = Live(), []
    live.take(prepare(bundle.load(tmp_path / "bundle"), None))
    app = Application(live, limit=10)

    async def status(rows: int) -> int:
        body, told = json.dumps([ROW] * rows).encode(), []

        async def receive() -> dict[str, Any]:
            read.append(rows)
            return {"type": "http.request", "body": body}

        async def send(message: dict[str, Any]) -> None:
            told.append(message)

        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await app({"type": "http", "method": "POST", "path": "/predict", "headers": headers}, receive, send)
        return told[0]["status"]

    async def play() -> list[list[int]]:
        return [await asyncio.gather(status(1), status(1)), await asyncio.gather(status(8), status(7)), [await status(7)]]

    assert asyncio.run(play()) == [[200, 200], [200, 503], [200]]
    assert read == [1, 1, 8, 7]


def test_a_request_that_has_waited_for_too_long_is_not_scored() -> None:
    one = model("m")
    (late,) = ask(Batcher(Live(), patience=-1.0), (one, rows(1)))
    assert (late.status, late.kind, one.scorer.calls) == (503, "deadline", 0)


def test_watchers_see_each_batch_once_and_cost_no_answer(tmp_path: Path) -> None:
    make_bundle(tmp_path / "bundle")
    live = Live()
    seen: list[Any] = []

    class Watches:
        def saw(self, *what: Any) -> None:
            seen.append(what)
            raise RuntimeError("a defect")

    live.watchers = (Watches(),)
    toy: Model = prepare(bundle.load(tmp_path / "bundle"), None)
    asked = [[(40, 1.0, "plus")], [(41, None, "basic"), (42, 2.0, "plus")]]
    first, second = ask(Batcher(live), *((toy, toy.reader.table(table)) for table in asked))
    ((by, coded, answers, name),) = seen
    assert by is toy
    assert coded[0::2].tolist() == [[40, 1, 1], [42, 2, 1]]
    assert np.isnan(coded[1, 1])
    assert toy.scorer.coding.apart(coded)[1][:, 0].tolist() == ["plus", "basic", "plus"]
    assert first.header == (b"x-request-id", f"{name}.0".encode())
    assert second.header == (b"x-request-id", f"{name}.1".encode())
    assert answers[2, 1] == second.predictions[1]["probability"]
