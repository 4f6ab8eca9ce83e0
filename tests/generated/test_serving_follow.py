"""Following, step by step: shadow periods, a full disk, and what is left alone."""

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import yaml
from churn import ProblemError, bundle, params, serving_rules
from churn.contract import Column
from churn.serving import Live, Model, prepare
from churn.serving.follow import Follower
from churn.serving.remote import Remote
from churn.serving.shadow import ShadowError, Trial
from churn.serving_rules import Shadow
from serving_kit import CONTRACT, Origin, make_bundle, until

ROWS = [(age, 20.0, "basic") for age in range(50)]
SHADOW = b"serving: {shadow: {seconds: 1, sample: 1.0, latency: 1e3}}\n"


class World:
    """A repository, and a follower of it that is stepped by hand."""

    def __init__(self, folder: Path, **files: bytes) -> None:
        self.folder, self.origin, self.live = folder, Origin(folder / "origin.git"), Live()
        self.origin.commit("refs/heads/main", {name.replace("_", "."): content for name, content in {"a": b"", **files}.items()})
        self.follower = Follower(Remote(str(self.origin.folder), "main", "production", folder / "cache"), self.live, poll=0.0)

    def promote(self, bias: float, **fields: Any) -> str:
        """Name a new model in the pointer, without a step of the follower; ``fields`` are added to the pointer."""
        digest = make_bundle(self.folder / f"bundle{self.origin.version + 1}", bias)
        self.origin.store(self.folder / f"bundle{self.origin.version + 1}", digest)
        self.point(digest, **fields)
        return digest

    def point(self, digest: str, **fields: Any) -> None:
        self.origin.point(digest)
        if fields:
            path = f"refs/dvc/store:bundles/{digest.removeprefix('sha256:')}"
            pointer = {"model": "toy", "version": self.origin.version, "digest": digest, "bundle": path, "commit": "0" * 40}
            content = yaml.safe_dump({**pointer, "promoted_by": "test", **fields}).encode()
            self.origin.commit("refs/heads/main", {"models/production.yaml": content})

    def serves(self) -> str | None:
        self.follower.step()
        return self.live.model and self.live.model.digest

    def feed(self, rows: list[Any] = ROWS, batches: int = 3) -> None:
        """Requests that the live model answers."""
        feed(self.live.model, self.live.watchers, rows, batches)


def feed(model: Any, watchers: Any, rows: list[Any] = ROWS, batches: int = 3) -> None:
    coded = model.reader.matrix([model.reader.table(rows)])
    for _ in range(batches):
        for watcher in watchers:
            watcher.saw(model, coded, model.scorer.answers_to_coded(coded), "x")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, params_yaml=SHADOW)


def test_a_model_that_agrees_takes_over_after_its_shadow_period(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "serving")
    first = world.promote(0.0)
    assert world.serves() == first, "the first model has nothing beside which to be tried"
    second = world.promote(0.01)
    assert world.serves() == first
    world.feed()
    assert world.serves() == first
    assert world.live.problem is None
    assert until(lambda: world.serves() == second)
    assert "150 rows in 1 s: errors 0, disagreement 0" in caplog.text
    assert world.live.watchers == ()
    assert world.live.swaps == 2


def test_a_model_that_decides_otherwise_is_refused_once_and_the_next_is_tried(world: World) -> None:
    first = world.promote(0.0)
    assert world.serves() == first
    world.promote(-5.0)
    assert world.serves() == first
    world.feed()
    assert until(lambda: world.serves() == first and world.live.problem)
    assert "disagreement 1" in world.live.problem
    assert "serving.shadow.disagreement in params.yaml allows 0.1" in world.live.problem
    assert (world.live.failures, world.live.refused, world.live.watchers) == (1, 1, ())
    assert world.serves() == first
    assert world.live.watchers == (), "it is not tried again while main stays"
    third = world.promote(0.02)
    assert until(lambda: world.serves() == third)
    assert world.live.problem is None


def test_a_pointer_that_moves_on_ends_a_shadow_period(world: World) -> None:
    first = world.promote(0.0)
    assert world.serves() == first
    world.promote(-5.0)
    world.serves()
    assert len(world.live.watchers) == 1
    world.point(first)
    assert world.serves() == first
    assert (world.live.watchers, world.live.problem) == ((), None)


def test_a_commit_beside_the_pointer_does_not_begin_a_shadow_period_again(world: World) -> None:
    assert world.promote(0.0) == world.serves()
    world.promote(0.01)
    world.serves()
    before = world.live.watchers
    world.origin.commit("refs/heads/main", {"README.md": b"more"})
    world.serves()
    assert world.live.watchers is before


def test_a_rollback_does_not_wait(world: World) -> None:
    first = world.promote(0.0)
    assert world.serves() == first
    held = [{"version": 1, "digest": first, "commit": "0" * 40, "reason": "wrong"}]
    second = world.promote(-5.0, held=held)
    assert world.serves() == second
    assert world.live.watchers == ()


def test_a_rule_that_cannot_be_read_keeps_the_model(tmp_path: Path) -> None:
    world = World(tmp_path, params_yaml=b"serving: {shadow: {sample: 7}}\n")
    first = world.promote(0.0)
    assert world.serves() == first
    world.promote(0.01)
    assert world.serves() == first
    assert "serving.shadow.sample 7 must lie in 0.001 to 1" in str(world.live.problem)


@pytest.mark.parametrize("place", ["_save", "_remember"])
def test_a_full_disk_costs_no_answer_and_is_outlived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    world = World(tmp_path)
    first = world.promote(0.0)
    assert world.serves() == first
    owner = Remote if place == "_save" else Follower

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(owner, place, full)
    second = world.promote(0.1)
    assert world.serves() == (first if place == "_save" else second)
    assert "No space left on device" in str(world.live.problem)
    assert not list(tmp_path.glob("cache/bundles/.*")), "nothing half-written is left"
    monkeypatch.undo()
    assert until(lambda: world.serves() == second and world.live.problem is None)
    assert msgspec.json.decode((tmp_path / "cache/last.json").read_bytes())["digest"] == second


def toy(folder: Path, bias: float, change: Callable[[Column], Column] = lambda column: column) -> Model:
    """A toy model, ready, with another contract."""
    make_bundle(folder, bias)
    contract = msgspec.structs.replace(CONTRACT, columns=tuple(change(column) for column in CONTRACT.columns))
    (folder / "contract.json").write_bytes(contract.to_json())
    origin: dict[str, Any] = {"data_digest": "sha256:" + "0" * 64, "parameters": {}, "libraries": {}}
    bundle.write_manifest(folder, model="toy", problem="binary", threshold=0.5, **origin)
    return prepare(bundle.load(folder), 2)


def test_rows_that_break_the_new_contract_are_errors(tmp_path: Path) -> None:
    def narrow(column: Column) -> Column:
        return msgspec.structs.replace(column, max=44) if column.name == "age" else column

    live, candidate = toy(tmp_path / "1", 0.0), toy(tmp_path / "2", 0.0, narrow)
    trial = Trial(candidate, Shadow(seconds=0, sample=1.0, latency=1e6))
    feed(live, [trial])
    assert trial.is_over()
    with pytest.raises(ShadowError, match=r"150 rows in 0 s: errors 0\.1, .*serving\.shadow\.errors in params\.yaml allows 0"):
        trial.judge()
    lenient = Trial(candidate, Shadow(seconds=0, sample=1.0, errors=0.2, latency=1e6))
    feed(live, [lenient])
    lenient.is_over()
    lenient.judge()


def test_a_model_that_fails_or_is_slow_is_refused(tmp_path: Path) -> None:
    live, candidate = toy(tmp_path / "1", 0.0), toy(tmp_path / "2", 0.0)

    class Fails:
        digest = candidate.digest

        def answers_to_coded(self, _: Any) -> Any:
            raise ValueError("no")

    class Slow(Fails):
        def answers_to_coded(self, rows: Any) -> Any:
            for _ in range(300):
                found = candidate.scorer.answers_to_coded(rows)
            return found

        def decide(self, answers: Any) -> Any:
            return candidate.scorer.decide(answers)

    class Extreme(Slow):
        def answers_to_coded(self, rows: Any) -> Any:
            return candidate.scorer.answers_to_coded(rows) * np.inf

    for scorer, says in ((Fails(), "errors 1,"), (Extreme(), "errors 1,"), (Slow(), "serving.shadow.latency in params.yaml allows 3")):
        model: Any = Model(scorer, "toy", 2)  # type: ignore[arg-type]
        model.__dict__["reader"] = candidate.reader
        trial = Trial(model, Shadow(seconds=0, sample=1.0))
        feed(live, [trial], batches=25)
        trial.is_over()
        with pytest.raises(ShadowError) as refused:
            trial.judge()
        assert says in str(refused.value)


def test_few_rows_say_nothing_and_nobody_waits_for_more(tmp_path: Path) -> None:
    live, candidate = toy(tmp_path / "1", 0.0), toy(tmp_path / "2", -5.0)
    trial = Trial(candidate, Shadow(seconds=0, sample=1.0))
    feed(live, [trial], rows=ROWS[:9], batches=1)
    assert trial.is_over()
    assert "9 rows" in trial.judge()


def test_a_sample_is_a_share(tmp_path: Path) -> None:
    live = toy(tmp_path / "1", 0.0)
    trial = Trial(live, Shadow(seconds=0, sample=0.2))
    feed(live, [trial], rows=ROWS[:1], batches=200)
    trial.is_over()
    assert 10 <= trial.rows <= 80


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("serving: {shadow: {second: 1}}", "unknown field `second`"),
        ("serving: {shadow: {seconds: 0}}", "serving.shadow.seconds 0 must lie in 1 to 86400"),
        ("serving: {shadow: {latency: .nan}}", "serving.shadow.latency nan must lie"),
        ("serving: [1]", "cannot be used"),
        ("[1]", "cannot be used"),
        ("a: [", "cannot be used"),
    ],
)
def test_a_wrong_rule_is_named(text: str, says: str) -> None:
    with pytest.raises(ProblemError) as refused:
        serving_rules.of(text, "params.yaml")
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_params_take_the_rule_and_refuse_what_is_wrong_with_it() -> None:
    text = (Path(bundle.__file__).parents[2] / "params.yaml").read_text(encoding="utf-8")
    assert params.parse(text).serving.shadow is None
    assert params.parse(text + "\nserving: {shadow: {sample: 0.5}}\n").serving.shadow == Shadow(sample=0.5)
    cases = {"{shadow: {sample: 2}}": "serving.shadow.sample 2 must lie", "{shadow: {sampel: 1}}": "did you mean 'sample'"}
    for wrong, says in cases.items():
        with pytest.raises(ProblemError, match=says):
            params.parse(f"{text}\nserving: {wrong}\n")


def test_numbers_of_yaml_are_read_in_every_spelling() -> None:
    assert serving_rules.of("serving: {shadow: {sample: 1e-2}}", "x").shadow == Shadow(sample=0.01)
    assert serving_rules.of("", "x").shadow is serving_rules.of("model: {name: x}", "x").shadow is None
