"""Rows as numbers alone: nothing is lost on the way there and back."""

import numpy as np
import pytest
from churn.coding import UNSEEN, Coding
from coded_kit import COLUMNS, contract_of, inputs

ALL = [column.name for column in COLUMNS]


@pytest.mark.parametrize("names", [ALL, ALL[:2], ALL[2:], ["age", "plan"]], ids=len)
def test_what_was_coded_comes_back(names: list[str]) -> None:
    contract = contract_of(*names)
    coding, (numeric, texts) = Coding(contract), inputs(contract)
    rows = coding.coded(numeric, texts)
    assert (rows.dtype, rows.shape) == (np.float32, (300, len(names)))
    numbers, words = coding.apart(rows)
    np.testing.assert_array_equal(numbers, numeric)
    assert words.tolist() == texts.tolist()


def test_a_text_that_is_in_no_list_is_not_taken_for_another() -> None:
    contract = contract_of("plan", "colour")
    texts = np.array([["basic", ""], ["nowhere", "nowhere"]], dtype=object)
    assert Coding(contract).apart(Coding(contract).coded(np.empty((2, 0), np.float32), texts))[1].tolist() == [["basic", ""], [UNSEEN] * 2]


def test_what_stands_for_a_missing_value_is_no_value() -> None:
    coding = Coding(contract_of("fee", "colour"))
    (number,), (text,) = (part[0].tolist() for part in coding.apart(np.array([coding.missing], np.float32)))
    assert np.isnan(number)
    assert text == ""
