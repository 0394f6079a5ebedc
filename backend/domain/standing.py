"""Where pairs of models stand among all pairs of a dataset: a place that can be compared between datasets, as values
with different ranges cannot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from backend.domain.consistency import pair_values
from backend.domain.metrics import Direction

Floats = NDArray[np.float64]


def percentiles(values: Floats, direction: Direction) -> Floats:
    """Of the other pairs, how many per cent are less alike, ties counted half: (P,) in, (P,) out, NaN where there is no
    value, or no other pair. 100: the most alike of all. Cost O(P log P)."""
    found = np.full(len(values), np.nan)
    here = np.isfinite(values)
    if here.sum() > 1:
        ranks = rankdata(values[here] if direction == "similarity" else -values[here])
        found[here] = 100 * (ranks - 1) / (here.sum() - 1)
    return found


def percentile(values: Floats, at: int, direction: Direction) -> float:
    """That of the one pair `at`, in O(P)."""
    value, others = values[at], int(np.isfinite(values).sum()) - 1
    if others < 1 or not np.isfinite(value):
        return float("nan")
    less = int((values < value).sum() if direction == "similarity" else (values > value).sum())
    return 100 * (less + (int((values == value).sum()) - 1) / 2) / others


@dataclass(frozen=True)
class Moves:
    """Of the pairs `which` (Q,) that have a place on two datasets or more: the datasets where they stand lowest and
    highest, `low` and `high` (Q,) int, and their places there in per cent."""

    which: NDArray[np.int64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    low_percentile: Floats
    high_percentile: Floats

    @property
    def distance(self) -> Floats:
        return self.high_percentile - self.low_percentile


def moves(stack: Floats, direction: Direction) -> Moves:
    """How far each pair moves between datasets: (D, M, M), NaN where not computed. Cost O(D M^2 log M)."""
    if not len(stack):
        none = np.zeros(0, dtype=np.int64)
        return Moves(none, none, none, np.zeros(0), np.zeros(0))
    places = np.stack([percentiles(values, direction) for values in pair_values(stack)])
    which = np.flatnonzero(np.isfinite(places).sum(axis=0) > 1)
    places = places[:, which]
    low = np.where(np.isnan(places), np.inf, places).argmin(axis=0)
    high = np.where(np.isnan(places), -np.inf, places).argmax(axis=0)
    column = np.arange(len(which))
    return Moves(which, low, high, places[low, column], places[high, column])
