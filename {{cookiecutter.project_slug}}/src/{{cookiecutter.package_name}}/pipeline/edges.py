"""Rows that production will meet and a test set may not hold: missing values, unseen categories, extremes, heavy tails."""

import numpy as np
import pandas as pd

from ..contract import Column, Contract

HEAVY_ROWS = 200
UNSEEN = "a category that no training row has"


def rows(train: pd.DataFrame, contract: Contract) -> tuple[list[str], pd.DataFrame]:
    """Names and rows: for each kind one row with all columns at the edge, one per column, and rows drawn from heavy tails."""
    base = train.iloc[[0]][[*contract.numeric, *contract.categorical]]
    named: list[tuple[str, dict[str, object]]] = [("all missing", {column.name: _missing(column) for column in contract.columns})]
    named.append(("all categories unseen", dict.fromkeys(contract.categorical, UNSEEN)))
    for end in (0, 1):
        named.append((f"all at the {('low', 'high')[end]} end", {name: _ends(train, contract, name)[end] for name in contract.numeric}))
    for column in contract.columns:
        named.append((f"{column.name} missing", {column.name: _missing(column)}))
        if column.type == "category":
            named.append((f"{column.name} unseen", {column.name: UNSEEN}))
        else:
            low, high = _ends(train, contract, column.name)
            named += [(f"{column.name} low", {column.name: low}), (f"{column.name} high", {column.name: high})]
    frame = pd.concat([base.assign(**values) for _, values in named] + [_heavy(train, contract)], ignore_index=True)
    return [name for name, _ in named] + [f"heavy tails {index}" for index in range(len(frame) - len(named))], frame


def _missing(column: Column) -> object:
    return "" if column.type == "category" else np.nan


def _ends(train: pd.DataFrame, contract: Contract, name: str) -> tuple[float, float]:
    """The contract's own bounds; where it has none, a thousand times beyond what training saw."""
    column = next(one for one in contract.columns if one.name == name)
    largest = 1000 * max(1.0, float(train[name].abs().max()) if train[name].notna().any() else 1.0)
    return (-largest if column.min is None else column.min, largest if column.max is None else column.max)


def _heavy(train: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """Training rows whose numbers are stretched by factors from a heavy-tailed distribution, within the contract's bounds."""
    random = np.random.default_rng(0)
    frame = train.iloc[random.integers(0, len(train), HEAVY_ROWS)][[*contract.numeric, *contract.categorical]].reset_index(drop=True)
    for name in contract.numeric:
        column = next(one for one in contract.columns if one.name == name)
        stretched = frame[name] * np.exp(random.standard_t(2, HEAVY_ROWS).clip(-12, 12))
        stretched = stretched.round() if column.type == "integer" else stretched
        frame[name] = stretched.clip(*_ends(train, contract, name))
    return frame
