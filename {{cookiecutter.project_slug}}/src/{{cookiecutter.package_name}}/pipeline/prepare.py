"""Stage 1: check the raw data by the contract and split it."""

import numpy as np
import pandas as pd

from .. import ProblemError, dataset, params, run
from ..dataset import FEWEST_PER_CLASS, FEWEST_ROWS
from . import PREPARED, SIDES


class PrepareError(ProblemError):
    """Data that cannot be split into sides that train, choose a threshold and test."""


def main() -> None:
    """Write ``train.csv``, ``validation.csv`` and ``test.csv`` with the columns of the contract."""
    chosen = params.load()
    frame = dataset.read(chosen.data.path, chosen)
    sides = dataset.sides(frame, chosen)
    check(frame, sides, chosen)
    PREPARED.mkdir(parents=True, exist_ok=True)
    for side in SIDES:
        frame[sides == side].to_csv(PREPARED / f"{side}.csv", index=False, lineterminator="\n")
    print("rows: " + ", ".join(f"{(sides == side).sum():,} {side}" for side in SIDES))


def check(frame: pd.DataFrame, sides: np.ndarray, chosen: params.Params) -> None:
    """Raises :class:`PrepareError` when the target is constant or a side has too few rows, or too few of a class."""
    path, target = chosen.data.path, chosen.data.target
    for value in chosen.data.classes:
        if not (frame[target] == value).any():
            raise PrepareError(f"{path}: column {target!r} has no row with {value!r}: nothing to learn; bring rows of every class")
    if chosen.problem == "regression" and frame[target].nunique() == 1:
        raise PrepareError(f"{path}: column {target!r} is {frame[target].iloc[0]:g} in every row: nothing to learn; bring other rows")
    for side in SIDES:
        rows = frame.loc[sides == side, target]
        counts = {value: int((rows == value).sum()) for value in chosen.data.classes}
        if len(rows) < FEWEST_ROWS or min(counts.values(), default=FEWEST_PER_CLASS) < FEWEST_PER_CLASS:
            needed = f"{FEWEST_ROWS} rows and {FEWEST_PER_CLASS} of each class" if counts else f"{FEWEST_ROWS} rows"
            raise PrepareError(
                f"{path}: {len(frame)} rows leave {_told(counts, len(rows))} for {side}, at least {needed} are needed; "
                f"bring more rows or change split in params.yaml"
            )


def _told(counts: dict[str, int], rows: int) -> str:
    """The rows of each class, the rarest first; the bare number for a regression."""
    rarest = sorted(counts.items(), key=lambda item: item[1])[:3]
    more = f" ({len(counts)} classes)" if len(counts) > len(rarest) else ""
    return " and ".join(f"{count} {value!r}" for value, count in rarest) + more if counts else str(rows)


if __name__ == "__main__":
    run(main)
