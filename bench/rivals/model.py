"""The model of a bundle, as the rivals use it: one thread, inputs made in plain numpy."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

FOLDER = Path(sys.argv[1]) if len(sys.argv) > 1 and Path(sys.argv[1]).is_dir() else Path(__file__)


class Model:
    """Rows in, predictions out."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Load what lies in a bundle's folder."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession((folder / "model.onnx").read_bytes(), options, providers=["CPUExecutionProvider"])
        self.contract = json.loads((folder / "contract.json").read_text())
        self.threshold = json.loads((folder / "manifest.json").read_text())["threshold"]
        self.place = self.contract["classes"].index(self.contract["positive"])
        self.classes = self.contract["classes"][1 - self.place], self.contract["positive"]

    def predict(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """What our server answers, without its checks."""
        numeric = np.array([[row[name] for name in self.contract["numeric"]] for row in rows], dtype=np.float32)
        texts = np.array([[row[name] or "" for name in self.contract["categorical"]] for row in rows], dtype=object)
        return self.decide(numeric, texts)

    def decide(self, numeric: Any, texts: Any) -> list[dict[str, Any]]:
        """Predictions for the model's inputs."""
        chances = self.session.run(["probabilities"], {"numeric": numeric, "categorical": texts})[0][:, self.place].tolist()
        return [{"prediction": self.classes[chance >= self.threshold], "probability": chance} for chance in chances]
