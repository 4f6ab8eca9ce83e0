"""The same model in `mlflow models serve`, as a Python function around onnxruntime: its own ONNX flavour refuses these inputs."""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any, no_type_check

import mlflow
from model import Model


class Served(mlflow.pyfunc.PythonModel):
    """A frame in, predictions out."""

    def load_context(self, context: Any) -> None:
        """Load the model."""
        self.model = Model(Path(os.environ["BENCH_BUNDLE"]))

    @no_type_check  # mlflow would take types for a schema
    def predict(self, context, model_input, params=None):  # noqa: ANN001, ANN201
        """The predictions."""
        return self.model.predict(model_input.to_dict("records"))


if __name__ == "__main__":
    here = Path(__file__).parent
    os.environ |= {"BENCH_BUNDLE": str(Path(sys.argv[1]).resolve()), "PYTHONPATH": str(here), "MLFLOW_DISABLE_TELEMETRY": "true"}
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # where it looks for uvicorn
    folder = str(Path(tempfile.mkdtemp()) / "model")
    mlflow.pyfunc.save_model(folder, python_model=Served(), pip_requirements=["mlflow"], code_paths=[str(here / "model.py")])
    serve = ["models", "serve", "-m", folder, "--env-manager", "local", "--host", "127.0.0.1", "--port", sys.argv[2], "--workers", "1"]
    os.execv(sys.executable, [sys.executable, "-m", "mlflow", *serve])
