"""The stratified bootstrap as weights of *cells* of rows, drawn and used a block of resamples at a time.

Up to ``EXACT_ROWS`` rows each row is a cell, and a draw of weights is a draw of rows with replacement within their strata. Above, rows
of one stratum that both models decide alike and score nearly alike share a cell; weights of cells are then multinomial, and what rows
of a cell differ in is added to the sums as normal noise (:meth:`Cells.within`), so that widths stay those of the rows.
Efron and Tibshirani: An Introduction to the Bootstrap (1993), chapters 8 and 13.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

EXACT_ROWS = 16384
CELLS = 1024
BLOCK = 2**19


@dataclass(frozen=True)
class Column:
    """What each of n rows adds: ``values`` [n], to the sum numbered ``slot`` [n] of ``slots`` sums (all to one where it is None)."""

    values: np.ndarray
    slot: np.ndarray | None = None
    slots: int = 1


@dataclass(frozen=True)
class Cells:
    """A partition of n rows: ``of_row`` [n] names each row's cell, ``sizes`` [cells] counts rows, ``strata`` are the ranges of cells
    among which rows may be exchanged."""

    of_row: np.ndarray
    sizes: np.ndarray
    strata: tuple[slice, ...]

    @property
    def exact(self) -> bool:
        """Whether each row is a cell."""
        return len(self.sizes) == len(self.of_row)

    def sums(self, column: Column) -> np.ndarray:
        """The sums [cells, slots] of a column's rows in each cell."""
        keys = self.of_row if column.slot is None else self.of_row * column.slots + column.slot
        return np.bincount(keys, weights=column.values, minlength=len(self.sizes) * column.slots).reshape(-1, column.slots)

    def weights(self, resamples: int, seed: int) -> Iterator[np.ndarray]:
        """Blocks [b, cells] of how often each cell's rows were drawn, ``resamples`` in all."""
        rng = np.random.default_rng(seed)
        most = max(1, BLOCK // len(self.sizes))
        for start in range(0, resamples, most):
            block = np.empty((min(most, resamples - start), len(self.sizes)), dtype=np.int64)
            for stratum in self.strata:
                _draw(rng, self.sizes[stratum], block[:, stratum])
            yield block

    def within(self, columns: Sequence[Column]) -> np.ndarray:
        """The covariance [all slots, all slots] that the columns' sums lose in a resample by what rows of a cell differ in."""
        cell_sums = [self.sums(column) for column in columns]
        blocks = [[_products(one, other) for other in columns] for one in columns]
        for one, row in zip(cell_sums, blocks, strict=True):
            for other, block in zip(cell_sums, row, strict=True):
                block -= one.T @ (other / self.sizes[:, None])
        return np.block(blocks)


def cells(strata: np.ndarray, alike: np.ndarray, orders: Sequence[np.ndarray]) -> Cells:
    """The cells of n rows, all of one stratum [n] each; of many rows, those share one that are ``alike`` [n] (both are small numbers
    from 0) and near each other in every one of the one or two ``orders`` [n], which sort the rows."""
    if len(strata) <= EXACT_ROWS:
        of_row = np.empty(len(strata), dtype=np.int64)
        of_row[np.argsort(strata, kind="stable")] = np.arange(len(strata))
        return _cells(of_row, strata)
    width = int(alike.max()) + 1
    group, codes = _relabel(strata.astype(np.int64) * width + alike)
    sizes, stratum = np.bincount(group), codes // width
    share = CELLS / len(np.unique(stratum)) * sizes / np.bincount(stratum, weights=sizes)[stratum]
    alone = share >= sizes  # a few rows among many: each is its own cell
    side = np.maximum(1, np.floor(share ** (1 / len(orders)))).astype(np.int64)
    parts = [np.where(alone, sizes, side), np.where(alone, 1, side)]
    for order in orders:
        group, parents = _split(group, order, parts[0])
        parts = [part[parents] for part in parts[1:]]
    return _cells(group, strata)


def normal(covariance: np.ndarray, resamples: int, seed: Sequence[int]) -> np.ndarray:
    """Draws [resamples, k] of normal numbers with mean 0 and this covariance [k, k]; exactly 0 where a variance is."""
    covariance = np.nan_to_num(covariance)  # of sums that are not defined and stay so
    scale = np.sqrt(np.maximum(covariance.diagonal(), 0))
    unit = np.where(scale > 0, scale, 1.0)
    values, vectors = np.linalg.eigh(covariance / np.outer(unit, unit))
    draws = np.random.default_rng(seed).standard_normal((resamples, len(scale)))
    scaled: np.ndarray = (draws * np.sqrt(np.maximum(values, 0))) @ vectors.T * scale
    return scaled


def _cells(of_row: np.ndarray, strata: np.ndarray) -> Cells:
    sizes = np.bincount(of_row)
    owner = np.empty(len(sizes), dtype=np.int64)
    owner[of_row] = strata
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    return Cells(of_row, sizes, tuple(slice(int(a), int(b)) for a, b in zip(starts, [*starts[1:], len(owner)], strict=True)))


def _products(one: Column, other: Column) -> np.ndarray:
    """The sums [slots, slots] of the products of two columns."""
    zero = np.zeros(1, dtype=np.int64)
    keys = (zero if one.slot is None else one.slot) * other.slots + (zero if other.slot is None else other.slot)
    keys = np.broadcast_to(keys, one.values.shape)
    return np.bincount(keys, weights=one.values * other.values, minlength=one.slots * other.slots).reshape(one.slots, other.slots)


def _relabel(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Small numbers [n] as 0, 1, ... in the same order, and the code of each."""
    used = np.bincount(codes) > 0
    return (np.cumsum(used) - 1)[codes], np.flatnonzero(used)


def _split(group: np.ndarray, order: np.ndarray, parts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each group cut into ``parts`` [groups] of equal size along ``order``; the new group of each row and the old one of each new group."""
    sizes, offsets = np.bincount(group), np.cumsum(parts) - parts
    short = group.astype(np.uint16) if len(sizes) <= 2**16 else group  # radix sort
    sorted_rows = order[np.argsort(short[order], kind="stable")]
    owner = group[sorted_rows]
    place = np.arange(len(group)) - (np.cumsum(sizes) - sizes)[owner]
    codes = np.empty(len(group), dtype=np.int64)
    codes[sorted_rows] = offsets[owner] + place * parts[owner] // sizes[owner]
    groups, used = _relabel(codes)
    return groups, np.searchsorted(offsets, used, side="right") - 1


def _draw(rng: np.random.Generator, sizes: np.ndarray, block: np.ndarray) -> None:
    """Fill ``block`` [b, cells] with how often each of the cells of one stratum is drawn."""
    rows = int(sizes.sum())
    if rows > len(sizes):
        block[:] = rng.multinomial(rows, sizes / rows, size=len(block))
        return
    drawn = rng.integers(0, rows, size=block.shape, dtype=np.uint16 if rows < 2**16 else np.int64)
    for counts, row in zip(block, drawn, strict=True):
        counts[:] = np.bincount(row, minlength=rows)
