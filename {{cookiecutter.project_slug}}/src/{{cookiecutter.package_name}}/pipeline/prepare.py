"""Stage 1: check the raw data by the contract and split it."""

import numpy as np
import pandas as pd

from .. import ProblemError, dataset, params, run
from . import PREPARED, SIDES

FEWEST_ROWS = 10
FEWEST_PER_CLASS = 2


class PrepareError(ProblemError):
    """Data that cannot be split into sides that train, choose a threshold and test."""


def main() -> None:
    """Write ``train.csv``, ``validation.csv`` and ``test.csv`` with the columns of the contract."""
    chosen = params.load()
    frame = dataset.read(chosen.data.path, chosen)
    sides = dataset.side(frame[chosen.data.id], chosen.split)
    check(frame, sides, chosen)
    PREPARED.mkdir(parents=True, exist_ok=True)
    for side in SIDES:
        frame[sides == side].to_csv(PREPARED / f"{side}.csv", index=False, lineterminator="\n")
    print("rows: " + ", ".join(f"{(sides == side).sum():,} {side}" for side in SIDES))


def check(frame: pd.DataFrame, sides: np.ndarray, chosen: params.Params) -> None:
    """Raises :class:`PrepareError` when the target is constant or a side has too few rows of a class."""
    path, target = chosen.data.path, chosen.data.target
    for value in chosen.data.classes:
        if not (frame[target] == value).any():
            raise PrepareError(f"{path}: column {target!r} has no row with {value!r}: nothing to learn; bring rows of both classes")
    for side in SIDES:
        rows = frame.loc[sides == side, target]
        fewest = min((rows == value).sum() for value in chosen.data.classes)
        if len(rows) < FEWEST_ROWS or fewest < FEWEST_PER_CLASS:
            counts = " and ".join(f"{(rows == value).sum()} {value!r}" for value in chosen.data.classes)
            raise PrepareError(
                f"{path}: {len(frame)} rows leave {counts} for {side}, at least {FEWEST_ROWS} rows and {FEWEST_PER_CLASS} of each "
                f"class are needed; bring more rows or change split in params.yaml"
            )


if __name__ == "__main__":
    run(main)
