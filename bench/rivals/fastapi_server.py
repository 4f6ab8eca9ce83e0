"""What a tutorial would write with FastAPI, done well: strict models made from the contract, an async handler, one thread in the model."""

import sys
from typing import Annotated, Any, Literal

import uvicorn
from fastapi import FastAPI
from model import Model
from pydantic import ConfigDict, Field, create_model

MODEL = Model()


def kind(column: dict[str, Any]) -> Any:
    """The type of a column."""
    if column["type"] == "category":
        return Literal[tuple(column["categories"])]
    number = int if column["type"] == "integer" else float
    found: Any = Annotated[number, Field(ge=column["min"], le=column["max"])]
    return found | None if column["missing"] else found


Row: Any = create_model(
    "Row",
    __config__=ConfigDict(strict=True, extra="forbid", allow_inf_nan=False),
    **{column["name"]: (kind(column), ...) for column in MODEL.contract["columns"]},
)
app = FastAPI()


@app.post("/predict")
async def predict(rows: list[Row]) -> dict[str, Any]:
    """Predictions for rows."""
    return {"predictions": MODEL.predict([row.__dict__ for row in rows])}


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[2]), http="httptools", access_log=False, log_level="error")
