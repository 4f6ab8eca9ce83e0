"""Reading rows: the quick way accepts nothing that the contract refuses, and both ways read the same."""

import itertools
import json
import math
from typing import Any

import msgspec
import numpy as np
import pytest
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


@pytest.mark.parametrize("column", COLUMNS, ids=lambda one: one.name)
def test_the_quick_way_accepts_what_the_contract_accepts_and_nothing_else(column: Column) -> None:
    reader = Reader(contract_of(column))
    for value, many in itertools.product(VALUES, (False, True)):
        record = {column.name: value}
        body = json.dumps([record] * 2 if many else record).encode()
        holds = column.broken(value) is None
        try:
            rows = reader.json(body)
        except RefusedError as refused:
            assert not holds, (value, refused)
            assert refused.content["violations"], value
        else:
            assert holds, value
            expected = float(value) if column.type == "number" and value is not None else value
            assert rows == [(expected,)] * (2 if many else 1)
        typed = not isinstance(value, bool | list | dict)
        assert not typed or (reader.check([(value,)]) == []) == holds, value


def test_rows_are_read_alike_whichever_way_they_came() -> None:
    columns = [one for one in COLUMNS if one.name not in ("far", "none")]
    reader = Reader(contract_of(*columns))
    whole = {"age": 3, "any whole": 4, "half": None, "fee-€": None, "share": 0.25, "plan": "plus", "note": ""}
    other = {**whole, "half": 1, "fee-€": 1e20, "note": None}
    slow = {name: float(value) if isinstance(value, int) else value for name, value in other.items()}
    quick = reader.json(json.dumps({"records": [whole, other]}).encode())
    assert quick == [tuple(whole.values()), tuple(other.values())]
    assert reader.json(json.dumps([whole, slow]).encode()) == quick
    for mine, its in zip(reader.matrices(quick), reader.contract.matrices([whole, other]), strict=True):
        assert mine.dtype == its.dtype
        np.testing.assert_array_equal(mine, its)


def test_a_contract_of_one_kind_has_matrices_of_both() -> None:
    for column, shapes in {COLUMNS[0]: [(2, 1), (2, 0)], COLUMNS[6]: [(2, 0), (2, 1)]}.items():
        rows = [(1,)] * 2 if column.type == "integer" else [("plus",)] * 2
        assert [one.shape for one in Reader(contract_of(column)).matrices(rows)] == shapes


def test_a_column_that_is_called_records_is_a_column() -> None:
    reader = Reader(contract_of(Column("records", "number")))
    assert reader.json(b'{"records": 1}') == reader.json(b'[{"records": 1}]') == reader.json(b'{"records": [{"records": 1}]}') == [(1.0,)]


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
