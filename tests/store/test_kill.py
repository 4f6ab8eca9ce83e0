"""Saving is killed at every kind of request, before, in and after it; saved again, the store is as if nothing had happened."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from hashlib import md5
from pathlib import Path
from typing import Literal

import pytest

from rehearse.github.faults import Interruption

from ..local_s3 import LocalS3
from .conftest import Place

pytestmark = pytest.mark.slow
SAVE = "import sys; from pathlib import Path; from churn import store; store.configured().save(Path(sys.argv[1]), sys.argv[2])"
STEPS = {
    "looking whether the bucket answers": "GET /[^/]+",
    "pushing an object": "PUT .*/files/md5/.*",
    "uploading the model": "PUT .*/model.onnx",
    "uploading the manifest": "PUT .*/manifest.json",
    "reading back": "GET .*/model.onnx",
}


def _track(name: str, text: str) -> None:
    """What ``dvc add`` leaves behind for a file."""
    Path(name).write_text(text)
    digest = md5(text.encode(), usedforsecurity=False).hexdigest()
    Path(f"{name}.dvc").write_text(f"outs:\n- md5: {digest}\n  size: {len(text)}\n  hash: md5\n  path: {name}\n")
    kept = Path(".dvc/cache/files/md5", digest[:2], digest[2:])
    kept.parent.mkdir(parents=True)
    kept.write_text(text)


def _save(place: Place, folder: Path, digest: str) -> "subprocess.Popen[bytes]":
    source = Path(sys.modules["churn"].__file__ or "").parents[1]
    return subprocess.Popen(
        [sys.executable, "-c", SAVE, str(folder), digest],
        cwd=place.clone(),
        env={**os.environ, "PYTHONPATH": str(source)},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.mark.parametrize("moment", ["before", "during", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_a_killed_save_is_healed_by_the_next(
    places: Callable[[str], Place], s3: LocalS3, step: str, moment: Literal["before", "during", "after"]
) -> None:
    place = places("s3")
    folder, digest = place.bundle("one")
    place.clone()
    _track("rows.csv", "a,b\n1,2\n")
    strike = Interruption(re.compile(STEPS[step]), moment, lambda: os.killpg(client.pid, signal.SIGKILL))
    s3.interruptions.append(strike)
    client = _save(place, folder, digest)
    assert client.wait(120) == -signal.SIGKILL
    assert strike.hits == 1
    s3.heal()
    uploaded = step == "reading back" or (step == "uploading the manifest" and moment == "after")
    assert place.store("other").has(digest) == uploaded
    assert _save(place, folder, digest).wait(120) == 0
    assert place.store("other").has(digest)
    stored = place.store("other").sizes()
    assert len(stored) == 6, f"five files of the bundle and one object: {stored}"
