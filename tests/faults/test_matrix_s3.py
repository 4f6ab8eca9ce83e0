"""The table of faults, with models in a bucket."""

import re

import pytest

from .kit import Scene
from .matrix import S3_STORE, Matrix

pytestmark = pytest.mark.slow


class TestS3(Matrix):
    """Every moment of the store's own steps, the worst one of the others."""

    kind = "s3"

    def test_every_request_that_changes_the_bucket_is_a_step(self, scene: Scene) -> None:
        with scene.trial() as case:
            scene.shelf.requests.clear()
            case.good("registry.promote")
            changes = [name for name in scene.shelf.requests if name.split()[0] not in ("GET", "HEAD")]
        patterns = [step.request.replace(r"model\.onnx", r"\w+\.\w+") for step in S3_STORE]
        assert [name for name in changes if not any(re.fullmatch(pattern, name) for pattern in patterns)] == []
        assert re.fullmatch(S3_STORE[3].request, changes[-1]), "the manifest comes last"
