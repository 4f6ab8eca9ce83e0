"""Reading rows: the quick way accepts nothing that the contract refuses, and both ways read the same."""

import itertools
import json
import math
from typing import Any

import msgspec
import numpy as np
import pytest
from churn.coding import Coding
from churn.contract import Column, Contract
from churn.serving.reader import MOST_ROWS, Reader
from churn.serving.refused import RefusedError

COLUMNS = [
    Column("age", "integer", min=0, max=120),
    Column("any whole", "integer"),
    Column("half", "integer", min=0.5, max=2.5, missing=True),
    Column("far", "integer", min=1e30),
    Column("fee-€", "number", missing=True),
    Column("share", "number", min=0.0, max=1.0),
    Column("plan", "category", categories=("basic", "plus", "")),
    Column("note", "category", categories=("a", "None"), missing=True),
    Column("none", "category"),
]
VALUES: list[Any] = [
    None, True, False, 0, -0.0, 0.5, 1, 1.0, 1.5, 2, 3, 120, 121, -1, 2**53, 2**53 + 1, 2**63, 2**64, 10**30, 10**39, 1e30, 1e39, 3.4e38,
    -3.5e38, "", "basic", "plus", "a", "None", "NaN", "1", "x" * 100, [], [1], {}, {"a": 1},
]  # fmt: skip


def contract_of(*columns: Column) -> Contract:
    numeric = tuple(one.name for one in columns if one.type != "category")
    categorical = tuple(one.name for one in columns if one.type == "category")
    return Contract("toy", numeric, categorical, columns, ("No", "Yes"), "Yes")


def values(reader: Reader, rows: Any) -> list[list[Any]]:
    """What the model is given, by text or number; None is a missing one."""
    numeric, texts = Coding(reader.contract).apart(reader.matrix([rows]))
    found = [[*numbers, *words] for numbers, words in zip(numeric.tolist(), texts.tolist(), strict=True)]
    assert len(found) == rows.count
    return [[None if value == "" or value != value else value for value in row] for row in found]


@pytest.mark.parametrize("column", COLUMNS, ids=lambda one: one.name)
def test_the_quick_way_accepts_what_the_contract_accepts_and_nothing_else(column: Column) -> None:
    reader = Reader(contract_of(column))
    for value, many in itertools.product(VALUES, (False, True)):
        record = {column.name: value}
        body = json.dumps([record] * 2 if many else record).encode()
        holds = column.broken(value) is None
        expected = None if value in (None, "") else value if column.type == "category" else float(np.float32(value)) if holds else None
        try:
            rows = reader.json(body)
        except RefusedError as refused:
            assert not holds, (value, refused)
            assert refused.content["violations"], value
        else:
            assert holds, value
            assert values(reader, rows) == [[expected]] * (2 if many else 1)
        found = reader.table([(value,)])
        assert isinstance(found, list) != holds, value
        assert found == reader.contract.check([record]) if isinstance(found, list) else values(reader, found) == [[expected]]


def test_rows_are_read_alike_whichever_way_they_came() -> None:
    columns = [one for one in COLUMNS if one.name not in ("far", "none")]
    reader = Reader(contract_of(*columns))
    whole = {"age": 3, "any whole": 4, "half": None, "fee-€": None, "share": 0.25, "plan": "plus", "note": ""}
    other = {**whole, "half": 1, "fee-€": 1e20, "note": None}
    full = {**other, "note": "None"}
    slow = {name: float(value) if isinstance(value, int) else value for name, value in other.items()}
    quick = reader.json(json.dumps({"records": [whole, other]}).encode())
    assert values(reader, quick) == [[3, 4, None, None, 0.25, "plus", None], [3, 4, 1, float(np.float32(1e20)), 0.25, "plus", None]]
    assert reader.json(json.dumps([whole, slow]).encode()) == quick
    assert reader.table([tuple(whole.values()), tuple(other.values())]) == quick
    assert values(reader, reader.json(json.dumps([full]).encode())) == [[3, 4, 1, float(np.float32(1e20)), 0.25, "plus", "None"]]
    expected = Coding(reader.contract).coded(*reader.contract.matrices([whole, other]))
    np.testing.assert_array_equal(reader.matrix([quick]), expected)


@pytest.mark.parametrize("count", [1, 2, 15, 16, 100])
def test_missing_values_are_read_alike_in_few_rows_and_in_many(count: int) -> None:
    columns = [one for one in COLUMNS if one.name in ("half", "fee-€", "plan", "note")]
    reader = Reader(contract_of(*columns))
    kinds = [(1, 2.5, "plus", "a"), (None, None, "basic", None), (2, None, "plus", "None"), (None, 0.5, "plus", "")]
    rows = [kinds[(number + 1) % 4] for number in range(count)]
    found = values(reader, reader.json(json.dumps([dict(zip(reader.names, row, strict=True)) for row in rows]).encode()))
    assert found == [[value or None for value in row] for row in rows]


def test_the_rows_of_several_requests_are_one_matrix_in_their_order() -> None:
    reader = Reader(contract_of(COLUMNS[0], COLUMNS[6]))
    parts = [reader.table([(age, plan) for age in range(first, first + 3)]) for first, plan in ((0, "basic"), (3, "plus"))]
    assert reader.matrix(parts).tolist() == [[0, 0], [1, 0], [2, 0], [3, 1], [4, 1], [5, 1]]
    assert reader.matrix(parts).dtype == np.float32


def test_a_contract_of_one_kind_has_inputs_of_both() -> None:
    for column, shapes in {COLUMNS[0]: [(2, 1), (2, 0)], COLUMNS[6]: [(2, 0), (2, 1)]}.items():
        reader = Reader(contract_of(column))
        rows: Any = reader.table([(1,)] * 2 if column.type == "integer" else [("plus",)] * 2)
        assert [one.shape for one in Coding(reader.contract).apart(reader.matrix([rows]))] == shapes


def test_a_column_that_is_called_records_is_a_column() -> None:
    reader = Reader(contract_of(Column("records", "number")))
    bodies = (b'{"records": 1}', b'[{"records": 1}]', b'{"records": [{"records": 1}]}')
    assert [values(reader, reader.json(body)) for body in bodies] == [[[1.0]]] * 3


def test_too_many_rows_are_refused_in_every_form() -> None:
    reader = Reader(contract_of(COLUMNS[0]))
    rows = [{"age": 1}] * (MOST_ROWS + 1)
    for body in (rows, {"records": rows}):
        with pytest.raises(RefusedError) as refused:
            reader.json(msgspec.json.encode(body))
        assert refused.value.status == 413


def test_a_number_beyond_any_range_is_not_read_by_rounding() -> None:
    reader = Reader(contract_of(Column("n", "number", max=1.0)))
    for value in (math.nextafter(1.0, 2.0), 2**1000):
        with pytest.raises(RefusedError):
            reader.json(json.dumps({"n": value}).encode())
