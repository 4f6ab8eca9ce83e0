"""Rows as numbers alone: what the server makes of a request while it reads it, and what a model is asked with.

A coded row is float32, in the order of the contract's columns: the numbers, NaN where one is missing, then for each category its place in
the contract's list. The two places behind the list stand for a missing value and for a text that is not in the list.
"""

import math
from itertools import repeat

import numpy as np

from .contract import Column, Contract

UNSEEN = "a category that no training row has"


def codes_of(column: Column) -> dict[str, float]:
    """The code of each text that a column of categories may hold."""
    codes = {text: float(place) for place, text in enumerate(column.categories)}
    return codes | {"": float(len(column.categories))}


class Coding:
    """Codes the rows of one contract, and turns codes into texts again. ``missing`` has what stands for a missing value in each column."""

    def __init__(self, contract: Contract) -> None:
        columns = contract.columns[len(contract.numeric) :]
        self.width, self._numbers = len(contract.columns), len(contract.numeric)
        self._codes = [codes_of(column) for column in columns]
        self._unseen = [float(len(column.categories) + 1) for column in columns]
        self._texts = np.array([text for column in columns for text in (*column.categories, "", UNSEEN)], dtype=object)
        self._starts = np.cumsum([0, *(len(column.categories) + 2 for column in columns[:-1])])[: len(columns)].astype(np.float32)
        self.missing = [math.nan] * self._numbers + [codes[""] for codes in self._codes]

    def coded(self, numeric: np.ndarray, categorical: np.ndarray) -> np.ndarray:
        """The rows, float32 ``[n, k + m]``, of the inputs that :meth:`contract.Contract.matrices` makes."""
        rows = np.empty((len(numeric), self.width), dtype=np.float32)
        rows[:, : self._numbers] = numeric
        for place, (codes, unseen) in enumerate(zip(self._codes, self._unseen, strict=True)):
            texts = categorical[:, place].tolist()
            rows[:, self._numbers + place] = np.fromiter(map(codes.get, texts, repeat(unseen)), dtype=np.float32, count=len(texts))
        return rows

    def apart(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The inputs that :meth:`coded` made these rows of: float32 ``[n, k]`` and text ``[n, m]``; what was unseen is :data:`UNSEEN`."""
        places = (rows[:, self._numbers :] + self._starts).astype(np.intp)
        return np.ascontiguousarray(rows[:, : self._numbers]), self._texts[places]
