"""The raw data of main against the pull request's, row by row, and signs of leakage between its sides."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from .. import dataset, drift
from ..params import Params
from ..telling import strengths
from . import Alarm, ColumnChange, DataChange

MOST_SHARED_ROWS = 0.05
MANY_VALUES = 100
TELLS_APART = 0.5


def difference(main: pd.DataFrame, candidate: pd.DataFrame, main_params: Params, candidate_params: Params) -> DataChange:
    """What changed between two data files, as :func:`dataset.read` gives them, each with the parameters that it was read with.

    Rows are the same when their ids are. A row is changed when any column that both files have, or the target, differs; missing equals
    missing. ``test_rows_changed`` counts the rows of main's test side that are changed or gone. Columns are listed in main's order,
    the target, if it kept its name, last.
    """
    ids, theirs = (main[main_params.data.id], candidate[candidate_params.data.id])
    places = pd.Index(theirs).get_indexer(pd.Index(ids))
    kept = places >= 0
    before, after = main[kept], candidate.iloc[places[kept]]
    flipped = _differ(before[main_params.data.target], after[candidate_params.data.target])
    shared = [name for name in main_params.columns if name in candidate_params.columns]
    changed = np.logical_or.reduce([flipped, *(_differ(before[name], after[name]) for name in shared)])
    touched = ~kept
    touched[np.flatnonzero(kept)[changed]] = True
    names = [*shared, *({main_params.data.target} & {candidate_params.data.target})]
    return DataChange(
        rows_main=len(main),
        rows_candidate=len(candidate),
        added=len(candidate) - int(kept.sum()),
        removed=int((~kept).sum()),
        changed=int(changed.sum()),
        labels_changed=int(flipped.sum()),
        test_rows_changed=int((dataset.sides(main, main_params)[touched] == "test").sum()),
        columns_added=[name for name in candidate_params.columns if name not in main_params.columns],
        columns_removed=[name for name in main_params.columns if name not in candidate_params.columns],
        target_main=_target(main, main_params),
        target_candidate=_target(candidate, candidate_params),
        columns=_columns(main, candidate, names),
    )


def alarms(frame: pd.DataFrame, sides: np.ndarray, params: Params) -> list[Alarm]:
    """Signs that test rows are known to a model before it is tested on them; ``sides`` names each row's side.

    * *shared ids*: a test row has the id of a row on another side but for case and spaces (ids are different as they stand).
    * *shared rows*: more than 5 % of the test rows stand on another side as well, equal in every column and the target. Where there
      are few values rows are equal by chance, so this is looked at only where numbers with many values (more than 100, or than a
      tenth of the rows) tell at least half of the different rows apart.
    * *telling feature*: see :func:`telling.strengths`.
    """
    test = sides == "test"
    if not test.any() or test.all():
        return []
    return [*_shared_ids(frame[params.data.id], test), *_shared_rows(frame, test, params), *_telling(frame, sides, params)]


def _telling(frame: pd.DataFrame, sides: np.ndarray, params: Params) -> Iterator[Alarm]:
    for feature, measure, reached in strengths(frame, sides, params):
        what = f"{feature!r} alone reaches a {measure} of {reached:.4f} on the test rows"
        yield Alarm("telling feature", f"{what}: is it known before the outcome?")


def _differ(before: pd.Series, after: pd.Series) -> np.ndarray:
    """Where two columns of the same length differ, by place; a column that became text is compared as text."""
    ours, theirs = before.to_numpy(), after.to_numpy()
    if ours.dtype.kind == theirs.dtype.kind == "f":
        return np.asarray((ours != theirs) & ~(np.isnan(ours) & np.isnan(theirs)), dtype=bool)
    return np.asarray(_text(before) != _text(after), dtype=bool)


def _text(column: pd.Series) -> np.ndarray:
    if column.dtype.kind != "f":
        return column.to_numpy(dtype=object)
    return np.array(["" if value != value else f"{value:.15g}" for value in column], dtype=object)


def _target(frame: pd.DataFrame, params: Params) -> float | None:
    column = frame[params.data.target]
    if params.problem == "multi-class" or column.empty:
        return None
    return float(column.mean() if params.problem == "regression" else (column == params.data.positive).mean())


def _columns(main: pd.DataFrame, candidate: pd.DataFrame, names: list[str]) -> list[ColumnChange]:
    pairs = [_alike(main[name], candidate[name]) for name in names]
    found = [drift.compare(ours, theirs, "number" if ours.dtype.kind == "f" else "category") for ours, theirs in pairs]
    adjusted = drift.benjamini_hochberg([item.p for item in found])
    rows = min(len(main), len(candidate))
    return [
        ColumnChange(
            name=name,
            psi=item.psi,
            effect=item.effect,
            p_adjusted=p,
            drifted=drift.has_drifted(item, p, rows),
            missing_main=_missing(ours),
            missing_candidate=_missing(theirs),
            new_categories=_only(theirs, ours),
            gone_categories=_only(ours, theirs),
        )
        for name, (ours, theirs), item, p in zip(names, pairs, found, adjusted, strict=True)
    ]


def _alike(ours: pd.Series, theirs: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    if ours.dtype.kind == theirs.dtype.kind == "f":
        return ours.to_numpy(), theirs.to_numpy()
    return _text(ours), _text(theirs)


def _missing(values: np.ndarray) -> float:
    return float(np.mean(np.isnan(values) if values.dtype.kind == "f" else values == "")) if len(values) else 0.0


def _only(here: np.ndarray, there: np.ndarray) -> list[str]:
    return [] if here.dtype.kind == "f" else sorted({*here.tolist()} - {*there.tolist()} - {""})


def _shared_ids(ids: pd.Series, test: np.ndarray) -> Iterator[Alarm]:
    plain = np.array([" ".join(str(one).casefold().split()) for one in ids], dtype=object)
    elsewhere = dict(zip(plain[~test], ids[~test], strict=True))
    shared = [(str(one), str(elsewhere[key])) for key, one in zip(plain[test], ids[test], strict=True) if key in elsewhere]
    if shared:
        example = f"for example {shared[0][0]!r} and {shared[0][1]!r}"
        yield Alarm(
            "shared ids", f"{len(shared):,} test rows have the id of a row outside the test rows but for case and spaces, {example}"
        )


def _shared_rows(frame: pd.DataFrame, test: np.ndarray, params: Params) -> Iterator[Alarm]:
    rows = _hashes(frame[[*params.columns, params.data.target]])
    shared = int(rows[test].isin(set(rows[~test])).sum())
    if shared > MOST_SHARED_ROWS * test.sum() and _tells_apart(frame[~rows.duplicated()], params):
        share = f"{100 * shared / test.sum():.3g} % of the test rows ({shared:,} of {int(test.sum()):,})"
        yield Alarm("shared rows", f"{share} stand outside the test rows as well, equal in every column and the target")


def _tells_apart(rows: pd.DataFrame, params: Params) -> bool:
    numbers = [name for name, rule in params.columns.items() if rule.type != "category"]
    fine = [name for name in numbers if rows[name].nunique() > min(MANY_VALUES, len(rows) / 10)]
    return bool(fine) and _hashes(rows[fine]).nunique() >= TELLS_APART * len(rows)


def _hashes(frame: pd.DataFrame) -> pd.Series:
    return pd.util.hash_pandas_object(frame, index=False)
