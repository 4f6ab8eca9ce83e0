"""The same model in LitServe."""

import sys
from typing import Any

import litserve
from fastapi import Request
from model import Model


class Api(litserve.LitAPI):
    """Rows in, predictions out."""

    def setup(self, device: str) -> None:
        """Load the model."""
        self.model = Model()

    def decode_request(self, request: Request) -> Any:
        """The rows."""
        return request

    def predict(self, inputs: Any) -> Any:
        """The predictions."""
        return self.model.predict(inputs)

    def encode_response(self, output: Any) -> Any:
        """The answer."""
        return {"predictions": output}


if __name__ == "__main__":
    server = litserve.LitServer(Api(), accelerator="cpu", workers_per_device=1)
    server.run(port=int(sys.argv[2]), log_level="error", generate_client_file=False)
