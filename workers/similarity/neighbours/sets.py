"""Measures of two lists of neighbours as sets: their overlap, their Jaccard index, and whether one finds back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.similarity.neighbours.lists import Indices, ListMeasure
from workers.similarity.pairs import Array

Counts = NDArray[Any]  # of the smallest unsigned type that holds k


def common(left: Indices, right: Indices) -> Counts:
    """How many neighbours `left` (k, n) shares with each of the P lists of `right` (k, P, n): (P, n). Cost O(P n k^2),
    a few numbers at a time by one instruction."""
    k = len(left)
    found = np.zeros(right.shape, dtype=np.uint8)  # a neighbour of the left list stands in the right one at most once
    same = np.empty(right.shape, dtype=bool)
    once = same.view(np.uint8)
    turned = np.concatenate((right, right[:-1]))
    for step in range(k):
        np.equal(left[:, None], turned[step : step + k], out=same)
        found |= once
    counts: Counts = found.sum(axis=0, dtype=np.min_scalar_type(k))
    return counts


class Jaccard(ListMeasure):
    """knn.jaccard: the mean over stimuli of |A and B| / |A or B| = c / (2k - c), for c common neighbours."""

    def scores(self, left: Indices, right: Indices) -> Array:
        k, count = len(left), np.arange(len(left) + 1)
        shares: Array = (count / (2 * k - count))[common(left, right)].mean(axis=1)
        return shares


class Cycle(ListMeasure):
    """knn.cycle: the share of stimuli i of which some neighbour j in the right model has i among its own neighbours in
    the left one (Huh et al. 2024: i is found in knn_left[knn_right])."""

    def scores(self, left: Indices, right: Indices) -> Array:
        start = np.arange(left.shape[1], dtype=np.int32)
        came_back = np.zeros(right.shape[1:], dtype=bool)
        for there in right.astype(np.intp):
            for back in left:
                came_back |= back.take(there) == start
        shares: Array = came_back.mean(axis=1)
        return shares
