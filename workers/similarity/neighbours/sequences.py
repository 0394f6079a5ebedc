"""Measures of two lists of neighbours as sequences, nearest first. The k x k table of a dynamic programme is filled for
all stimuli, and for several permutations, at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from backend.domain.metrics import Metric
from workers.similarity.neighbours.lists import Indices, ListMeasure
from workers.similarity.neighbours.sets import Counts
from workers.similarity.pairs import Array


def longest_common_subsequence(left: Indices, right: Indices) -> Counts:
    """Length of the longest sequence that a list of `left` (k, n) and one of `right` (k, P, n) both contain in order:
    (P, n). Cost O(P n k^2)."""
    kind = np.min_scalar_type(len(left))
    above: Counts = np.zeros((len(left) + 1, *right.shape[1:]), dtype=kind)
    row = above.copy()
    same = np.empty(right.shape[1:], dtype=bool)
    for one in left:
        for q, other in enumerate(right):
            np.equal(one, other, out=same)
            cell = np.add(above[q], same.view(np.uint8), out=row[q + 1])
            np.maximum(cell, above[q + 1], out=cell)
            np.maximum(cell, row[q], out=cell)
        above, row = row, above
    counts: Counts = above[-1]
    return counts


def edit_distance(left: Indices, right: Indices) -> Counts:
    """Insertions, deletions and replacements that turn a list of `left` (k, n) into one of `right` (k, P, n): (P, n).
    Cost O(P n k^2)."""
    k = len(left)
    kind = np.min_scalar_type(2 * k)
    above: Counts = np.empty((k + 1, *right.shape[1:]), dtype=kind)
    above[:] = np.arange(k + 1, dtype=kind)[:, None, None]
    row = np.empty_like(above)
    other_one, step = np.empty(right.shape[1:], dtype=bool), np.empty(right.shape[1:], dtype=kind)
    for number, one in enumerate(left):
        row[0] = number + 1
        for q, other in enumerate(right):
            np.not_equal(one, other, out=other_one)
            cell = np.add(above[q], other_one.view(np.uint8), out=row[q + 1])
            np.minimum(above[q + 1], row[q], out=step)
            step += 1
            np.minimum(cell, step, out=cell)
        above, row = row, above
    counts: Counts = above[-1]
    return counts


class Sequences(ListMeasure):
    """The mean over stimuli of a count between 0 and k, divided by k; of 1 minus that where the count is a distance."""

    def __init__(self, metric: Metric, count: Callable[[Indices, Indices], Counts], distance: bool) -> None:
        super().__init__(metric)
        self._count, self._distance = count, distance

    def scores(self, left: Indices, right: Indices) -> Array:
        share: Array = self._count(left, right).sum(axis=1, dtype=np.int64) / left.size
        return 1 - share if self._distance else share


def lcs(metric: Metric) -> Sequences:
    """knn.lcs. The published code does not divide by k."""
    return Sequences(metric, longest_common_subsequence, distance=False)


def edit(metric: Metric) -> Sequences:
    """knn.edit."""
    return Sequences(metric, edit_distance, distance=True)
