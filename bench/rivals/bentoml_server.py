"""The same model in BentoML."""

import os
import sys
from pathlib import Path
from typing import Any

import bentoml
from model import Model


@bentoml.service(workers=1)
class Service:
    """Rows in, predictions out."""

    def __init__(self) -> None:
        self.model = Model(Path(os.environ["BENCH_BUNDLE"]))

    @bentoml.api
    def predict(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """The predictions."""
        return {"predictions": self.model.predict(rows)}


if __name__ == "__main__":
    os.environ["BENCH_BUNDLE"] = str(Path(sys.argv[1]).resolve())
    where = ["--working-dir", str(Path(__file__).parent), "--host", "127.0.0.1", "--port", sys.argv[2]]
    os.execv(sys.executable, [sys.executable, "-m", "bentoml", "serve", "bentoml_server:Service", *where])
