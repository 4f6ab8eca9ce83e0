"""The toy model of ``tests/generated/serving_kit.py`` as a runtime of MLServer, one tensor per column."""

from typing import Any

import numpy as np
from mlserver import MLModel
from mlserver.errors import InferenceError
from mlserver.types import InferenceRequest, InferenceResponse, RequestInput, ResponseOutput

COLUMNS = {"age": ("INT", "FP"), "fee": ("INT", "FP"), "plan": ("BYTES",)}


class Toy(MLModel):
    """Logistic in age and fee, one more for the plan 'plus'."""

    async def load(self) -> bool:
        """There is nothing to load."""
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """The outputs that were asked for, all when none is named."""
        names = [one.name for one in payload.inputs]
        if sorted(names) != sorted(COLUMNS):
            raise InferenceError(f"the inputs are {', '.join(COLUMNS)}")
        columns = {one.name: _column(one) for one in payload.inputs}
        if len({len(values) for values in columns.values()}) != 1:
            raise InferenceError("the inputs differ in their number of rows")
        plus = np.array([text == "plus" for text in columns["plan"]], np.float32)
        score = 0.01 * np.array(columns["age"], np.float32) + 0.02 * np.array(columns["fee"], np.float32) + plus
        chances = 1 / (1 + np.exp(-score))
        told = {"prediction": ("BYTES", ["Yes" if one >= 0.5 else "No" for one in chances]), "probability": ("FP32", chances.tolist())}
        wanted = [one.name for one in payload.outputs or []] or list(told)
        if unknown := set(wanted) - set(told):
            raise InferenceError(f"there is no output {', '.join(unknown)}")
        outputs = [
            ResponseOutput(name=name, datatype=told[name][0], shape=[len(chances)], data=told[name][1]) for name in told if name in wanted
        ]
        return InferenceResponse(id=payload.id, model_name=self.name, model_version=self.version, outputs=outputs)


def _column(tensor: RequestInput) -> list[Any]:
    if not str(tensor.datatype).startswith(COLUMNS[tensor.name]):
        raise InferenceError(f"{tensor.name} is of another datatype")
    values = np.array(tensor.data.root, dtype=object).ravel().tolist()
    if tensor.shape not in ([len(values)], [len(values), 1]):
        raise InferenceError(f"{tensor.name} has another shape")
    return values
