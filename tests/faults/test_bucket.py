"""What a bucket can do to a promotion and a rollback: one clear line, nothing promoted, and the same run again heals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from ..local_s3 import EXPIRED, KEY
from .kit import Case, Scene, end_state
from .shelves import BUCKET, PREFIX, S3Shelf

pytestmark = pytest.mark.slow

URL = f"s3://{BUCKET}/{PREFIX}"
QUICK = {"AWS_MAX_ATTEMPTS": "1"}  # s3fs tries five times itself
EXPIRED_LINE = f"error: the store {URL} cannot be read: The provided token has expired; check the credentials, which may have expired"


@dataclass(frozen=True)
class Trouble:
    """What a job meets, by its environment or by requests that are refused, and the line in which it says so."""

    line: str
    env: dict[str, str] = field(default_factory=dict)
    refused: str = ""


PROMOTION = {
    "missing bucket": Trouble(
        f"error: the store {URL} cannot be read: The specified bucket does not exist; make the bucket or the folder, or correct",
        env={"AWS_ACCESS_KEY_ID": f"{KEY}-nowhere"},
    ),
    "expired credentials": Trouble(EXPIRED_LINE, env={"AWS_SESSION_TOKEN": EXPIRED}),
    "objects are refused with 503": Trouble("error: `dvc push --run-cache` failed: ", refused="PUT .*/files/md5/"),
    "the model is refused with 503": Trouble(f"error: the store {URL} cannot be written: ", refused=r"PUT .*/model\.onnx"),
    "the manifest is refused with 503": Trouble(f"error: the store {URL} cannot be written: ", refused=r"PUT .*/manifest\.json"),
}
ROLLBACK = {
    "expired credentials": Trouble(EXPIRED_LINE, env={"AWS_SESSION_TOKEN": EXPIRED}),
    "the bundle is refused with 503": Trouble(f"error: the store {URL} cannot be read: ", refused=r"GET .*/model\.onnx"),
}


@pytest.fixture
def bucket_scene(scenes: Callable[[str], Scene]) -> Iterator[Scene]:
    scene = scenes("s3")
    yield scene
    assert isinstance(scene.shelf, S3Shelf)
    scene.shelf.server.heal()


def _fails(case: Case, module: str, trouble: Trouble) -> None:
    assert isinstance(case.scene.shelf, S3Shelf)
    if trouble.refused:
        case.scene.shelf.server.fail(trouble.refused)
    done = case.run(module, **QUICK, **trouble.env)
    case.scene.shelf.server.heal()
    assert done.code == 1
    assert done.text.splitlines()[-1].startswith(trouble.line), done.text
    assert "Traceback" not in done.text


@pytest.mark.parametrize("name", PROMOTION)
def test_a_promotion_stops_and_the_next_run_heals(bucket_scene: Scene, name: str) -> None:
    with bucket_scene.trial() as case:
        before = end_state(case)
        _fails(case, "registry.promote", PROMOTION[name])
        after = end_state(case)
        assert after | {"store": None} == before | {"store": None}
        candidate = set(end_state(bucket_scene.promoted)["store"]) - set(before["store"])
        assert not [path for path in candidate & set(after["store"]) if path.endswith("manifest.json")], "half a bundle counts as none"
        case.fresh_clone()
        case.good("registry.promote")
        assert end_state(case) == end_state(bucket_scene.promoted)


def test_what_was_uploaded_by_half_is_uploaded_again(bucket_scene: Scene) -> None:
    """S3 itself stores an object whole or not at all; a copying tool, or a server that only speaks S3, may not."""
    wanted = end_state(bucket_scene.promoted)
    with bucket_scene.trial() as case:
        missing = set(wanted["store"]) - set(end_state(case)["store"])
        for path in missing:
            if "/md5/" in path or path.startswith("bundles/"):
                whole = bucket_scene.shelf.read(bucket_scene.promoted.repository, path) or b""
                bucket_scene.shelf.write(case.repository, path, whole[: len(whole) // 2])
        case.good("registry.promote")
        assert end_state(case) == wanted


@pytest.mark.parametrize("name", ROLLBACK)
def test_a_rollback_stops_and_the_next_run_heals(bucket_scene: Scene, name: str) -> None:
    with bucket_scene.trial(bucket_scene.promoted) as case:
        before = end_state(case)
        _fails(case, "registry.rollback", ROLLBACK[name])
        assert end_state(case) == before
        case.good("registry.rollback")
        assert (case.pointer() or {})["version"] == 1
