"""Bundles with planted faults, made in a moment from the real data, and the judgement of one against another."""

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
from churn import bundle, dataset, params
from churn.pipeline import SIDES, export, train
from churn.review import Champion, Review, evidence, trial
from sklearn.pipeline import Pipeline


@functools.cache
def project() -> Path:
    """The baked project in whose environment the tests run."""
    return Path(params.__file__).parents[2]


@functools.cache
def default() -> params.Params:
    """The project's own parameters."""
    return params.load(project() / "params.yaml")


@functools.cache
def telco() -> pd.DataFrame:
    """Every row of the project's data, typed."""
    return dataset.read(project() / default().data.path, default())


def changed(chosen: params.Params, **values: Any) -> params.Params:
    """Parameters with other values."""
    return msgspec.structs.replace(chosen, **values)


def make(folder: Path, chosen: params.Params, frame: pd.DataFrame, spoil: Callable[[Pipeline], None] | None = None) -> bundle.Bundle:
    """Train on the frame's training rows and write the bundle, its data digest that of ``frame``."""
    sides = dataset.side(frame[chosen.data.id], chosen.split)
    split = {side: frame[sides == side].reset_index(drop=True) for side in SIDES}
    pipeline = train.fit(split["train"], chosen)
    if spoil is not None:
        spoil(pipeline)
    folder.mkdir(parents=True)
    with in_folder(folder.parent), data_file(frame, chosen):
        export.write(folder, pipeline, split, chosen)
    return bundle.load(folder)


@contextmanager
def data_file(frame: pd.DataFrame, chosen: params.Params) -> Iterator[Path]:
    """The frame as the raw data file that the parameters name, below the current folder."""
    path = Path(chosen.data.path)
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(path, index=False, lineterminator="\n")
    yield path


@contextmanager
def in_folder(folder: Path) -> Iterator[None]:
    """The block runs with ``folder`` as the current one."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


class Court:
    """Judges candidates against one champion, as the review job does, with what a pull request brings as data."""

    def __init__(self, folder: Path, champion: bundle.Bundle | None, ours: params.Params, frame: pd.DataFrame) -> None:
        self.folder, self.champion, self.ours = folder, champion, ours
        self.before = self._material("main", ours, frame)

    def judge(self, candidate: bundle.Bundle, theirs: params.Params, frame: pd.DataFrame, unreachable: str | None = None) -> Review:
        """The review of a candidate that was made of ``theirs`` and ``frame``."""
        brought = self._material(candidate.digest[-8:], theirs, frame)
        standing = Champion(3, self.champion.digest) if self.champion else None
        champion = None if unreachable else self.champion
        case = trial.Case(candidate, champion, standing, brought, self.before, self.ours, unreachable)
        return trial.judge(Review(verdict="cannot judge"), case)

    def _material(self, name: str, chosen: params.Params, frame: pd.DataFrame) -> evidence.Material:
        where = self.folder / name
        where.mkdir(exist_ok=True)
        with in_folder(where), data_file(frame, chosen) as path:
            return evidence._material(chosen, where / path, None)
