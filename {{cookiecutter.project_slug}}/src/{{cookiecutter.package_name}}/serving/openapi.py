"""The OpenAPI document of what is served now. It is made from the contract, so it says what the server does."""

from typing import Any

from ..contract import FLOAT32_MAX, Column, Contract
from . import Model
from .reader import MOST_ROWS
from .tables import readable
from .tensors import DATATYPES, inputs, outputs

_JSON = "application/json"
_REFUSED = {
    "400": "The body cannot be read.",
    "408": "The body did not arrive in time.",
    "413": "Too many bytes or rows.",
    "415": "The encoding or the format is not read here.",
    "422": "Values break the contract, or the model has no finite answer; `violations` names row, field, value and rule.",
    "503": "No model yet, or too much work: come again after `Retry-After` seconds.",
}


def document(model: Model, secured: bool) -> dict[str, Any]:
    """The document for a model; ``secured`` where a bearer token is asked for."""
    contract = model.reader.contract
    found: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": model.name, "version": str(model.version or 0), "description": f"Serves {model.digest}."},
        "paths": {**_predict(contract), **_protocol(model), **_others()},
        "components": {"schemas": schemas(contract)},
    }
    if secured:
        found["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        found["security"] = [{"token": []}]
        for path, operations in found["paths"].items():
            for operation in operations.values():
                if "/health/" in path:
                    operation["security"] = []
                else:
                    operation["responses"]["401"] = _answer("The token is missing or wrong.", "Error")
    return found


def schemas(contract: Contract) -> dict[str, Any]:
    """The schemas of a row, a request, the predictions and a refusal."""
    names = [column.name for column in contract.columns]
    identity = {"model": {"type": "string"}, "version": {"type": ["integer", "null"]}, "digest": {"type": "string"}}
    violation = {"row": {"type": "integer"}, "field": {"type": ["string", "null"]}, "value": {}, "rule": {"type": "string"}}
    violations = {"type": "array", "maxItems": 100, "items": _object(violation)}
    rows = {"type": "array", "minItems": 1, "maxItems": MOST_ROWS, "items": _named("Row")}
    return {
        "Row": {**_object({column.name: of_column(column) for column in contract.columns}, names), "additionalProperties": False},
        "Rows": {"anyOf": [_named("Row"), rows, {**_object({"records": rows}), "additionalProperties": False}]},
        "Prediction": _prediction(contract),
        "Predictions": _object({**identity, "predictions": {"type": "array", "minItems": 1, "items": _named("Prediction")}}),
        "Error": _object({"error": {"type": "string"}, "violations": violations}, ["error"]),
    }


def of_column(column: Column) -> dict[str, Any]:
    """The schema of a column's values."""
    if column.type == "category":
        return {"enum": [*filter(None, column.categories), *(["", None] if column.missing else [])]}
    low = -FLOAT32_MAX if column.min is None else max(column.min, -FLOAT32_MAX)
    high = FLOAT32_MAX if column.max is None else min(column.max, FLOAT32_MAX)
    kinds = [column.type, *(["null"] if column.missing else [])]
    return {"type": kinds if len(kinds) > 1 else kinds[0], "minimum": low, "maximum": high}


def _prediction(contract: Contract) -> dict[str, Any]:
    if contract.problem == "regression":
        return _object({"prediction": {"type": "number"}})
    share = {"type": "number", "minimum": 0, "maximum": 1}
    label = {"prediction": {"enum": list(contract.classes)}}
    if contract.problem == "binary":
        return _object({**label, "probability": share})
    return _object({**label, "probabilities": _object(dict.fromkeys(contract.classes, share))})


def _predict(contract: Contract) -> dict[str, Any]:
    example = ",".join(column.name for column in contract.columns)
    table = {"schema": {"type": "string", "description": f"A table with the columns {example}."}}
    content = {_JSON: {"schema": _named("Rows")}} | dict.fromkeys(readable(), table)
    operation = {
        "operationId": "predict",
        "summary": "Predictions for one row, a list of rows, or a table.",
        "requestBody": {"required": True, "content": content},
        "responses": {"200": _answer("One prediction for each row, in their order.", "Predictions"), **_refusals()},
    }
    return {"/predict": {"post": operation}}


def _protocol(model: Model) -> dict[str, Any]:
    base = f"/v2/models/{model.name}"
    names = [one["name"] for one in inputs(model.reader.contract)]
    tensors = {"type": "array", "items": _tensor(names), "minItems": len(names), "maxItems": len(names)}
    wanted = {"type": ["array", "null"], "items": _object({"name": {"type": "string"}}), "description": "All outputs when none is named."}
    body = _object({"inputs": tensors, "outputs": wanted, "id": {"type": ["string", "null"]}}, ["inputs"])
    told = [one["name"] for one in outputs(model.reader.contract)]
    infer = {
        "operationId": "infer",
        "summary": f"Inference with tensors (Open Inference Protocol 2). Outputs: {', '.join(told)}.",
        "requestBody": {"required": True, "content": {_JSON: {"schema": body}}},
        "responses": {"200": {"description": "The outputs.", "content": {_JSON: {"schema": {"type": "object"}}}}, **_refusals("404")},
    }
    return {
        "/v2": _get("The server's name and extensions."),
        "/v2/health/live": _get("Whether the process runs."),
        "/v2/health/ready": _get("Whether a model is served.", "503"),
        base: _get("The model's inputs and outputs.", "404", "503"),
        f"{base}/ready": _get("Whether the model is served.", "404", "503"),
        f"{base}/infer": {"post": infer},
    }


def _tensor(names: list[str]) -> dict[str, Any]:
    """One input: a column as a list of values, or binary data behind the JSON."""
    fields = {"name": {"enum": names}, "datatype": {"enum": list(DATATYPES)}, "data": {"type": "array"}, "parameters": {"type": "object"}}
    shape = {"type": "array", "minItems": 1, "maxItems": 2, "items": {"type": "integer", "minimum": 1, "maximum": MOST_ROWS}}
    return _object({**fields, "shape": shape}, ["name", "datatype", "shape"])


def _others() -> dict[str, Any]:
    metrics = _get("Figures for Prometheus.")
    metrics["get"]["responses"]["200"]["content"] = {"text/plain": {"schema": {"type": "string"}}}
    return {
        "/model": _get("The model's identity, threshold and contract, with an example row.", "503"),
        "/health/live": _get("Whether the process runs."),
        "/health/ready": _get("Whether a model is served, and why the newest one is not.", "503"),
        "/openapi.json": _get("This document.", "503"),
        "/metrics": metrics,
    }


def _get(summary: str, *refusals: str) -> dict[str, Any]:
    told = {"description": "The answer.", "content": {_JSON: {"schema": {"type": "object"}}}}
    refused = {status: {**told, "description": _REFUSED.get(status, "There is no such model here.")} for status in refusals}
    return {"get": {"summary": summary, "responses": {"200": told, **refused}}}


def _refusals(*more: str) -> dict[str, Any]:
    return {status: _answer(_REFUSED.get(status, "There is no such model here."), "Error") for status in (*_REFUSED, *more)}


def _answer(description: str, schema: str) -> dict[str, Any]:
    return {"description": description, "content": {_JSON: {"schema": _named(schema)}}}


def _object(properties: dict[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties) if required is None else required}


def _named(schema: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{schema}"}
