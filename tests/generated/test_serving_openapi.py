"""The OpenAPI document is true: what its schemas allow is answered, and what they refuse is refused."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from churn.contract import Column
from churn.serving.openapi import of_column
from churn.serving.tables import FORMATS
from serving_kit import ROW, Running, make_bundle, server
from test_serving_oip import JSON as TENSORS
from test_serving_reader import COLUMNS, VALUES


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("openapi")
    make_bundle(folder / "bundle")
    with server(folder, "--model", folder / "bundle") as found:
        yield found


@pytest.fixture(scope="module")
def document(running: Running) -> dict[str, Any]:
    return running.ask("GET", "/openapi.json")[1]


def validator(document: dict[str, Any], name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": document["components"]})


@pytest.mark.parametrize("column", [one for one in COLUMNS if one.name != "none"], ids=lambda one: one.name)
def test_a_columns_schema_allows_what_the_contract_allows(column: Column) -> None:
    schema = jsonschema.Draft202012Validator(of_column(column))
    for value in VALUES:
        assert schema.is_valid(value) == (column.broken(value) is None), value


def test_answers_are_as_the_document_says(running: Running, document: dict[str, Any]) -> None:
    good = [ROW, [ROW], {"records": [ROW, ROW]}, {**ROW, "fee": None}]
    bad = [
        [],
        {"records": []},
        {},
        {**ROW, "age": 121},
        {**ROW, "more": 1},
        [ROW, 7],
        {"records": [ROW], "more": 1},
        [ROW] * 1001,
        "x",
        None,
    ]
    for body in itertools.chain(good, bad):
        status, content, _ = running.ask("POST", "/predict", json.dumps(body).encode())
        assert validator(document, "Rows").is_valid(body) == (status == 200) == (body in good), body
        assert str(status) in document["paths"]["/predict"]["post"]["responses"]
        validator(document, "Predictions" if status == 200 else "Error").validate(content)


def test_every_path_of_the_document_is_served_and_every_served_path_is_in_it(running: Running, document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        for method in operations:
            connection = running.connect()
            connection.request(method.upper(), path, b"{}" if method == "post" else None)
            status = connection.getresponse().status
            connection.close()
            assert str(status) in operations[method]["responses"], (method, path)
            assert status not in (404, 405), (method, path)
    listed = {route.split()[1] for route in running.ask("GET", "/")[1]["routes"]}
    assert listed <= set(document["paths"])


def test_only_tables_that_this_server_reads_are_offered(running: Running, document: dict[str, Any]) -> None:
    offered = set(document["paths"]["/predict"]["post"]["requestBody"]["content"])
    assert "text/csv" in offered
    for kind in FORMATS:
        status = running.ask("POST", "/predict", b"x", Content_Type=kind.decode())[0]
        assert (status != 415) == (kind.decode() in offered), kind


def test_tensors_are_described_as_they_are_taken(running: Running, document: dict[str, Any]) -> None:
    schema = document["paths"]["/v2/models/toy/infer"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    judge = jsonschema.Draft202012Validator(schema)
    first, *others = TENSORS["inputs"]
    good = [TENSORS, {**TENSORS, "id": None, "outputs": [{"name": "probability"}]}, {**TENSORS, "inputs": [*others, first]}]
    changes: list[dict[str, Any]] = [{"name": "other"}, {"datatype": "BOOL"}, {"shape": []}, {"shape": [1, 1, 1]}, {"data": "basic"}]
    bad = [*({"inputs": [{**first, **one}, *others]} for one in changes), {"inputs": others}, {"inputs": []}, {}]
    for body in (*good, *bad):
        assert judge.is_valid(body) == (running.ask("POST", "/v2/models/toy/infer", body)[0] == 200) == (body in good), body


def test_the_document_names_what_is_served(running: Running, document: dict[str, Any]) -> None:
    digest = running.ask("GET", "/model")[1]["digest"]
    assert (document["openapi"], document["info"]["title"]) == ("3.1.0", "toy")
    assert digest in document["info"]["description"]
    assert "security" not in document
