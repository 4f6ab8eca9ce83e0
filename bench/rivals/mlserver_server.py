"""The same model in MLServer, spoken to by the Open Inference Protocol."""

import json
import os
import socket
import sys
import tempfile
from pathlib import Path

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse
from model import Model


class Runtime(MLModel):
    """Tensors in, probabilities out."""

    async def load(self) -> bool:
        """Load the model."""
        self.model = Model(Path(os.environ["BENCH_BUNDLE"]))
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """The probability of the positive class."""
        inputs = {one.name: one for one in payload.inputs}
        numeric = NumpyCodec.decode_input(inputs["numeric"]).astype(np.float32)
        texts = np.array(StringCodec.decode_input(inputs["categorical"]), dtype=object).reshape(len(numeric), -1)
        chances = np.array([one["probability"] for one in self.model.decide(numeric, texts)], dtype=np.float32)
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("probability", chances)])


def free() -> int:
    """A port that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


if __name__ == "__main__":
    here = Path(__file__).parent
    os.environ |= {"BENCH_BUNDLE": str(Path(sys.argv[1]).resolve()), "PYTHONPATH": str(here)}
    folder = Path(tempfile.mkdtemp())
    ports = {"http_port": int(sys.argv[2]), "grpc_port": free(), "metrics_port": free()}
    (folder / "settings.json").write_text(json.dumps({"host": "127.0.0.1", "parallel_workers": 0, "debug": False, **ports}))
    (folder / "model-settings.json").write_text(json.dumps({"name": "model", "implementation": "mlserver_server.Runtime"}))
    os.execv(sys.executable, [sys.executable, "-c", "from mlserver.cli import main; main()", "start", str(folder)])
