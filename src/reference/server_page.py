"""``server.md``: the routes of the server, from its own OpenAPI document, and its options."""

from __future__ import annotations

import json
from typing import Any

from . import text

Facts = dict[str, Any]
_INTRO = """\
The server makes its OpenAPI 3.1 document from the contract of the model that it serves: `GET /openapi.json`. This page is that document
for the default project, where a token is asked for (`SERVING_TOKEN`). Where pyarrow is installed beside the server, `/predict` takes
Arrow and Parquet as well. An answer that a model made names its digest in the header `x-model-digest`; that of `/predict` names its
rows in `x-request-id`. How to call it is in the README of a generated repository, section *Serve*."""


def page(facts: Facts) -> str:
    """The page."""
    told = facts["openapi"]
    paths, schemas = told["paths"], told["components"]["schemas"]
    return text.page(
        "The server's API",
        "the server's `/openapi.json` and `--help`",
        _INTRO,
        f"## Routes\n\n{_routes(paths)}",
        f"## Statuses\n\n{_statuses(paths)}",
        "## Schemas",
        *(_schema(name, schema) for name, schema in schemas.items()),
        "## Options",
        f'`python -m <package>.serving`, or `make serve ARGS="…"`:\n\n```text\n{_options(facts["help"])}\n```',
    )


def _routes(paths: Facts) -> str:
    rows = []
    for path, operations in paths.items():
        for method, operation in operations.items():
            takes = ", ".join(f"`{kind}`" for kind in operation.get("requestBody", {}).get("content", {}))
            token = "no" if operation.get("security") == [] else "yes"
            statuses = ", ".join(sorted(operation["responses"]))
            rows.append((f"`{method.upper()} {path}`", operation["summary"], takes, token, statuses))
    return text.table(("route", "answers", "takes", "token", "statuses"), rows)


def _statuses(paths: Facts) -> str:
    found: dict[str, dict[str, None]] = {}
    for operations in paths.values():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                found.setdefault(status, {})[answer["description"]] = None
    return text.table(("status", "means"), [(status, " ".join(found[status])) for status in sorted(found) if status != "200"])


def _schema(name: str, schema: Facts) -> str:
    if "properties" not in schema:
        return f"### `{name}`\n\nOne of: {'; '.join(_type(one) for one in schema['anyOf'])}."
    required = schema.get("required", [])
    rows = [(f"`{key}`", _type(value), "yes" if key in required else "no") for key, value in schema["properties"].items()]
    return f"### `{name}`\n\n{text.table(('field', 'value', 'required'), rows)}"


def _type(schema: Facts) -> str:
    """A schema in words."""
    if "$ref" in schema:
        return f"`{schema['$ref'].rpartition('/')[2]}`"
    if "enum" in schema:
        return "one of " + ", ".join(f"`{json.dumps(value, ensure_ascii=False)}`" for value in schema["enum"])
    if not schema:
        return "any value"
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    words = " or ".join(kinds)
    if "array" in kinds:
        most = f", at most {schema['maxItems']:,}" if "maxItems" in schema else ""
        return f"list of {_type(schema['items'])}{most}"
    if "object" in kinds and "properties" in schema:
        return "object with " + ", ".join(f"`{key}`: {_type(value)}" for key, value in schema["properties"].items())
    return words + _range(schema)


def _range(schema: Facts) -> str:
    largest = 3.4e38  # the 32-bit numbers of the model, where the contract names no bound
    low, high = schema.get("minimum"), schema.get("maximum")
    parts = [f"{word} {bound:g}" for word, bound in (("from", low), ("to", high)) if bound is not None and abs(bound) < largest]
    return f" {' '.join(parts)}" if parts else ""


def _options(told: str) -> str:
    """The help without its usage, which each version of Python breaks in other places."""
    return told[told.index("options:") :].strip()
